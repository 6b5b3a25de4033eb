"""Fixtures below the level of tools: completion, log level, subscriptions, and a store of sent events."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer, ServerRequestContext
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    EmptyResult,
    JSONRPCMessage,
    PromptReference,
    ResourceTemplateReference,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)


class EventLog(EventStore):
    """All events sent, in order, so that a client that lost its stream gets what it missed (SEP-1699)."""

    def __init__(self) -> None:
        self._sent: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keep an event; its id is its place."""
        self._sent.append((stream_id, message))
        return str(len(self._sent) - 1)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send again what followed on the same stream. Events without a message only open a stream."""
        last = int(last_event_id) if last_event_id.isdecimal() else len(self._sent)
        if last >= len(self._sent):
            return None
        stream = self._sent[last][0]
        for place, (other, message) in list(enumerate(self._sent))[last + 1 :]:
            if other == stream and message is not None:
                await send_callback(EventMessage(message, str(place)))
        return stream


async def complete(
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> Completion:
    """Nothing to suggest; the suite checks the shape of the answer."""
    return Completion(values=[], total=0, has_more=False)


async def set_level(ctx: ServerRequestContext[Any, Any], params: SetLevelRequestParams) -> EmptyResult:
    """Accept any log level."""
    return EmptyResult()


async def subscribe(ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
    """Accept a subscription; no scenario waits for an update."""
    return EmptyResult()


async def unsubscribe(ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams) -> EmptyResult:
    """Accept the end of a subscription."""
    return EmptyResult()


def register(mcp: MCPServer[Any]) -> None:
    """Register the handlers."""
    mcp.completion()(complete)
    # Methods of the handshake revisions that MCPServer itself no longer offers a decorator for.
    low_level = mcp._lowlevel_server  # pyright: ignore[reportPrivateUsage]
    low_level.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)
    low_level.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    low_level.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)
