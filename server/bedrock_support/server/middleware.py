"""What every inbound message passes: the attributes that the SDK's own server span leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from bedrock_support.routing import semconv
from bedrock_support.routing.spans import Attribute, annotate, rename
from bedrock_support.server.metrics_watch import METHODS
from bedrock_support.telemetry.baggage import carried

UNKNOWN = "unknown"
OTHERS = frozenset(
    {"notifications/initialized", "notifications/cancelled", "notifications/progress", "logging/setLevel"}
    | {"notifications/roots/list_changed", "resources/subscribe", "resources/unsubscribe"}
)
"""Methods of the protocol that need no counting."""


async def describe_transport(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Say on the message's span how it travelled.

    Source: OpenTelemetry semantic conventions for MCP, recommended attributes of server spans. The session id is
    left out on purpose: whoever holds it may speak in the session.
    """
    request = ctx.request
    headers = getattr(request, "headers", None)
    about: dict[str, Attribute] = {semconv.NETWORK_TRANSPORT: "pipe" if headers is None else "tcp"}
    if headers is not None:
        about[semconv.NETWORK_PROTOCOL_NAME] = "http"
        if client := getattr(request, "client", None):
            about[semconv.CLIENT_ADDRESS] = client.host
            about[semconv.CLIENT_PORT] = client.port
    annotate(about)
    return await call_next(ctx)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUp:
    """A middleware that keeps names out of spans that nobody here has heard of: a caller may put anything into one."""

    tool: Callable[[str], bool]
    """Whether a tool of this name is there."""
    prompts: frozenset[str]

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        try:
            return await call_next(ctx)
        finally:
            # Afterwards: an upstream server that is still connecting lists its tools while the call waits for it.
            self._hide(ctx)

    def _hide(self, ctx: ServerRequestContext[Any, Any]) -> None:
        name = str((ctx.params or {}).get("name", ""))
        if ctx.method == semconv.MCP_CALL_TOOL and not self.tool(name):
            rename(ctx.method)
            annotate({semconv.TOOL_NAME: UNKNOWN})
        elif ctx.method == semconv.MCP_GET_PROMPT and name not in self.prompts:
            rename(ctx.method)
            annotate({semconv.PROMPT_NAME: UNKNOWN})
        elif ctx.method not in METHODS | OTHERS:
            rename(UNKNOWN)
            annotate({semconv.MCP_METHOD: UNKNOWN})


async def take_baggage(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Let the handler and what it asks see the caller's baggage, as far as it is allowed. The SDK leaves it unread."""
    with carried((ctx.meta or {}).get("baggage")):
        return await call_next(ctx)
