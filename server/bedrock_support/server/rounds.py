"""Multi-round-trip calls of protocol 2026-07-28: a running call is parked while the client answers.

A call that needs the client returns an InputRequiredResult and waits in memory; the client's retry
wakes it. A retry that reaches another process, or comes after a restart, starts the call again with
the answers it carries: the keys are numbered in order, so the same call asks the same questions.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequest, InputRequiredResult, InputResponse

from bedrock_support.routing.clock import Entropy
from bedrock_support.server.callers import Channel

ANSWER_WINDOW = 600.0
"""Seconds that a parked call waits at the most; its own deadline is nearly always sooner."""
MOST_PARKED = 512
"""Parked calls kept; the oldest gives way (its client's retry starts it again)."""

AnyContext = Context[Any, Any]
Body = Callable[[str, Channel], Awaitable[CallToolResult]]


class ParkedCall:
    """One running call, woken round by round. Its channel is itself."""

    def __init__(self, call_id: str, context: AnyContext) -> None:
        self.id = call_id
        self.context: AnyContext | None = context
        self.result: CallToolResult | None = None
        self.fault: Exception | None = None
        self.scope = anyio.CancelScope()
        self.open: dict[str, InputRequest] = {}
        self._given: dict[str, InputResponse] = dict(context.input_responses or {})
        self._asked = 0
        self._changed = anyio.Event()

    @property
    def ended(self) -> bool:
        return self.result is not None or self.fault is not None

    async def request(self, request: InputRequest) -> InputResponse:
        """Ask the client: the next result it gets carries the question."""
        self._asked += 1
        key = f"q{self._asked}"
        self.open[key] = request
        self._tell()
        try:
            with anyio.fail_after(ANSWER_WINDOW):
                while key not in self._given:
                    await self._changed.wait()
        except BaseException:
            if self.context is None:
                # The question ran out with nobody attached to read what would come next: spend nothing more on it.
                self.scope.cancel()
            raise
        finally:
            self.open.pop(key, None)
        return self._given.pop(key)

    async def progress(self, done: float, total: float, message: str) -> None:
        """To whichever request is waiting for this call now; between rounds nobody is told."""
        if self.context is not None:
            await self.context.report_progress(done, total, message)

    def attach(self, context: AnyContext) -> None:
        """The client is back, with or without answers."""
        self.context = context
        answers = context.input_responses or {}
        self._given |= {key: answers[key] for key in self.open.keys() & answers.keys()}
        self._tell()

    async def settled(self) -> None:
        """Wait until the call has ended or waits for answers that nobody has given."""
        while not self.ended and not (self.open.keys() - self._given.keys()):
            await self._changed.wait()

    async def run(self, body: Body) -> None:
        try:
            with self.scope:
                self.result = await body(self.id, self)
        except Exception as fault:  # noqa: BLE001 - handed to the request that waits for it
            self.fault = fault
        if not self.ended:
            self.fault = TimeoutError("the call ended while it waited for the client")
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class Rounds:
    """The parked calls of one server, and the task group that they run in."""

    def __init__(self, group: TaskGroup, entropy: Entropy) -> None:
        self._group = group
        self._entropy = entropy
        self._parked: dict[str, ParkedCall] = {}

    @property
    def parked(self) -> int:
        """How many calls wait for their client."""
        return len(self._parked)

    async def call(self, context: AnyContext, body: Body) -> CallToolResult | InputRequiredResult:
        """Run or resume a call until it ends or needs its client."""
        state = context.request_state
        parked = self._parked.pop(state, None) if state else None
        if parked is None or parked.ended:
            # Another process's call, or one that ended while its client was away: the answers start it again.
            parked = ParkedCall(state or self._entropy.token(), context)
            self._group.start_soon(parked.run, body)
        else:
            parked.attach(context)
        try:
            await parked.settled()
        except BaseException:
            parked.scope.cancel()
            raise
        finally:
            parked.context = None
        if parked.fault is not None:
            raise parked.fault
        if parked.result is not None:
            return parked.result
        self._park(parked)
        return InputRequiredResult(input_requests=dict(parked.open), request_state=parked.id)

    def _park(self, parked: ParkedCall) -> None:
        self._parked = {key: each for key, each in self._parked.items() if not each.ended}
        while len(self._parked) >= MOST_PARKED:
            self._parked.pop(next(iter(self._parked))).scope.cancel()
        self._parked[parked.id] = parked


@asynccontextmanager
async def open_rounds(entropy: Entropy) -> AsyncGenerator[Rounds]:
    """Parked calls live as long as this context; leaving it cancels them."""
    async with anyio.create_task_group() as group:
        yield Rounds(group, entropy)
        group.cancel_scope.cancel()
