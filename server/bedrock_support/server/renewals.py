"""Answers that were given again past their time, and are asked for anew behind their caller's back."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import (
    FailureKind,
    Handoff,
    Health,
    Operation,
    Reply,
    RouteCondition,
    RouteName,
    Usage,
)

MOST = 32
"""Questions that wait to be asked anew; beyond, the caller waits for its answer as if there were none."""
AT_ONCE = 4


class Renewals:
    """Takes questions from calls and asks them one after another, a few at a time, for as long as `run` runs."""

    def __init__(self) -> None:
        self._waiting: deque[Operation] = deque()
        self._news: anyio.Event | None = None

    def offer(self, operation: Operation) -> bool:
        """Whether it will be asked anew. Never waits."""
        if self._news is None or len(self._waiting) >= MOST:
            return False
        self._waiting.append(operation)
        self._news.set()
        return True

    async def run(self, ask: Callable[[Operation], Awaitable[object]]) -> None:
        """Work them off. Runs until cancelled; what still waits then is asked by the next who wants to know."""
        places = anyio.CapacityLimiter(AT_ONCE)

        async def one(operation: Operation) -> None:
            async with places:
                await ask(operation)

        try:
            async with anyio.create_task_group() as group:
                while True:
                    self._news = anyio.Event()
                    while self._waiting:
                        group.start_soon(one, self._waiting.popleft())
                    await self._news.wait()
        finally:
            self._news = None
            self._waiting.clear()


class Nobody:
    """The MCP route of a call that no client waits for: there, but not to be asked. Implements Route."""

    name = RouteName.MCP
    channel = "mcp:nobody"
    hedgeable = False

    async def prepare(self, operation: Operation) -> None:
        """Nothing to settle."""

    async def send(self, operation: Operation) -> Reply | Handoff:
        """Raises RouteError: a plan never leads here."""
        raise RouteError(FailureKind.NO_CARRIER, f"{operation.tool}: no client waits for this answer")

    def usd(self, operation: Operation, usage: Usage | None = None) -> float | None:
        """Nothing."""
        return 0.0

    def condition(self) -> RouteCondition:
        return RouteCondition(health=Health.UNCONFIGURED, note="no client waits for this answer")
