"""PageLook: one picture of the running server, made once for all who look at it at a time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import anyio
from pydantic import BaseModel

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.queue.message_queue import MessageQueue
from bedrock_support.routing.queue.model import QueueError, QueueStats, State
from bedrock_support.server.manager import BedrockSupportManager
from bedrock_support.server.page.figures import latencies, money, objective, row
from bedrock_support.server.system import SystemHealth
from bedrock_support.tools.cost import CostReport

T = TypeVar("T")
EVERY = 0.3
"""Seconds between two pictures for one reader."""
GOOD_FOR = 0.25
"""Seconds for which a picture is good: fewer than EVERY, or a reader would get the same one twice."""
SLOW_EVERY = 2.0
"""Seconds for which what comes from files (cost, queue) is good."""
ROWS = 30
"""Decisions in a picture, the newest."""


@dataclass(slots=True, kw_only=True)
class Kept(Generic[T]):
    """A value that is made anew when it is older than `every` seconds; one maker at a time."""

    clock: Clock
    every: float
    make: Callable[[], Awaitable[T]]
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _held: tuple[float, T] | None = None

    def last(self) -> T | None:
        """The value as it was made last; None when it never was."""
        return self._held[1] if self._held is not None else None

    async def now(self) -> T:
        async with self._lock:
            if self._held is None or self.clock.now() - self._held[0] >= self.every:
                self._held = (self.clock.now(), await self.make())
            return self._held[1]


class PageLook:
    """What the page shows. Holds no prompt and no answer."""

    def __init__(
        self,
        manager: BedrockSupportManager,
        system: SystemHealth,
        cost: Callable[[], Awaitable[CostReport]],
        queue: MessageQueue | None,
        jaeger: str | None,
    ) -> None:
        self._manager = manager
        self._system = system
        self._queue = queue
        self._jaeger = jaeger.rstrip("/") if jaeger else None
        clock = manager.clock
        self._cost = Kept(clock=clock, every=SLOW_EVERY, make=cost)
        self._waiting = Kept(clock=clock, every=SLOW_EVERY, make=self._stats)
        self._picture = Kept(clock=clock, every=GOOD_FOR, make=self._made)
        self._event: tuple[dict[str, Any], bytes] | None = None

    async def picture(self) -> dict[str, Any]:
        """Everything at one instant."""
        await self.renew()
        return await self._picture.now()

    async def event(self) -> bytes:
        """The same as a server-sent event, made once for all readers; cost and queue are as they were renewed last."""
        if self._cost.last() is None:
            await self.renew()
        picture = await self._picture.now()
        if self._event is None or self._event[0] is not picture:
            self._event = (picture, f"data: {json.dumps(picture)}\n\n".encode())
        return self._event[1]

    async def renew(self) -> None:
        """Look again at what comes from files, credentials among it, if that was long ago.

        Under load it takes longer than a picture may.
        """
        await self._manager.direct.check()
        await self._cost.now()
        await self._waiting.now()

    async def renewing(self) -> None:
        """Renew for as long as somebody reads. Never returns."""
        while True:
            await self.renew()
            await anyio.sleep(SLOW_EVERY)

    async def decision(self, decision_id: str) -> dict[str, object] | None:
        """One decision of the ledger with where its trace is; None when it is not kept any more."""
        found = await self._manager.ledger.recall(decision_id)
        if found is None:
            return None
        trace = self._manager.efficiency.trace_of(decision_id)
        link = f"{self._jaeger}/trace/{trace}" if self._jaeger and trace else None
        return found | {"trace": trace, "trace_url": link}

    async def _made(self) -> dict[str, Any]:
        manager = self._manager
        health = await manager.health_report(look=False)
        deadlines = {name.value: rule.deadline for name, rule in manager.router.matrix.rules.items()}
        return {
            "at": manager.clock.wall(),
            "system": _plain(self._system.report()),
            "routes": health["routes"],
            "guards": health["guards"],
            "flags": health["flags"],
            "policy": health["policy"],
            "decisions": [row(each) for each in islice(manager.ledger.newest(), ROWS)],
            "latencies": latencies(manager.ledger.newest(), deadlines),
            "objectives": [objective(each) for each in self._system.board.standing()],
            "cost": money(self._cost.last() or await self._cost.now()),
            "queue": self._waiting.last(),
        }

    async def _stats(self) -> dict[str, object] | None:
        """The queue; None without one, or when its file can't be read now."""
        if self._queue is None:
            return None
        try:
            return _queued(await self._queue.stats())
        except QueueError:
            return None


def _queued(stats: QueueStats) -> dict[str, object]:
    waiting = sum(stats.waiting.values())
    return {
        "waiting": waiting,
        "leased": stats.states.get(State.LEASED, 0),
        "dead": stats.states.get(State.DEAD, 0),
        "capacity": stats.capacity,
        "live": stats.live,
        "oldest_wait_seconds": round(stats.oldest_wait, 1) if waiting else None,
    }


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")
