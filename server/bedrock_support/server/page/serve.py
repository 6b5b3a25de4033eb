"""/status and what it reads: the files, one decision, and a stream of pictures as server-sent events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files

import anyio
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bedrock_support.server.page.look import EVERY, PageLook

PATH = "/status"
MOST_READERS = 16
PATIENCE = 5.0
"""Seconds that a reader may take to accept one picture; then it is dropped, and its browser may come back."""
STATIC = {
    PATH: ("status.html", "text/html; charset=utf-8"),
    f"{PATH}/status.css": ("status.css", "text/css; charset=utf-8"),
    f"{PATH}/status.js": ("status.js", "text/javascript; charset=utf-8"),
    f"{PATH}/view.js": ("view.js", "text/javascript; charset=utf-8"),
    f"{PATH}/parts.js": ("parts.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer a browser says "Origin: null" when it sends a form
    "cache-control": "no-store",
}
Endpoint = Callable[[Request], Awaitable[Response]]


class Pictures(Response):
    """An endless response of server-sent events, one picture each; ends when the reader goes or is too slow."""

    def __init__(self, look: PageLook, readers: anyio.CapacityLimiter, patience: float = PATIENCE) -> None:
        super().__init__(headers=HEADERS, media_type="text/event-stream")
        del self.headers["content-length"]
        self._look = look
        self._readers = readers
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes one of the readers' places; says 503 where none is free."""
        try:
            self._readers.acquire_on_behalf_of_nowait(self)
        except anyio.WouldBlock:
            await PlainTextResponse("too many readers\n", 503, HEADERS)(scope, receive, send)
            return
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_gone, receive, group.cancel_scope)
                group.start_soon(self._look.renewing)
                await self._stream(send)
                group.cancel_scope.cancel()
        finally:
            self._readers.release_on_behalf_of(self)

    async def _stream(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while True:
            event = await self._look.event()
            with anyio.move_on_after(self._patience) as waited:
                await send({"type": "http.response.body", "body": event, "more_body": True})
            if waited.cancelled_caught:
                return
            await anyio.sleep(EVERY)


async def _gone(receive: Receive, scope: anyio.CancelScope) -> None:
    """Waits until the reader hangs up, then ends its stream."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def with_page(app: Starlette, look: PageLook, security: TransportSecuritySettings, *, asks: bool) -> Starlette:
    """The application with the page, whose Host and Origin are checked like those of MCP.

    `asks`: the server asks for tokens, so that there is something to sign out of.
    """
    guard = TransportSecurityMiddleware(security)
    readers = anyio.CapacityLimiter(MOST_READERS)
    folder = files("bedrock_support.server.page") / "static"

    def guarded(answer: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            return await guard.validate_request(request, is_post=False) or await answer(request)

        return endpoint

    def file(name: str, media_type: str) -> Endpoint:
        content = (folder / name).read_bytes()
        if asks:
            content = content.replace(b"<body>", b'<body class="asks">')

        async def answer(_: Request) -> Response:
            return Response(content, headers=HEADERS | {"content-type": media_type})

        return answer

    async def data(_: Request) -> Response:
        return JSONResponse(await look.picture(), headers=HEADERS)

    async def events(_: Request) -> Response:
        return Pictures(look, readers)

    async def decision(request: Request) -> Response:
        found = await look.decision(request.path_params["decision_id"])
        if found is None:
            return JSONResponse({"problem": "not among the last decisions"}, 404, HEADERS)
        return JSONResponse(found, headers=HEADERS)

    answers = {path: file(*known) for path, known in STATIC.items()}
    answers |= {
        f"{PATH}/data": data,
        f"{PATH}/events": events,
        f"{PATH}/decisions/{{decision_id}}": decision,
    }
    app.router.routes.extend(Route(path, guarded(answer)) for path, answer in answers.items())
    return app
