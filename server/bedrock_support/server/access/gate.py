"""The gate before every path of the HTTP server: a bearer token, or the cookie of a person who signed in.

Whatever isn't named as open is closed, so that a path added later is closed too. The SDK's own types carry who it is:
a session of MCP, and the state that it seals, belong to the holder of the token that opened it.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import cast

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthCredentials
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bedrock_support.server.access.signed_in import COOKIE, LOGIN, PAGE, SignedIn
from bedrock_support.server.access.tokens import Tokens

OPEN = frozenset({"/livez", "/readyz", LOGIN, f"{PAGE}/status.css"})
"""Paths that need nothing: whether the process lives and takes calls, the form to sign in and how it looks."""
REALM = 'Bearer realm="bedrock-support"'


def guarded(app: ASGIApp, tokens: Tokens, signed_in: SignedIn) -> ASGIApp:
    """The application behind the gate."""
    backend, inner = BearerAuthBackend(tokens), AuthContextMiddleware(app)

    async def gate(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the lifespan; there are no websockets
            await app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        found = await backend.authenticate(connection)
        path = cast("str", scope["path"])
        if found is None and _of_page(path) and (name := signed_in.who(_cookie(connection))) is not None:
            user = AuthenticatedUser(AccessToken(token="", client_id=name, scopes=[]))
            found = AuthCredentials([]), user
        if found is not None:
            scope["auth"], scope["user"] = found
        elif path not in OPEN:
            await _refusal(connection, path)(scope, receive, send)
            return
        await inner(scope, receive, send)

    return gate


def _of_page(path: str) -> bool:
    """The cookie opens the page and nothing else: no other site's form may call tools with it."""
    return path == PAGE or path.startswith(f"{PAGE}/")


def _cookie(connection: HTTPConnection) -> str:
    try:
        found = SimpleCookie(connection.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _refusal(connection: HTTPConnection, path: str) -> JSONResponse | RedirectResponse:
    """401 with what is asked for (RFC 6750, section 3); a person who opens the page is sent to sign in."""
    shown = "authorization" in connection.headers
    if path == PAGE and not shown and "text/html" in connection.headers.get("accept", ""):
        return RedirectResponse(LOGIN, 303, {"cache-control": "no-store"})
    problem = "this token isn't known" if shown else "send Authorization: Bearer with a token of this server"
    challenge = f'{REALM}, error="invalid_token", error_description="{problem}"' if shown else REALM
    error = "invalid_token" if shown else "unauthorized"
    return JSONResponse(
        {"error": error, "error_description": problem},
        401,
        {"www-authenticate": challenge, "cache-control": "no-store"},
    )
