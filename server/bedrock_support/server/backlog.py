"""Background questions that no route could take now: they wait in the queue until a route is well again."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio

from bedrock_support.routing import semconv
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.errors import FAILURES
from bedrock_support.routing.model import (
    FailureKind,
    Kind,
    ModelRole,
    Operation,
    OperationClass,
    Outcome,
    Priority,
    Reply,
    Residency,
)
from bedrock_support.routing.queue.message_queue import MessageQueue
from bedrock_support.routing.queue.model import Leased, QueueError
from bedrock_support.routing.spans import CONSUMER, PRODUCER, Attribute, failed, links_to, span, traceparent

log = logging.getLogger(__name__)

TOPIC = "work:judgement"
LIFE = 3600.0
"""Seconds for which a question is worth an answer: after an hour an incident's evidence tells of the past."""
ANSWER_SECONDS = 60.0
"""What one try may take: the deadline of the background class."""
LEASE, RENEW = 15.0, 5.0
"""Seconds that a question is this process's without a sign of life, and between two of them."""
LOOK_EVERY = 5.0
"""Seconds between two looks into the queue where nothing calls for one: other processes put questions there too."""
FIELDS = ("tool", "system", "brief", "evidence_digest", "max_tokens")
_MARK = re.compile(r"evidence-[0-9a-f]{16}")
_PLACEHOLDER = re.compile(r"(\[\[[A-Z_]{3,16}_\d{1,6}_)[0-9a-f]{8}\]\]")
Ask = Callable[[Operation], Awaitable[Outcome]]


class Backlog:
    """Accepts questions, and works them off one at a time for as long as `run` runs.

    What is stored went through the gate: placeholders stand where secrets and personal data were, and their values are
    kept nowhere, so an answer that is fetched later holds the placeholders too.
    """

    def __init__(self, queue: MessageQueue, clock: Clock, entropy: Entropy, opens_in: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock
        self._entropy = entropy
        self._opens_in = opens_in
        self._worker = f"backlog-{entropy.token()}"
        self._news = anyio.Event()

    async def accept(self, outcome: Outcome) -> Outcome:
        """The outcome, with the id under which its question waits where it may: then it is on disk."""
        if not _may_wait(outcome) or outcome.decision is None:
            return outcome
        asked = outcome.decision.operation  # redacted, unlike the outcome's own
        payload = {name: _settled(getattr(asked, name), asked.evidence_digest) for name in FIELDS} | {
            "role": asked.model_role.value,
            "residency": asked.residency.value,
            "schema": dict(asked.answer_schema),
        }
        key = hashlib.sha256(f"{asked.tool}:{asked.evidence_digest}".encode()).hexdigest()
        try:
            with span(f"send {TOPIC}", _told_of("send"), kind=PRODUCER) as current:
                receipt = await self._queue.enqueue(
                    TOPIC,
                    json.dumps(payload, ensure_ascii=False),
                    priority=Priority.LOW,
                    key=key,
                    deadline=self._clock.wall() + LIFE,
                    origin=traceparent(),
                )
                current.set_attribute(semconv.MESSAGING_ID, receipt.id)
        except QueueError as error:
            log.warning("a background question could not be queued: %s", error)
            return outcome
        self._news.set()
        return replace(outcome, queued=receipt.id)

    async def run(self, ask: Ask) -> None:
        """Work the queue off. Runs until cancelled; a question under way is then given back."""
        while True:
            try:
                worked = self._opens_in() <= 0 and await self._one(ask)
            except QueueError as error:
                log.warning("the queue of background questions can't be used just now: %s", error)
                worked = False
            if not worked:
                self._news = anyio.Event()
                with anyio.move_on_after(max(0.2, min(LOOK_EVERY, self._opens_in() or LOOK_EVERY))):
                    await self._news.wait()

    async def _one(self, ask: Ask) -> bool:
        held = await self._queue.lease([TOPIC], self._worker, LEASE)
        for each in held:
            try:
                operation = self._operation(each)
                about = {**_told_of("process"), semconv.MESSAGING_ID: each.id}
                # A link and no parent: the call that sent it has ended, hours ago perhaps.
                with span(f"process {TOPIC}", about, kind=CONSUMER, links=links_to(each.origin)) as current:
                    outcome = await self._asked(each, operation, ask)
                    if outcome.failure is not None:
                        failed(current, outcome.failure.kind.value)
            except (ValueError, KeyError, TypeError) as error:
                await self._queue.fail(each.id, each.token, f"not a question of this version ({type(error).__name__})")
                continue
            except BaseException:
                with anyio.move_on_after(2.0, shield=True):
                    await self._queue.give_back([each])
                raise
            await self._ended(each, outcome)
        return bool(held)

    async def _asked(self, held: Leased, operation: Operation, ask: Ask) -> Outcome:
        """Ask, and keep the lease meanwhile."""

        async def renew() -> None:
            while True:
                await anyio.sleep(RENEW)
                with suppress(QueueError):  # lost: somebody else asks too, and the first to complete wins
                    await self._queue.extend(held.id, held.token, LEASE)

        found: list[Outcome] = []
        async with anyio.create_task_group() as group:
            group.start_soon(renew)
            found.append(await ask(operation))
            group.cancel_scope.cancel()
        return found[0]

    async def _ended(self, held: Leased, outcome: Outcome) -> None:
        if outcome.reply is not None:
            await self._queue.complete(held.id, held.token, json.dumps(_told(outcome, outcome.reply)))
            return
        failure = outcome.failure
        why = failure.message if failure else outcome.refusal.reason if outcome.refusal else "no answer"
        await self._queue.fail(held.id, held.token, why[:500], retry_after=max(LOOK_EVERY, self._opens_in()))

    def _operation(self, held: Leased) -> Operation:
        told: dict[str, Any] = json.loads(held.payload)
        return Operation(
            id=f"q-{self._entropy.token()}",
            op_class=OperationClass.BACKGROUND,
            deadline=self._clock.now() + ANSWER_SECONDS,
            model_role=ModelRole(told["role"]),
            residency=Residency(told["residency"]),
            answer_schema=told["schema"],
            idempotency_key=held.key or "",
            **{name: told[name] for name in FIELDS},
        )


def _told_of(operation: str) -> dict[str, Attribute]:
    """A span's attributes, by the conventions for messaging."""
    return {
        semconv.MESSAGING_SYSTEM: semconv.QUEUE_SYSTEM,
        semconv.MESSAGING_DESTINATION: TOPIC,
        semconv.MESSAGING_OPERATION: operation,
    }


def _settled(value: object, digest: str) -> object:
    """The text with marks and nonces that only the evidence decides: the same question twice is one message then."""
    if not isinstance(value, str):
        return value
    return _PLACEHOLDER.sub(rf"\g<1>{digest[:8]}]]", _MARK.sub(f"evidence-{digest[:16]}", value))


def _may_wait(outcome: Outcome) -> bool:
    """Whether a background question failed for reasons that pass."""
    asked = outcome.operation
    if outcome.failure is None or asked.op_class is not OperationClass.BACKGROUND or asked.kind is not Kind.READ:
        return False
    return FAILURES[outcome.failure.kind].again or outcome.failure.kind is FailureKind.TIMEOUT


def _told(outcome: Outcome, reply: Reply) -> dict[str, Any]:
    return {
        "text": reply.text,
        "model": reply.model,
        "simulated": reply.simulated,
        "decision_id": outcome.decision.id if outcome.decision else None,
    }
