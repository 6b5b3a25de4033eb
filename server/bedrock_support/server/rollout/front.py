"""`bedrock-support front`: the process that holds the one address and the workers behind it."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import httpx2
from anyio import to_thread
from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bedrock_support.routing.clock import Clock, Entropy, SystemClock, SystemEntropy
from bedrock_support.server.access.gate import guarded
from bedrock_support.server.access.listed import set_tokens
from bedrock_support.server.access.signed_in import SignedIn
from bedrock_support.server.access.tokens import Tokens
from bedrock_support.server.app import MAX_BODY, VERSION
from bedrock_support.server.environment import SettingsError, process_environment
from bedrock_support.server.http import bind, security, serve_app
from bedrock_support.server.rollout.crew import Crew
from bedrock_support.server.rollout.files import BLUE, WHOLE, RolloutFiles, Wanted, read_json, write_json
from bedrock_support.server.rollout.locks import Taken, holding
from bedrock_support.server.rollout.proxy import BUSY, Proxy
from bedrock_support.server.rollout.starting import Start, born, end_left_over
from bedrock_support.server.rollout.store import EvidenceStore, Sample

log = logging.getLogger(__name__)

LOOK_EVERY = 0.1
"""Seconds between two looks at the fleet file."""
WRITE_EVERY = 0.2
MOST_WAITING = 10_000
"""Samples that may wait to be written; more are counted as lost, and gates then refuse."""
STATUS = "/front/status"
HEALTH = "/healthz"


class Front:
    """Ties the fleet file to the crew and the proxy's samples to the record."""

    def __init__(self, files: RolloutFiles, start: Start, client: httpx2.AsyncClient, clock: Clock) -> None:
        self.files = files
        self._client = client
        self._clock = clock
        self._samples: list[Sample] = []
        self._pids: list[int] | None = None
        self.sampled = self.written = self.lost = 0
        self.trouble = ""
        self.crew = Crew(start, self._note)
        self.proxy = Proxy(self.crew, client, clock, security(), self._sample)
        self._thread = anyio.CapacityLimiter(1)
        self._writer = anyio.CapacityLimiter(1)

    def app(self) -> Starlette:
        """MCP at /mcp, the front's own state at /front/status, the live worker's health at /healthz."""
        mcp = Route("/mcp", self.proxy.handle, methods=["GET", "POST", "DELETE"])
        own = [Route(STATUS, self._status, methods=["GET"]), Route(HEALTH, self._health, methods=["GET"])]
        app = Starlette(routes=[mcp, *own])
        app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY)  # pyright: ignore[reportArgumentType]
        return app

    async def follow(self) -> None:
        """Put in force what the fleet file says, again and again. Runs until cancelled."""
        while True:
            try:
                fleet = await to_thread.run_sync(self.files.read_fleet, limiter=self._thread)
                self.trouble = ""
                if fleet.revision != self.crew.fleet.revision:
                    self.crew.want(fleet)
                if self._pids is not None:
                    pids, self._pids = self._pids, None
                    await to_thread.run_sync(self._write_pids, pids, limiter=self._thread)
            except (SettingsError, OSError) as error:
                self.trouble = str(error)  # what held before still holds
            await anyio.sleep(LOOK_EVERY)

    async def record(self) -> None:
        """Write samples as they come. A record that can't be written never stops a call. Runs until cancelled."""
        store: EvidenceStore | None = None
        try:
            while True:
                await anyio.sleep(WRITE_EVERY)
                if not self._samples:
                    continue
                samples, self._samples = self._samples, []
                try:
                    if store is None:
                        opening = partial(EvidenceStore, self.files.evidence, self._clock)
                        store = await to_thread.run_sync(opening, limiter=self._writer)
                    await to_thread.run_sync(store.add_calls, samples, limiter=self._writer)
                    self.written += len(samples)
                except (sqlite3.Error, OSError) as error:
                    self.lost += len(samples)
                    log.warning("samples lost: %s", error)
        finally:
            if store is not None:
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(partial(_last, store, self._samples), limiter=self._writer)

    def _sample(self, sample: Sample) -> None:
        self.sampled += 1
        if len(self._samples) >= MOST_WAITING:
            self.lost += 1
        else:
            self._samples.append(sample)

    def _note(self, pids: list[int]) -> None:
        self._pids = pids

    def _write_pids(self, pids: list[int]) -> None:
        write_json(self.files.pids, {str(pid): born(pid) for pid in pids})

    async def _status(self, request: Request) -> Response:
        if refusal := await self.proxy.refusal(request):
            return refusal
        return JSONResponse(
            {
                "pid": os.getpid(),
                "version": VERSION,
                "revision": self.crew.fleet.revision,
                "live": self.crew.fleet.live,
                "samples": self.sampled,
                "written_samples": self.written,
                "lost_samples": self.lost,
                "trouble": self.trouble,
                "workers": [each.as_table() for each in self.crew.all],
            }
        )

    async def _health(self, request: Request) -> Response:
        """What the live worker says of itself, for who asks `bedrock-support status` of the one address."""
        if refusal := await self.proxy.refusal(request):
            return refusal
        live = self.crew.current.get(self.crew.fleet.live)
        if live is None or live.state != "ready":
            return JSONResponse({"error": "no live worker is ready; see: rollout status"}, BUSY)
        shown = {"authorization": token} if (token := request.headers.get("authorization")) else {}
        try:
            told = await self._client.get(live.url.removesuffix("/mcp") + HEALTH, headers=shown)
        except httpx2.HTTPError as error:
            return JSONResponse({"error": f"the live worker does not answer ({type(error).__name__})"}, BUSY)
        return Response(told.content, told.status_code, media_type=told.headers.get("content-type"))


def _last(store: EvidenceStore, samples: list[Sample]) -> None:
    try:
        store.add_calls(samples)
    except sqlite3.Error as error:
        log.warning("samples lost: %s", error)
    store.close()


def made_ready(files: RolloutFiles, entropy: Entropy) -> None:
    """A folder that a front can start from: leftovers ended, one live worker wanted. Blocks. Raises SettingsError."""
    end_left_over({pid: str(when) for pid, when in (read_json(files.pids) or {}).items()})
    try:
        if read_json(files.flags) is None:
            write_json(files.flags, {})
        fleet = files.read_fleet()
        if not fleet.workers:
            first = Wanted(name=BLUE, weight=WHOLE, generation=f"g-{entropy.token()[:8]}")
            files.write_fleet(replace(fleet, live=BLUE, workers=(first,)))
    except OSError as error:
        raise SettingsError(f"--state = {str(files.folder)!r}: {error.strerror}. Name a folder of yours") from error


def gated(app: Starlette, listed: Mapping[str, str], clock: Clock, entropy: Entropy) -> ASGIApp:
    """The application behind the gate of a server, where tokens are set.

    What the gate lets through is passed on with its token, and each worker, which has the front's environment, asks for
    it again: a session there belongs to its holder. Refused here, a stranger's requests are in no sample that a gate of
    a rollout goes by.
    """
    return guarded(app, Tokens(listed), SignedIn(clock, entropy)) if listed else app


@asynccontextmanager
async def open_front(
    files: RolloutFiles, port: int, *, roots: Sequence[Path] = (), env: Mapping[str, str] | None = None
) -> AsyncGenerator[str]:
    """A front with its workers, for as long as the block lasts; its MCP address. Raises SettingsError."""
    await to_thread.run_sync(files.prepare)
    with ExitStack() as stack:
        try:
            await to_thread.run_sync(stack.enter_context, holding(files.front_lock))
        except Taken:
            raise SettingsError(f"--state = {str(files.folder)!r}: a front serves from it already") from None
        async with _opened(files, port, roots, process_environment() if env is None else env) as url:
            yield url


@asynccontextmanager
async def _opened(
    files: RolloutFiles, port: int, roots: Sequence[Path], base: Mapping[str, str]
) -> AsyncGenerator[str]:
    clock, entropy = SystemClock(), SystemEntropy()
    listed = await to_thread.run_sync(set_tokens, base)
    await to_thread.run_sync(made_ready, files, entropy)
    start = Start(base=base, flags=files.flags, state_key=entropy.token(), roots=tuple(roots))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
    timeout = httpx2.Timeout(None, connect=2.0)
    async with httpx2.AsyncClient(
        limits=limits, timeout=timeout, headers={"accept-encoding": "identity"}, trust_env=False
    ) as client:
        front = Front(files, start, client, clock)
        listener = bind("127.0.0.1", port)
        stop, up = anyio.Event(), anyio.Event()
        said: list[str] = []

        def announced(url: str) -> None:
            said.append(url)
            up.set()

        async with anyio.create_task_group() as group:
            group.start_soon(front.crew.run)
            group.start_soon(front.follow)
            group.start_soon(front.record)
            group.start_soon(serve_app, gated(front.app(), listed, clock, entropy), listener, announced, stop)
            await up.wait()
            url = f"{said[0]}/mcp"
            await to_thread.run_sync(write_json, files.front, {"url": url, "pid": os.getpid()})
            try:
                yield url
            finally:
                stop.set()
                with anyio.CancelScope(shield=True), anyio.move_on_after(0.2):
                    await anyio.sleep(0.2)
                group.cancel_scope.cancel()


async def run_front(
    files: RolloutFiles, port: int, roots: Sequence[Path], announce: Callable[[str], None], stop: anyio.Event
) -> None:
    """Serve until told to stop; then end every worker. Raises SettingsError."""
    async with open_front(files, port, roots=roots) as url:
        announce(f"listening on {url}")
        await stop.wait()
