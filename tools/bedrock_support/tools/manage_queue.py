"""manage_queue: agents leave each other messages, claim and finish their own, and mend their dead letters.

A message belongs to the agent that its topic names. Only over stdio is it known who asks: the user of this machine
started that client for themselves. Over HTTP nobody is known by name, so a message can be left there and nothing else.
No model is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from bedrock_support.routing.model import OperationClass, Priority
from bedrock_support.routing.queue.message_queue import MessageQueue
from bedrock_support.routing.queue.model import (
    DAY,
    MOST_LEASED,
    Leased,
    LeaseLost,
    QueueError,
    QueueExpired,
    QueueNotFound,
    QueueStats,
    State,
    Stored,
)
from bedrock_support.tools.base import InputError, SupportTool, ToolContext, ToolInput
from bedrock_support.tools.envelope import Result

Action = Literal["send", "result", "stats", "list_dead", "inspect", "requeue", "discard", "claim", "complete", "fail"]
LONGEST_LIFE = 30 * DAY
MOST_NAMED = 1000
Id = Annotated[str, Field(min_length=1, max_length=64)]


class QueueInput(ToolInput):
    """Arguments of manage_queue. Which ones an action needs stands in NEEDS."""

    action: Annotated[
        Action,
        Field(
            description="send; result: of a queued question; claim, complete, fail: work. "
            "stats, list_dead, inspect: look. requeue, discard: mend"
        ),
    ]
    to: Annotated[str, Field(max_length=100, description="send: name of the agent that is to have it")] = ""
    message: Annotated[str, Field(max_length=100_000, description="send: text; kept with what is secret removed")] = ""
    priority: Annotated[Priority, Field(description="send")] = Priority.MEDIUM
    key: Annotated[str, Field(max_length=200, description="send: idempotency key; the same twice is one message")] = ""
    lease_s: Annotated[float, Field(ge=1, le=3600, description="claim: seconds until the messages wait again")] = 300.0
    limit: Annotated[int, Field(ge=1, le=20, description="claim, list_dead: how many at most")] = 1
    after: Annotated[int, Field(ge=0, lt=2**63, description="list_dead: number of the last one seen")] = 0
    message_id: Annotated[str, Field(max_length=64, description="result, inspect, complete, fail")] = ""
    token: Annotated[str, Field(max_length=64, description="complete, fail: lease_token of the claim")] = ""
    result: Annotated[str, Field(max_length=100_000, description="complete: what came of it, kept a day")] = ""
    reason: Annotated[str, Field(max_length=500, description="fail: why, in words")] = ""
    retry_after_s: Annotated[float, Field(ge=0, le=DAY, description="fail: seconds to wait at least")] = 0.0
    ids: Annotated[
        list[Id] | Literal["all"] | None, Field(description="requeue, discard: dead letters' ids, or all")
    ] = None
    live_s: Annotated[
        float | None,
        Field(gt=0, le=LONGEST_LIFE, description="send, requeue: seconds until the deadline; else a day, the old one"),
    ] = None


class QueueMessage(Result):
    """One message of the queue."""

    id: str
    number: int | None = Field(default=None, description="give the last one as after, for the next page")
    topic: str
    priority: str
    state: str
    payload: str
    idempotency_key: str | None = Field(default=None, description="the same at each delivery: make its effect once")
    attempts: int
    deadline: str
    lease_until: str | None = None
    lease_token: str | None = Field(default=None, description="give it to complete or fail")
    dead_reason: str | None = None
    error: str | None = Field(default=None, description="words of the last failure")
    result: str | None = None


class QueueNumbers(Result):
    """The queue at one instant."""

    by_state: dict[str, int]
    waiting_by_priority: dict[str, int]
    live_by_topic: dict[str, int]
    live: int
    delayed: int
    dropped: int = Field(description="dead letters that gave way to new messages")
    capacity: int
    bytes_held: int
    bytes_limit: int
    oldest_wait_s: float


class QueueResult(Result):
    """What manage_queue did or saw."""

    action: Action
    said: str
    messages: tuple[QueueMessage, ...] = ()
    numbers: QueueNumbers | None = None
    changed: int = Field(default=0, description="messages that the action moved or ended")
    trace_id: str | None = None


NEEDS: dict[Action, tuple[str, ...]] = {
    "send": ("to", "message"),
    "result": ("message_id",),
    "inspect": ("message_id",),
    "requeue": ("ids",),
    "discard": ("ids",),
    "complete": ("message_id", "token"),
    "fail": ("message_id", "token", "reason"),
}
"""Arguments that an action can't do without."""
Do = Callable[[ToolContext, QueueInput], Awaitable[QueueResult]]
Clean = Callable[[str], Awaitable[str]]


FREE = frozenset({"send", "stats", "result"})
"""What a client may do that nobody is known by name. The id of a queued question can't be guessed: who has it was
given it."""
WORK = "work:"
"""Topics of questions that the server itself works off."""


def mailbox(agent: str) -> str:
    """The topic of an agent's messages: its name in lower case, whatever its version."""
    return f"agent:{agent.strip().lower()}"


def manage_queue(queue: MessageQueue, clean: Clean) -> SupportTool[QueueInput, QueueResult]:
    """The tool, at this queue; `clean` redacts for good what is to be stored."""
    actions = _actions(queue, clean)

    async def run(context: ToolContext, params: QueueInput) -> QueueResult:
        for name in NEEDS.get(params.action, ()):
            if not getattr(params, name):
                given = getattr(params, name)
                raise InputError(name, given, f"needed for action {params.action}", f"Give {name}")
        if params.action not in FREE and not context.agent:
            raise InputError(
                "action",
                params.action,
                "over HTTP, or without a name, no message belongs to you",
                "Connect over stdio under the agent's name, or use the command `bedrock-support queue`",
            )
        try:
            return await actions[params.action](context, params)
        except QueueExpired as error:
            raise InputError("live_s", params.live_s, str(error), "Give live_s, the seconds they may live") from None
        except LeaseLost as error:
            raise InputError("token", "(hidden)", str(error), "Claim again for new work") from None
        except QueueError as error:
            raise InputError(
                "action", params.action, str(error), "Nothing was changed: mend that and call again"
            ) from None

    return SupportTool(
        name="manage_queue",
        title="Work on queued messages and dead letters",
        description=(
            "Message queue for agents that aren't there: send a message to one by name; over stdio claim those that "
            "wait for you, complete or fail them with the lease_token; list_dead, inspect, requeue and discard your "
            "dead letters; stats. A message may be delivered again if its lease ends first: "
            "make its effect once per idempotency_key."
        ),
        input_model=QueueInput,
        output_model=QueueResult,
        run=run,
        op_class=lambda _: OperationClass.STANDARD,
        summary=_summary,
        read_only=False,
        idempotent=False,
        open_world=False,
    )


def _free(queue: MessageQueue, clean: Clean) -> dict[Action, Do]:
    async def send(context: ToolContext, params: QueueInput) -> QueueResult:
        # Both are stored as they are, since they must be found again.
        for name, value in (("to", params.to), ("key", params.key)):
            if await clean(value) != value:
                problem = "holds what looks like personal data or a secret, and would be kept"
                raise InputError(name, "(withheld)", problem, "Give a name or an id that tells nothing of a person")
        deadline = None if params.live_s is None else context.clock.wall() + params.live_s
        taken = await queue.enqueue(
            mailbox(params.to),
            await clean(params.message),
            priority=params.priority,
            key=params.key or None,
            deadline=deadline,
        )
        said = f"{taken.id} was sent before and is {taken.state}" if taken.duplicate else f"{taken.id} waits"
        return QueueResult(action=params.action, said=said, changed=int(not taken.duplicate))

    async def result(_: ToolContext, params: QueueInput) -> QueueResult:
        found = await queue.inspect(params.message_id)
        if not found.topic.startswith(WORK):
            raise QueueNotFound(f"no queued question has the id {params.message_id!r}: ended ones are kept for a day")
        told = _stored(found).model_copy(update={"payload": "", "idempotency_key": None})
        said = "answered" if found.state is State.DONE else f"{found.state} after {found.attempts} tries"
        return QueueResult(action=params.action, said=f"{found.id} is {said}", messages=(told,))

    async def stats(_: ToolContext, params: QueueInput) -> QueueResult:
        told = await queue.stats()
        said = f"{told.live} of {told.capacity} messages waiting or leased, {told.states[State.DEAD]} dead letters"
        return QueueResult(action=params.action, said=said, numbers=_numbers(told))

    return {"send": send, "result": result, "stats": stats}


def _actions(queue: MessageQueue, clean: Clean) -> dict[Action, Do]:
    async def list_dead(context: ToolContext, params: QueueInput) -> QueueResult:
        page = tuple(_stored(each) for each in await _dead(queue, context, params.limit, params.after))
        return QueueResult(action=params.action, said=f"{len(page)} dead letters", messages=page)

    async def inspect(context: ToolContext, params: QueueInput) -> QueueResult:
        found = _stored(await _owned(queue, context, params.message_id))
        return QueueResult(action=params.action, said=f"{found.id} is {found.state}", messages=(found,))

    async def requeue(context: ToolContext, params: QueueInput) -> QueueResult:
        deadline = None if params.live_s is None else context.clock.wall() + params.live_s
        changed = await queue.requeue(await _named(queue, context, params), deadline)
        return QueueResult(action=params.action, said=f"{changed} dead letters wait again", changed=changed)

    async def discard(context: ToolContext, params: QueueInput) -> QueueResult:
        changed = await queue.discard(await _named(queue, context, params))
        return QueueResult(action=params.action, said=f"{changed} dead letters thrown away", changed=changed)

    async def claim(context: ToolContext, params: QueueInput) -> QueueResult:
        held = await queue.lease([mailbox(context.agent)], context.agent, params.lease_s, params.limit)
        said = f"{len(held)} messages are yours until lease_until" if held else "nothing waits for you"
        return QueueResult(
            action=params.action, said=said, messages=tuple(_claimed(each) for each in held), changed=len(held)
        )

    async def complete(_: ToolContext, params: QueueInput) -> QueueResult:
        await queue.complete(params.message_id, params.token, await clean(params.result))
        return QueueResult(action=params.action, said=f"{params.message_id} is done", changed=1)

    async def fail(_: ToolContext, params: QueueInput) -> QueueResult:
        state = await queue.fail(params.message_id, params.token, await clean(params.reason), params.retry_after_s)
        said = (
            f"{params.message_id} is a dead letter now" if state is State.DEAD else f"{params.message_id} waits again"
        )
        return QueueResult(action=params.action, said=said, changed=1)

    owner: dict[Action, Do] = {
        "list_dead": list_dead,
        "inspect": inspect,
        "requeue": requeue,
        "discard": discard,
        "claim": claim,
        "complete": complete,
        "fail": fail,
    }
    return _free(queue, clean) | owner


async def _owned(queue: MessageQueue, context: ToolContext, message: str) -> Stored:
    """The message, where it is the caller's; somebody else's is as good as none."""
    found = await queue.inspect(message)
    if found.topic != mailbox(context.agent):
        raise QueueNotFound(f"none of your messages has the id {message!r}: ended ones are forgotten after a while")
    return found


async def _dead(queue: MessageQueue, context: ToolContext, limit: int, after: int) -> list[Stored]:
    mine: list[Stored] = []
    while page := await queue.dead(MOST_LEASED, after):
        mine += [each for each in page if each.topic == mailbox(context.agent)]
        if len(mine) >= limit or len(page) < MOST_LEASED:
            break
        after = page[-1].number
    return mine[:limit]


async def _named(queue: MessageQueue, context: ToolContext, params: QueueInput) -> list[str]:
    if not isinstance(params.ids, list):
        return [each.id for each in await _dead(queue, context, MOST_NAMED, 0)]
    return [(await _owned(queue, context, each)).id for each in params.ids]


def _numbers(told: QueueStats) -> QueueNumbers:
    return QueueNumbers(
        by_state={state.value: count for state, count in told.states.items()},
        waiting_by_priority={each.value: count for each, count in told.waiting.items()},
        live_by_topic=dict(told.topics),
        live=told.live,
        delayed=told.delayed,
        dropped=told.dropped,
        capacity=told.capacity,
        bytes_held=told.size,
        bytes_limit=told.most_size,
        oldest_wait_s=round(told.oldest_wait, 3),
    )


def _stored(found: Stored) -> QueueMessage:
    return QueueMessage(
        id=found.id,
        number=found.number,
        topic=found.topic,
        priority=found.priority.value,
        state=found.state.value,
        payload=found.payload,
        idempotency_key=found.key,
        attempts=found.attempts,
        deadline=_stamp(found.deadline),
        lease_until=None if found.lease_until is None else _stamp(found.lease_until),
        dead_reason=found.dead_reason and found.dead_reason.value,
        error=found.error or None,
        result=found.result,
    )


def _claimed(held: Leased) -> QueueMessage:
    return QueueMessage(
        id=held.id,
        topic=held.topic,
        priority=held.priority.value,
        state="leased",
        payload=held.payload,
        idempotency_key=held.key,
        attempts=held.attempt,
        deadline=_stamp(held.deadline),
        lease_until=_stamp(held.lease_until),
        lease_token=held.token,
    )


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _summary(result: QueueResult) -> str:
    lines = [f"{result.said}."]
    for each in result.messages:
        why = f", {each.dead_reason}: {each.error or 'no word'}" if each.dead_reason else ""
        token = f" lease_token={each.lease_token}" if each.lease_token else ""
        lines.append(f"- {each.id} {each.topic} {each.priority} {each.state} x{each.attempts}{why}{token}")
        if each.result:
            lines.append(f"  {each.result}")
        if each.payload:
            lines.append(f"  {each.payload}")
    return "\n".join(lines)
