"""The HTTP application as it is served: MCP and what stands beside it, behind the gate where tokens are set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from bedrock_support.server.http import security

if TYPE_CHECKING:
    from bedrock_support.server.house import House


def application(house: House, transport: str, listed: Mapping[str, str], host: str, names: Sequence[str]) -> ASGIApp:
    """Streamable HTTP, or SSE, as `transport` says; `names` are hosts that clients may ask for."""
    known, asks = security(host, names), bool(listed)
    server = house.server
    app = server.http_app(known, asks=asks) if transport == "http" else server.sse_application(known, asks=asks)
    if not asks:
        return app
    from bedrock_support.server.access.gate import guarded  # most servers stand on loopback, without tokens
    from bedrock_support.server.access.signed_in import SignedIn, sign_in_routes
    from bedrock_support.server.access.tokens import Tokens

    tokens = Tokens(listed)
    signed_in = SignedIn(house.manager.clock, house.manager.entropy)
    if house.server.has_page:
        app.router.routes.extend(sign_in_routes(tokens, signed_in, known))
    return guarded(app, tokens, signed_in)
