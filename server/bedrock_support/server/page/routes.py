"""The page's routes beside MCP: its files, one snapshot, a decision, and a stream of snapshots."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib.resources import files

import anyio
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bedrock_support.server.page.snapshot import Snapshots

EVERY = 1.0
"""Seconds between two snapshots of a stream."""
READERS = 16
"""Streams at once; more are turned away."""
POLICY = "; ".join(
    (
        *(f"{kind}-src 'self'" for kind in ("script", "style", "connect")),
        "default-src 'none'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
ASSETS = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
Answer = Callable[[Request], Awaitable[Response]]


def with_page(app: Starlette, snapshots: Snapshots, security: TransportSecuritySettings) -> Starlette:
    """The application with the page at /status, whose Host and Origin are checked like those of MCP."""
    guard = TransportSecurityMiddleware(security)
    page = Page(snapshots)

    def guarded(answer: Answer) -> Answer:
        async def endpoint(request: Request) -> Response:
            refusal = await guard.validate_request(request, is_post=False)
            response = refusal or await answer(request)
            response.headers.update(HEADERS)
            return response

        return endpoint

    app.router.routes.extend(
        [
            Route("/status", guarded(page.asset("page.html"))),
            Route("/status/page.css", guarded(page.asset("page.css"))),
            Route("/status/page.js", guarded(page.asset("page.js"))),
            Route("/status/data", guarded(page.data)),
            Route("/status/events", guarded(page.events)),
            Route("/status/decisions/{decision_id}", guarded(page.decision)),
        ]
    )
    return app


class Page:
    """Answers the page's requests."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._readers = 0

    def asset(self, name: str) -> Answer:
        """A file of the page, read once."""
        text = files("bedrock_support.server.page").joinpath(name).read_text("utf-8")

        async def answer(_: Request) -> Response:
            return Response(text, media_type=ASSETS[name])

        return answer

    async def data(self, _: Request) -> Response:
        return JSONResponse(await self._snapshots.now())

    async def decision(self, request: Request) -> Response:
        found = self._snapshots.manager.ledger.find(request.path_params["decision_id"])
        if found is None:
            return PlainTextResponse("not among the last decisions of this server", 404)
        return JSONResponse(found)

    async def events(self, _: Request) -> Response:
        """Server-sent events: a snapshot each second, if anything but its time is another."""
        if self._readers >= READERS:
            return PlainTextResponse(f"{READERS} readers already", 503, {"retry-after": "5"})
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncGenerator[str]:
        self._readers += 1
        try:
            while True:
                yield f"data: {json.dumps(await self._snapshots.now())}\n\n"
                await anyio.sleep(EVERY)
        finally:
            self._readers -= 1
