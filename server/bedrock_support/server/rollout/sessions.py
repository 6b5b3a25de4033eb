"""The sessions that clients have with the front, the calls that wait for them, and the worker each is with."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import anyio
import httpx2

from bedrock_support.routing.clock import Clock
from bedrock_support.server.rollout.crew import Worker
from bedrock_support.server.rounds import ANSWER_WINDOW

MOST_SESSIONS = 10_000
"""The longest unused gives way."""
MOST_WAITING = 10_000
"""Calls that wait for their clients; the longest waiting gives way: its retry starts it again, wherever it lands."""
OK = 200
HEADER = "mcp-session-id"
PATIENCE = httpx2.Timeout(10.0, connect=2.0)
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'


class Lost(Exception):
    """A session can't be opened again elsewhere."""


@dataclass(eq=False, slots=True, kw_only=True)
class Session:
    """One client's session. The client knows it by `id` for good; each worker knows it by an id of its own."""

    id: str
    worker: Worker
    upstream: str
    hello: bytes
    """The client's initialize request, with which the session is opened again on another worker."""
    headers: dict[str, str] = field(repr=False)
    """With which it was sent, the token that was shown among them."""
    owner: str = ""
    """Who holds that token; empty where none is asked for."""
    running: dict[str | int, tuple[Worker, str]] = field(default_factory=dict[str | int, tuple[Worker, str]])
    """By the client's request id: who works on it, under which session id."""
    asked: dict[str | int, list[tuple[Worker, str]]] = field(default_factory=dict[str | int, list[tuple[Worker, str]]])
    """By a worker's request id: who asked the client, the longest waiting first."""
    moving: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def place(self) -> tuple[Worker, str]:
        return self.worker, self.upstream


class Sessions:
    """All of them, the longest unused first."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._known: OrderedDict[str, Session] = OrderedDict()

    def find(self, name: str) -> Session | None:
        if (found := self._known.get(name)) is not None:
            self._known.move_to_end(name)
        return found

    def add(self, session: Session) -> None:
        self._known[session.id] = session
        session.worker.sessions += 1
        while len(self._known) > MOST_SESSIONS:
            _, oldest = self._known.popitem(last=False)
            oldest.worker.sessions -= 1

    def drop(self, session: Session) -> None:
        if self._known.pop(session.id, None) is not None:
            session.worker.sessions -= 1

    async def move(self, session: Session, worker: Worker) -> None:
        """Open the session anew on another worker; the client doesn't notice. Raises Lost, httpx2.HTTPError."""
        headers = {**session.headers, "content-type": "application/json"}
        response = await self._client.post(worker.url, content=session.hello, headers=headers, timeout=PATIENCE)
        upstream = response.headers.get(HEADER, "")
        if response.status_code != OK or not upstream:
            raise Lost(f"{worker.wanted.name} answered initialize with {response.status_code}")
        headers[HEADER] = upstream
        await self._client.post(worker.url, content=INITIALIZED, headers=headers, timeout=PATIENCE)
        session.worker.sessions -= 1
        session.worker, session.upstream = worker, upstream
        worker.sessions += 1


class Waiting:
    """Calls of clients without a session, each left with a worker until its client comes back with answers.

    On another worker the call would be carried out a second time, beside the one that waits.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[Worker, float]] = OrderedDict()

    def leave(self, state: str, worker: Worker) -> None:
        """A call waits with this worker, under this state."""
        now = self._clock.now()
        self._left[state] = worker, now
        worker.wait(1)
        while len(self._left) > MOST_WAITING or next(iter(self._left.values()))[1] < now - ANSWER_WINDOW:
            self._left.popitem(last=False)[1][0].wait(-1)

    def claim(self, state: str) -> Worker | None:
        """Who holds the call, if that process still runs; each is told once."""
        worker, _ = self._left.pop(state, (None, 0.0))
        if worker is None:
            return None
        worker.wait(-1)
        return worker if worker.state in {"ready", "draining"} else None
