"""What every inbound message passes: the attributes that the SDK's own server span leaves out."""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from bedrock_support.routing import semconv
from bedrock_support.routing.spans import Attribute, annotate
from bedrock_support.telemetry.baggage import carried


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


async def take_baggage(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Let the handler and what it asks see the caller's baggage, as far as it is allowed. The SDK leaves it unread."""
    with carried((ctx.meta or {}).get("baggage")):
        return await call_next(ctx)
