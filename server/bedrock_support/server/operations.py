"""Calls that outlast their client's patience: answered with a handle, worked on in the background, fetched later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup
from mcp.types import CallToolResult, InputRequest, InputResponse, TextContent

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.callers import Channel
from bedrock_support.tools.operation import Progressed

MOST_RUNNING = 8
SECONDS = 600.0
"""That one operation may take, from its call on."""
KEPT_SECONDS = 1800.0
"""That a result is kept after its end."""
MOST_KEPT = 64
"""Results kept; the one that nobody has looked at for longest gives way."""
MARGIN, MARGIN_SHARE = 2.0, 0.1
"""Seconds before its deadline, or share of its time if that is less, at which a call is answered with a handle."""


@dataclass(slots=True, kw_only=True, eq=False)
class Ongoing:
    """One call of a tool that may outlast it."""

    id: str
    owner: str
    """Key of the client that called: nobody else may see it."""
    tool: str
    started: float
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)
    changed: anyio.Event = field(default_factory=anyio.Event)
    left: bool = False
    """Its call has been answered with a handle."""
    asking: int = 0
    """Questions that the client has now."""
    done: float = 0.0
    total: float = 0.0
    message: str = ""
    result: CallToolResult | None = None
    fault: Exception | None = None
    ended_at: float = 0.0


class Tied:
    """The client's channel for as long as the call lasts; afterwards there is nobody to ask or to tell."""

    def __init__(self, channel: Channel, operation: Ongoing) -> None:
        self._channel = channel
        self._operation = operation

    async def request(self, request: InputRequest) -> InputResponse:
        operation = self._operation
        if operation.left:
            raise RouteError(FailureKind.NO_CARRIER, "the call goes on in the background, where no client can be asked")
        operation.asking += 1
        try:
            return await self._channel.request(request)
        finally:
            operation.asking -= 1
            operation.changed.set()
            operation.changed = anyio.Event()

    async def progress(self, done: float, total: float, message: str) -> None:
        operation = self._operation
        operation.done, operation.total, operation.message = done, total, message
        if not operation.left:
            await self._channel.progress(done, total, message)


Work = Callable[[Ongoing], Awaitable[CallToolResult]]


class Operations:
    """The calls that may go on, and those that did."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._group: TaskGroup | None = None
        self._running = 0
        self._kept: dict[str, Ongoing] = {}

    def start(self, group: TaskGroup) -> None:
        """Work in this group from now on; leaving it cancels what still runs."""
        self._group = group

    @property
    def free(self) -> bool:
        """One more may run."""
        return self._group is not None and self._running < MOST_RUNNING

    async def call(self, owner: str, tool: str, work: Work, started: float, deadline: float) -> CallToolResult:
        """The work's result, or a handle for it shortly before `deadline`. Needs a place: see `free`.

        Raises whatever the work raises before its call is answered. Cancelled with its caller until then.
        """
        assert self._group is not None  # noqa: S101 - see free
        operation = Ongoing(id=f"op-{self._entropy.token()}", owner=owner, tool=tool, started=started)
        self._running += 1
        self._group.start_soon(self._run, operation, work, name=f"operation of {tool}")
        margin = min(MARGIN, (deadline - started) * MARGIN_SHARE)
        try:
            with anyio.move_on_after(max(0.0, deadline - margin - self._clock.now())):
                await operation.ended.wait()
            with anyio.move_on_after(max(0.0, deadline - self._clock.now())):
                # Its client was asked something and will answer this call only: the handle waits as long as it may.
                while operation.asking and not operation.ended.is_set():
                    await operation.changed.wait()
        except BaseException:
            operation.scope.cancel()
            raise
        if operation.fault is not None:
            raise operation.fault
        if operation.result is not None:
            return operation.result
        operation.left = True
        self._keep(operation)
        return _handle(operation)

    async def look(self, owner: str, key: str, wait: float) -> Progressed | None:
        """How far an operation is, after waiting at most so many seconds for its end; None for what isn't theirs."""
        self._forget()
        operation = self._kept.get(key)
        if operation is None or operation.owner != owner:
            return None
        self._kept[key] = self._kept.pop(key)
        with anyio.move_on_after(wait):
            await operation.ended.wait()
        result = operation.result
        return Progressed(
            id=operation.id,
            tool=operation.tool,
            seconds=round((operation.ended_at or self._clock.now()) - operation.started, 1),
            done=operation.done,
            total=operation.total,
            message=operation.message,
            result=None if result is None else result.structured_content or {},
            text="" if result is None else _words(result),
            failed=result is not None and bool(result.is_error),
        )

    async def _run(self, operation: Ongoing, work: Work) -> None:
        result: CallToolResult | None = None
        try:
            with operation.scope:
                result = await work(operation)
        except Exception as fault:  # noqa: BLE001 - its caller's, not the server's: other work goes on
            operation.fault = fault
            result = CallToolResult(content=[TextContent(type="text", text=type(fault).__name__)], is_error=True)
        finally:
            # Cancelled: with its caller, who waits no longer, or with the server.
            self._running -= 1
            operation.result = result
            operation.ended_at = self._clock.now()
            operation.ended.set()
            operation.changed.set()

    def _keep(self, operation: Ongoing) -> None:
        self._forget()
        ended = [key for key, each in self._kept.items() if each.ended.is_set()]
        for key in ended[: max(0, len(self._kept) - MOST_KEPT + 1)]:
            del self._kept[key]
        self._kept[operation.id] = operation

    def _forget(self) -> None:
        old = self._clock.now() - KEPT_SECONDS
        for key in [key for key, each in self._kept.items() if each.ended.is_set() and each.ended_at < old]:
            del self._kept[key]


def _handle(operation: Ongoing) -> CallToolResult:
    how = f"Call get_operation with operation_id {operation.id} for progress and the result"
    told: dict[str, object] = {
        "status": "running",
        "operation_id": operation.id,
        "tool": operation.tool,
        "progress": {"done": operation.done, "total": operation.total, "message": operation.message},
        "how": how,
    }
    said = f"{operation.tool} goes on in the background ({operation.message or 'working'}). {how}."
    return CallToolResult(content=[TextContent(type="text", text=said)], structured_content=told)


def _words(result: CallToolResult) -> str:
    return "\n".join(each.text for each in result.content if isinstance(each, TextContent))
