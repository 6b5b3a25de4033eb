"""The tools of peers, listed and called as tools of this server: `peer__tool`."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from typing import Any
from weakref import WeakSet

import anyio
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.subscriptions import SubscriptionBus
from mcp.shared.subscriptions import ToolsListChanged
from mcp.types import CallToolResult, InputRequiredResult, Tool, ToolAnnotations

from bedrock_support.routing.audit import AuditSink
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.errors import RouteError
from bedrock_support.server.callers import Channel, LiveChannel, key_of
from bedrock_support.server.calls import MODERN, failure
from bedrock_support.server.peers.bridge import CallerSide
from bedrock_support.server.peers.peer import Peer
from bedrock_support.server.peers.pool import PeerPool
from bedrock_support.server.rounds import AnyContext, Rounds

log = logging.getLogger(__name__)

MOST_NAME = 64
"""Characters of a tool's name; Kiro drops longer ones."""
TELL = 1.0
"""Seconds that a client may take to be told of a change."""


class PeerTools:
    """What SupportServer merges into its own list of tools, and where it sends calls of them."""

    def __init__(
        self,
        pool: PeerPool,
        clock: Clock,
        entropy: Entropy,
        max_seconds: float,
        reserved: Collection[str] = (),
        audit: AuditSink | None = None,
    ) -> None:
        """`max_seconds` caps every call; a name that is `reserved`, one of our own, is never offered."""
        self._pool = pool
        self._clock = clock
        self._entropy = entropy
        self._max_seconds = max_seconds
        self._reserved = frozenset(reserved)
        self._audit = audit
        self._connections: WeakSet[Connection] = WeakSet()

    def listed(self) -> list[Tool]:
        """The offered tools in alphabetical order. A peer that is down keeps its last known ones."""
        return [self._shown(name, peer, tool) for name, (peer, tool) in sorted(self._offered().items())]

    def has(self, name: str) -> bool:
        """Whether a name is one of a peer's: its call goes to call(), known or not."""
        prefix, parted, _ = name.partition("__")
        return bool(parted) and name not in self._reserved and any(p.name == prefix for p in self._pool.offering())

    def offers(self, name: str) -> bool:
        """Whether a peer has listed a tool of this name."""
        prefix, _, tool = name.partition("__")
        return self.has(name) and tool in self._pool.peers[prefix].tools

    def notes(self) -> tuple[str, ...]:
        """Which tools are left out for their name."""
        return tuple(
            f"{peer.name}: {tool}: left out, as {peer.name}__{tool} is too long or taken"
            for peer in self._pool.offering()
            for tool in peer.tools
            if not self._fits(f"{peer.name}__{tool}")
        )

    async def call(
        self, name: str, arguments: dict[str, Any], context: AnyContext
    ) -> CallToolResult | InputRequiredResult:
        """Call an offered tool for whoever stands behind `context`; a failure is a result that says so."""
        prefix, _, tool = name.partition("__")
        peer = self._pool.peers[prefix]
        deadline = self._clock.now() + self._max_seconds

        async def body(_: str, channel: Channel) -> CallToolResult:
            if self._audit is not None:
                who = key_of(context.headers, context.session.client_params)
                try:
                    await self._audit.relayed(prefix, tool, json.dumps(arguments), who)
                except Exception as fault:
                    log.exception("a call of %s has no audit entry", name)
                    return failure(f"the audit trail could not be written ({type(fault).__name__}): nothing was sent")
            side = CallerSide(capabilities=context.client_capabilities, channel=channel)
            return await _called(peer, tool, arguments, deadline, side)

        if (context.protocol_version or "") < MODERN:
            return await body(self._entropy.token(), LiveChannel(context.request_context))
        rounds: Rounds = context.request_context.lifespan_context
        return await rounds.call(context, body)

    async def watch(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Middleware: remembers, for as long as they live, the legacy connections that may want to hear of changes."""
        if (ctx.protocol_version or "") < MODERN:
            # A session object lives for one request only; the SDK has no public way to what lives longer.
            self._connections.add(ctx.session._connection)  # pyright: ignore[reportPrivateUsage]
        return await call_next(ctx)

    async def run(self, bus: SubscriptionBus | None = None) -> None:
        """Tell clients of both eras when the offered tools change. Runs until cancelled."""
        async with anyio.create_task_group() as group:
            for peer in self._pool.offering():
                group.start_soon(self._follow, peer, bus)

    async def _follow(self, peer: Peer, bus: SubscriptionBus | None) -> None:
        changed = peer.tools_changed
        while True:
            await changed.wait()
            changed = peer.tools_changed  # before the news is sent: what changes meanwhile is news again
            await self.announce(bus)

    async def announce(self, bus: SubscriptionBus | None = None) -> None:
        """Tell clients of both eras that the list of tools is another now."""
        if bus is not None:
            await bus.publish(ToolsListChanged())
        for connection in list(self._connections):
            await _tell(connection)

    def _offered(self) -> dict[str, tuple[Peer, Tool]]:
        return {
            name: (peer, tool)
            for peer in self._pool.offering()
            for tool in peer.tools.values()
            if self._fits(name := f"{peer.name}__{tool.name}")
        }

    def _fits(self, name: str) -> bool:
        return len(name) <= MOST_NAME and name not in self._reserved

    def _shown(self, name: str, peer: Peer, tool: Tool) -> Tool:
        return Tool(
            name=name,
            title=tool.title,
            description=f"[from {peer.name}] {tool.description}",
            input_schema=tool.input_schema,
            # A stranger's word on what its tool does is worth nothing: the worst is assumed.
            annotations=ToolAnnotations(
                read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
            ),
        )


async def _called(
    peer: Peer, tool: str, arguments: dict[str, Any], deadline: float, side: CallerSide
) -> CallToolResult:
    try:
        result = await peer.call(tool, arguments, deadline=deadline, caller=side)
    except RouteError as error:
        mend = f". {error.failure.mend}" if error.failure.mend else ""
        return failure(f"{error}{mend}")
    return CallToolResult(
        content=result.content, structured_content=result.structured_content, is_error=result.is_error
    )


async def _tell(connection: Connection) -> None:
    try:
        with anyio.move_on_after(TELL):
            await connection.send_tool_list_changed()
    except Exception:  # noqa: BLE001, S110 - a client that is gone needs no news, and must not cost another its own
        pass
