"""The front door itself: one address before the workers, sessions kept together, streams passed on as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress

import anyio
import httpx2
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from bedrock_support.routing.clock import Clock
from bedrock_support.server.rollout.balance import Balance
from bedrock_support.server.rollout.crew import Crew, Worker
from bedrock_support.server.rollout.sessions import HEADER, Lost, Session, Sessions, Waiting
from bedrock_support.server.rollout.store import Sample
from bedrock_support.server.rollout.watching import Asked, Watch

PIN = "x-bedrock-support-worker"
"""Header that asks for a worker by its name, whatever its weight: for probes."""
TRACE = ("traceparent", "tracestate", "baggage")
PASSED_ON = ("accept", "authorization", "content-type", "last-event-id", "mcp-protocol-version", *TRACE)
PASSED_BACK = ("www-authenticate", "content-type", "content-length", "cache-control", "allow", "retry-after")
KEPT = ("accept", "authorization", "mcp-protocol-version")
"""Of the request that opened a session: with these it is opened anew on another worker."""
OK, GONE, BUSY, BAD_GATEWAY = 200, 404, 503, 502
SERVER_ERROR = 500


class Proxy:
    """Handles every request of a client."""

    def __init__(
        self,
        crew: Crew,
        client: httpx2.AsyncClient,
        clock: Clock,
        guard: TransportSecuritySettings,
        record: Callable[[Sample], None],
    ) -> None:
        self._crew = crew
        self._client = client
        self._clock = clock
        self._guard = TransportSecurityMiddleware(guard)
        self._record = record
        self._balance = Balance()
        self._sessions = Sessions(client)
        self._waiting = Waiting(clock)

    async def refusal(self, request: Request) -> Response | None:
        """The answer to a request that no page of another host may make."""
        return await self._guard.validate_request(request, is_post=request.method == "POST")

    async def handle(self, request: Request) -> Response:
        """Pass a request on to the worker that it belongs to."""
        if refusal := await self.refusal(request):
            return refusal
        began = self._clock.now()
        body = await request.body()
        asked = Asked.of(body) if request.method == "POST" else Asked()
        headers = {name: value for name in PASSED_ON if (value := request.headers.get(name))}
        headers |= {
            name: value for name, value in request.headers.items() if name.startswith("mcp-") and name != HEADER
        }
        session: Session | None = None
        owner = request.user.username if "user" in request.scope else ""
        pinned = request.headers.get(PIN, "")
        if known := request.headers.get(HEADER):
            session = self._sessions.find(known)
            # To anybody but the holder of the token that opened it, a session doesn't exist.
            if session is None or session.owner != owner:
                return _told(GONE, asked, "Session not found: initialize again")
        return await self._forward(request.method, headers, body, asked, session, began, pinned, owner)

    async def _forward(
        self,
        method: str,
        headers: dict[str, str],
        body: bytes,
        asked: Asked,
        session: Session | None,
        began: float,
        pinned: str,
        owner: str,
    ) -> Response:
        worker: Worker | None = None
        for last in (False, True):
            try:
                worker, upstream = await self._place(asked, session, pinned, avoid=worker)
            except (Lost, httpx2.HTTPError) as error:
                return self._failed(asked, worker, began, BUSY, f"no worker: {error}")
            sent = {**headers, **({HEADER: upstream} if upstream else {})}
            outgoing = self._client.build_request(method, worker.url, headers=sent, content=body or None)
            calling = method != "GET"
            worker.take(calling)
            if session is not None and asked.request and asked.id is not None:
                session.running[asked.id] = worker, upstream
            try:
                response = await self._client.send(outgoing, stream=True)
            except httpx2.HTTPError as error:
                self._done(worker, session, asked, calling)
                # A connection that was never made carried nothing: only then may somebody else be asked.
                if isinstance(error, httpx2.ConnectError) and not last:
                    continue
                return self._failed(asked, worker, began, BAD_GATEWAY, f"worker failed: {type(error).__name__}")
            except BaseException:
                self._done(worker, session, asked, calling)
                raise
            return self._answer(response, worker, session, asked, began, calling, body, headers, owner)
        raise AssertionError  # the loop's last round returns

    async def _place(
        self, asked: Asked, session: Session | None, pinned: str, avoid: Worker | None
    ) -> tuple[Worker, str]:
        """Who takes a message, and under which session id there. Raises Lost, httpx2.HTTPError."""
        if session is None:
            holder = self._waiting.claim(asked.state) if asked.state else None
            return holder or self._pick(avoid, pinned), ""
        if asked.answer and asked.id is not None and (waiting := session.asked.get(asked.id)):
            place = waiting.pop(0)
            if not waiting:
                del session.asked[asked.id]
            return place
        if asked.about is not None and asked.about in session.running:
            return session.running[asked.about]
        async with session.moving:
            if session.worker.retired or session.worker.state != "ready" or session.worker is avoid:
                await self._sessions.move(session, self._pick(avoid, pinned))
            return session.place

    def _pick(self, avoid: Worker | None, pinned: str) -> Worker:
        ready = {name: each for name, each in self._crew.current.items() if each.state == "ready" and each is not avoid}
        if pinned:
            if pinned not in ready:
                raise Lost(f"no worker {pinned[:40]!r} is ready")
            return ready[pinned]
        name = self._balance.next({name: each.wanted.weight for name, each in ready.items()})
        if name is None:
            raise Lost("none is ready")
        return ready[name]

    def _answer(
        self,
        response: httpx2.Response,
        worker: Worker,
        session: Session | None,
        asked: Asked,
        began: float,
        calling: bool,
        body: bytes,
        headers: dict[str, str],
        owner: str,
    ) -> Response:
        back = {name: value for name in PASSED_BACK if (value := response.headers.get(name))}
        upstream = response.headers.get(HEADER)
        if session is not None and upstream:
            back[HEADER] = session.id
        elif upstream:
            back[HEADER] = upstream
            if asked.method == "initialize" and response.status_code == OK:
                kept = {name: headers[name] for name in KEPT if name in headers}
                session = Session(id=upstream, worker=worker, upstream=upstream, hello=body, headers=kept, owner=owner)
                self._sessions.add(session)
        if response.request.method == "DELETE" and session is not None:
            self._sessions.drop(session)
        streaming = back.get("content-type", "").startswith("text/event-stream")
        watch = Watch(asked=asked, stream=streaming, size=int(back.get("content-length", 0)))
        stream = self._stream(response, watch, worker, session)

        async def done() -> None:
            # A client may leave as soon as it has its answer: that counts; one that leaves without it does not.
            watch.end()
            self._leave(watch, worker)
            if watch.answered or watch.over:
                self._count(asked, worker, began, _problem(response.status_code, watch))
            self._done(worker, session, asked, calling)
            await response.aclose()

        return _Passing(stream, response.status_code, back, done)

    async def _stream(
        self, response: httpx2.Response, watch: Watch, worker: Worker, session: Session | None
    ) -> AsyncGenerator[bytes]:
        place = worker, response.request.headers.get(HEADER, "")
        with suppress(httpx2.HTTPError):  # a stream that breaks off shows in `answered`
            async for chunk in response.aiter_raw():
                watch.feed(chunk)
                self._leave(watch, worker)  # before the client can come back
                if session is not None:
                    for each in watch.questions:
                        session.asked.setdefault(each, []).append(place)
                watch.questions.clear()
                yield chunk
        watch.over = True

    def _leave(self, watch: Watch, worker: Worker) -> None:
        if watch.left:
            self._waiting.leave(watch.left, worker)
            watch.left = ""

    def _done(self, worker: Worker, session: Session | None, asked: Asked, calling: bool) -> None:
        worker.give(calling)
        if session is not None and asked.request and asked.id is not None:
            session.running.pop(asked.id, None)

    def _failed(self, asked: Asked, worker: Worker | None, began: float, status: int, why: str) -> Response:
        self._count(asked, worker, began, why)
        return _told(status, asked, why)

    def _count(self, asked: Asked, worker: Worker | None, began: float, problem: str) -> None:
        if not asked.request:
            return
        self._record(
            Sample(
                at=self._clock.wall(),
                worker=worker.wanted.name if worker else "",
                generation=worker.wanted.generation if worker else "",
                tool=asked.tool or f"({asked.method[:100]})",
                op_class=asked.op_class,
                ok=not problem,
                ms=(self._clock.now() - began) * 1000,
                problem=problem[:200],
            )
        )


class _Passing(StreamingResponse):
    """A streamed answer that says when it is over, even if its client left before it began."""

    def __init__(
        self,
        stream: AsyncGenerator[bytes],
        status: int,
        headers: Mapping[str, str],
        done: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(stream, status_code=status, headers=headers)
        self._finished = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._finished()


def _problem(status: int, watch: Watch) -> str:
    if status >= SERVER_ERROR:
        return f"status {status}"
    return watch.problem or ("" if watch.answered or not watch.asked.request else f"no answer (status {status})")


def _told(status: int, asked: Asked, why: str) -> Response:
    message: Mapping[str, object] = {
        "jsonrpc": "2.0",
        "id": asked.id if asked.request else None,
        "error": {"code": -32603 if status != GONE else -32001, "message": why},
    }
    return JSONResponse(message, status_code=status, headers={"retry-after": "1"} if status == BUSY else None)
