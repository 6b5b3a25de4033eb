"""Who is signed in to the page: a token shown once, then a cookie that no script and no other site can use."""

from __future__ import annotations

import hashlib
import html
from collections import OrderedDict
from importlib.resources import files
from urllib.parse import parse_qs

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.server.access.tokens import Tokens

PAGE = "/status"
LOGIN, LOGOUT = f"{PAGE}/login", f"{PAGE}/logout"
COOKIE = "bedrock_support_page"
HOURS = 12
PEOPLE = 64
"""Signed in at one time; the one who came first gives way."""
MOST_FORM = 4096
"""Bytes of the form."""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer a browser says "Origin: null" when it sends a form
    "cache-control": "no-store",
}


class SignedIn:
    """Cookies given out, by their digest; they last HOURS and die with the process. For one thread."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock, self._entropy = clock, entropy
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def add(self, name: str) -> str:
        """A new cookie's value for who has shown a token."""
        value = self._entropy.token()
        self._known[_digest(value)] = (name, self._clock.now() + HOURS * 3600)
        while len(self._known) > PEOPLE:
            self._known.popitem(last=False)
        return value

    def who(self, value: str) -> str | None:
        """Whose cookie it is; None for an unknown or old one."""
        name, until = self._known.get(_digest(value), ("", 0.0))
        return name if self._clock.now() < until else None

    def drop(self, value: str) -> None:
        """Sign out."""
        self._known.pop(_digest(value), None)


def sign_in_routes(tokens: Tokens, signed_in: SignedIn, security: TransportSecuritySettings) -> list[Route]:
    """The form, what takes it in, and the way out; Host and Origin checked like those of MCP."""
    guard = TransportSecurityMiddleware(security)
    form = (files("bedrock_support.server.access") / "login.html").read_text(encoding="utf-8")

    def page(problem: str = "", status: int = 200) -> Response:
        said = f'<p class="notice" role="alert">{html.escape(problem)}</p>' if problem else ""
        return HTMLResponse(form.replace("<!-- problem -->", said), status, HEADERS)

    async def login(request: Request) -> Response:
        if (refused := await guard.validate_request(request, is_post=False)) is not None:
            return refused
        if request.method != "POST":
            return page()
        given = await _form(request)
        if given is None:
            return page("The form is too large.", 413)
        name = tokens.holder(given)
        if name is None:
            return page("This token isn't known to the server.", 401)
        answer = RedirectResponse(PAGE, 303, HEADERS)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, signed_in.add(name), HOURS * 3600, path=PAGE, secure=secure, httponly=True, samesite="strict"
        )
        return answer

    async def logout(request: Request) -> Response:
        if (refused := await guard.validate_request(request, is_post=False)) is not None:
            return refused
        signed_in.drop(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse(LOGIN, 303, HEADERS)
        answer.delete_cookie(COOKIE, path=PAGE, httponly=True, samesite="strict")
        return answer

    return [Route(LOGIN, login, methods=["GET", "POST"]), Route(LOGOUT, logout, methods=["POST"])]


async def _form(request: Request) -> str | None:
    """The token that the form holds, empty for none; None where the body is too large."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_FORM:
            return None
    return parse_qs(body.decode("ascii", "replace")).get("token", [""])[0].strip()


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "replace")).digest()
