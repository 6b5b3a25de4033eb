"""One connection to a peer: opened, used and closed by one task; calls of other tasks run inside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.client.session import ClientRequestContext, ClientSession
from mcp.client.subscriptions import SubscriptionLost, listen
from mcp.shared.exceptions import MCPError
from mcp.types import (
    METHOD_NOT_FOUND,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    ListRootsRequest,
    Tool,
    ToolListChangedNotification,
)
from pydantic import ValidationError

from bedrock_support.routing.breaker import Permit
from bedrock_support.routing.clock import Clock
from bedrock_support.server.peers.bridge import Bridge, by_policy
from bedrock_support.server.peers.config import PeerConfig
from bedrock_support.server.peers.job import Job, worded
from bedrock_support.server.peers.limits import Meter, PeerLimits
from bedrock_support.server.peers.process import child
from bedrock_support.server.peers.session import MirroringSession, all_tools, negotiate
from bedrock_support.server.peers.web import Resolve, web

MODERN = "2026-07-28"
RELIST = 1.0
"""Seconds between two listings: a peer that says *changed* without end is asked no more often."""
RELISTEN = 30.0


class LineState(StrEnum):
    """From the start to the end of a connection."""

    CONNECTING = "connecting"
    READY = "ready"
    RETIRING = "retiring"
    """Takes no more calls; closes after the last."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the lines of one peer share."""

    config: PeerConfig
    limits: PeerLimits
    clock: Clock
    look_up: Resolve
    listed: Callable[[list[Tool]], None]
    """Told of every listing of tools."""
    lost: Callable[[Line], None]
    """Told once of each line that was lost, before it is closed."""
    changed: Callable[[], None]
    """Told whenever a line's state or place changes."""


class Line:
    """A connection that declares one set of capabilities for as long as it lives."""

    def __init__(self, wiring: Wiring, capabilities: ClientCapabilities, era: str) -> None:
        self.capabilities = capabilities
        self.permit: Permit | None = None
        """The breaker's leave to connect while no call asks for it."""
        self.state = LineState.CONNECTING
        self.version = ""
        """Protocol version, once connected."""
        self.ready_at: float | None = None
        self.fault = ""
        """Why it was lost; empty while it isn't and when it was closed by us."""
        self._wiring = wiring
        self._era = era
        self._jobs: set[Job] = set()
        self._sole: Bridge | None = None
        self._stop = anyio.Event()
        self._opening = anyio.CancelScope()
        self._stale = anyio.Event()
        self._session: ClientSession | None = None
        self._group: TaskGroup | None = None

    @property
    def idle(self) -> bool:
        return not self._jobs

    @property
    def exclusive(self) -> bool:
        """A legacy upstream doesn't say which call a request of its own belongs to: one call at a time, then."""
        return self.version < MODERN and self.capabilities != ClientCapabilities()

    @property
    def free(self) -> bool:
        most = 1 if self.exclusive else self._wiring.limits.at_once
        return self.state is LineState.READY and len(self._jobs) < most

    def lost(self, why: str) -> None:
        """The connection is of no more use. The first reason counts."""
        if not self._stop.is_set():
            self.fault = why
            self.stop()
            self._wiring.lost(self)

    def stop(self) -> None:
        """Close it now; calls that run on it fail."""
        self._withdraw()
        self._stop.set()
        self._opening.cancel()

    def retire(self) -> None:
        """Close it after the calls that run on it."""
        self._withdraw()
        if self.idle:
            self.stop()

    def _withdraw(self) -> None:
        if self.state is not LineState.ENDED:
            self.state = LineState.RETIRING

    def begin(self, job: Job) -> None:
        """Start a call. Never blocks and never raises: the job tells how it ends."""
        if self._group is None or self._session is None or self.state is not LineState.READY:
            job.fail("its connection closed")
            return
        self._jobs.add(job)
        if self.exclusive:
            self._sole = job.bridge
        self._group.start_soon(self._run, self._session, job)

    def abandon(self, job: Job, *, timed_out: bool) -> None:
        """Whoever waited for the call doesn't any more."""
        job.scope.cancel()
        over_http = self._wiring.config.entry.url is not None
        # A legacy server may yet ask something in the next call's name, its HTTP exchange can't be taken back, and a
        # process that let a call run out may hang.
        if self.exclusive or (self.version < MODERN if over_http else timed_out):
            self.retire()

    async def run(self) -> None:
        """Own the connection from start to end. Raises nothing but cancellation."""
        limits = self._wiring.limits
        try:
            async with self._open() as (read, write), self._session_over(read, write) as session:
                tools: list[Tool] = []
                with self._opening, anyio.move_on_after(limits.connect) as patience:
                    await negotiate(session, self._era)
                    tools = await all_tools(session)
                if patience.cancelled_caught:
                    self.lost(f"it did not connect within {limits.connect:.0f} s")
                if self._stop.is_set():
                    return
                self.version = session.protocol_version or ""
                await self._serve(session, tools)
        except Exception as error:  # noqa: BLE001 - whatever a stranger can cause ends here, told in our words
            self.lost(worded(error))
        finally:
            self.state = LineState.ENDED

    async def _serve(self, session: ClientSession, tools: list[Tool]) -> None:
        try:
            async with anyio.create_task_group() as group:
                self._session, self._group = session, group
                if self.state is LineState.CONNECTING:
                    self.state, self.ready_at = LineState.READY, self._wiring.clock.now()
                self._wiring.listed(tools)
                self._wiring.changed()
                group.start_soon(self._relist, session)
                if self.version >= MODERN:
                    group.start_soon(self._subscribe, session)
                await self._stop.wait()
                group.cancel_scope.cancel()
        finally:
            # Before the connection is closed, which takes its time. A task that never began has settled nothing.
            self._group = self._session = None
            for job in list(self._jobs):
                self._settle(job)

    def _open(self) -> AbstractAsyncContextManager[tuple[Any, Any]]:
        wiring = self._wiring
        meter = Meter(wiring.clock, wiring.limits)
        if wiring.config.entry.url is not None:
            return web(wiring.config.entry, wiring.limits, meter, self.lost, wiring.look_up)
        return child(wiring.config.entry, wiring.limits, meter, self.lost)

    def _session_over(self, read: Any, write: Any) -> ClientSession:
        async def sampling(_: ClientRequestContext, params: CreateMessageRequestParams) -> Any:
            return await self._asked(CreateMessageRequest(params=params))

        async def elicitation(_: ClientRequestContext, params: ElicitRequestFormParams | ElicitRequestURLParams) -> Any:
            return await self._asked(ElicitRequest(params=params))

        async def roots(_: ClientRequestContext) -> Any:
            return await self._asked(ListRootsRequest())

        async def heard(message: object) -> None:
            if isinstance(message, ToolListChangedNotification):
                self._stale.set()

        return MirroringSession(
            read,
            write,
            self.capabilities,
            sampling_callback=sampling,
            elicitation_callback=elicitation,
            list_roots_callback=roots,
            message_handler=heard,
        )

    async def _asked(self, request: CreateMessageRequest | ElicitRequest | ListRootsRequest) -> Any:
        """A request of a legacy upstream: it belongs to the one call on this connection, if any."""
        if self._sole is None:
            return by_policy(request, "no client stands behind this connection")
        return await self._sole.answer(request)

    async def _run(self, session: ClientSession, job: Job) -> None:
        try:
            with job.scope:
                await job.run(session)
        except BaseException:
            # Not the job's own end: the connection is coming down, and whoever is told of it must not try it again.
            self._withdraw()
            raise
        finally:
            self._settle(job)
        if job.session_over:
            self.lost("its session ended")
        elif self.state is LineState.RETIRING and self.idle:
            self.stop()

    def _settle(self, job: Job) -> None:
        self._jobs.discard(job)
        if self._sole is job.bridge:
            self._sole = None
        job.fail(self.fault or "its connection closed")
        self._wiring.changed()

    async def _relist(self, session: ClientSession) -> None:
        while True:
            await self._stale.wait()
            self._stale = anyio.Event()
            try:
                with anyio.fail_after(self._wiring.limits.connect):
                    self._wiring.listed(await all_tools(session))
            except (MCPError, ValidationError, TimeoutError) as error:
                self.lost(f"it would not list its tools: {worded(error)}")
            await anyio.sleep(RELIST)

    async def _subscribe(self, session: ClientSession) -> None:
        """Protocol 2026-07-28 sends change notifications to those only who listen."""
        tools = session.server_capabilities.tools if session.server_capabilities else None
        while tools is not None and tools.list_changed:
            try:
                async with listen(session, tools_list_changed=True) as subscription:
                    async for _ in subscription:
                        self._stale.set()
            except MCPError as error:
                if error.code == METHOD_NOT_FOUND:
                    return
            except SubscriptionLost:
                pass
            await anyio.sleep(RELISTEN)
            self._stale.set()  # what changed in between was told to nobody
