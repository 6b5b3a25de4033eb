"""Every fault of the sandbox's streams through the whole pipeline: a whole answer or a typed failure, never a half."""

from __future__ import annotations

from dataclasses import dataclass

import anyio
import anyio.to_thread
import pytest

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.mcp_router import CallerAbilities
from bedrock_support.routing.model import (
    Carrier,
    FailureKind,
    ModelRole,
    Operation,
    OperationClass,
    Outcome,
    Reply,
    RouteName,
)
from bedrock_support.server.sandbox.emulator import open_sandbox
from bedrock_support.server.sandbox.faults import STOP_REASONS, STREAM_EXCEPTIONS, Fault, FaultKind
from bedrock_support.server.settings import Settings
from bedrock_support.server.wiring import build
from tests.direct_rig import with_keys
from tests.promises import promise

TEXT = " ".join(f"word{number}" for number in range(60))
"""No part of it comes twice, so that a repeated half would show."""
SAMPLED = " ".join(f"other{number}" for number in range(60))
BREAKING = (
    FaultKind.STALL,
    FaultKind.DRIP,
    FaultKind.CUT,
    FaultKind.CUT_MID_FRAME,
    FaultKind.NO_MESSAGE_STOP,
    FaultKind.NO_METADATA,
    FaultKind.BAD_CRC,
    FaultKind.HUGE_BODY,
    *STREAM_EXCEPTIONS,
    *STOP_REASONS,
)
PASSES_ON = frozenset({FaultKind.MAX_TOKENS})
"""Not a failure: Bedrock itself ended the answer there, and the reply says so."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client with a model of its own, or without."""

    sampling: bool
    key: str = "client"

    @property
    def abilities(self) -> CallerAbilities:
        return CallerAbilities(sampling=self.sampling, elicitation=False)

    async def sample(self, operation: Operation) -> Reply:
        return Reply(text=SAMPLED, model="sampled", carrier=Carrier.SAMPLING)

    async def elicit(self, message: str) -> bool:
        return False


async def judged(fault: Fault | None, *, other_route: bool = False) -> Outcome:
    """One infrastructure question to a house of its own, which has met no fault before."""
    clock = SystemClock()
    async with open_sandbox() as sandbox:
        sandbox.faults.answer = TEXT
        sandbox.faults.set(fault)
        house = await anyio.to_thread.run_sync(build, Settings(endpoint_url=sandbox.url, caller_model=other_route))
        question = Operation(
            id="op-1",
            op_class=OperationClass.INFRASTRUCTURE,
            tool="triage_incident",
            system="You help.",
            brief="Why does it fail?",
            evidence_digest="ab" * 32,
            deadline=house.manager.deadline(OperationClass.INFRASTRUCTURE, clock.now()),
            model_role=ModelRole.FAST,
            stream=True,
        )
        try:
            outcome = await house.manager.judge(question, Client(sampling=other_route))
        finally:
            await house.aclose()
    assert clock.now() <= question.deadline
    return outcome


def whole_or_failed(outcome: Outcome, kind: FaultKind) -> None:
    """Nothing in between, and every attempt that broke says so."""
    if outcome.reply is None:
        assert outcome.failure is not None, kind
        assert outcome.failure.kind in FailureKind, kind
        assert outcome.failure.message, kind
    elif kind in PASSES_ON and outcome.reply.text != TEXT:
        assert (outcome.reply.text, outcome.reply.stop_reason) == (TEXT[: len(TEXT) // 2], "max_tokens")
    else:
        assert outcome.reply.text in (TEXT, SAMPLED), kind
        assert outcome.failure is None, kind


@pytest.mark.parametrize("kind", BREAKING)
@promise("fire:stream-faults", "fire:no-repeats")
async def test_a_broken_stream_is_never_silent(kind: FaultKind, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    ends: dict[str, Outcome] = {}

    async def lasting(after: int) -> None:
        ends[f"lasting {after}"] = await judged(Fault(kind=kind, after_chunks=after))

    async def once() -> None:
        ends["once"] = await judged(Fault(kind=kind, times=1))

    async def beside() -> None:
        ends["beside"] = await judged(Fault(kind=kind), other_route=True)

    async with anyio.create_task_group() as group:
        for after in (0, 2, 1000):
            group.start_soon(lasting, after)
        group.start_soon(once)
        group.start_soon(beside)
    for outcome in ends.values():
        whole_or_failed(outcome, kind)
        assert len(outcome.attempts) >= 1
        assert kind in PASSES_ON or outcome.attempts[0].failure is not None, "the fault passed in silence"
    if kind not in PASSES_ON:
        assert all(ends[f"lasting {after}"].reply is None for after in (0, 2, 1000))
        beside_reply = ends["beside"].reply
        if beside_reply is not None:
            assert (beside_reply.text, ends["beside"].attempts[-1].route) == (SAMPLED, RouteName.MCP)


@promise("fire:no-repeats")
async def test_without_a_fault_the_text_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    outcome = await judged(None)
    assert outcome.reply is not None
    assert (outcome.reply.text, len(outcome.attempts)) == (TEXT, 1)
