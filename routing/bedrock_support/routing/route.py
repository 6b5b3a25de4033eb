"""The seam that every way to a model shares."""

from __future__ import annotations

from typing import Protocol

from bedrock_support.routing.model import Handoff, Operation, Reply, RouteCondition, RouteName, Usage


class Route(Protocol):
    """Somewhere an operation can run. Raises RouteError and nothing else but cancellation."""

    @property
    def name(self) -> RouteName: ...

    @property
    def channel(self) -> str:
        """Whom it leads to, as `route` or `route:who`: health, guards and experience are kept for each."""
        ...

    @property
    def hedgeable(self) -> bool:
        """It answers by itself, so that starting it beside another makes sense; a handoff doesn't."""
        ...

    async def prepare(self, operation: Operation) -> None:
        """Settle what must be settled before asking, such as an approval; takes no place on the route.

        Raises:
            RouteError: it must not be asked.
        """
        ...

    async def send(self, operation: Operation) -> Reply | Handoff:
        """Answer before operation.deadline, or raise RouteError.

        Cancellation frees everything the attempt holds: connection, permit, thread.
        """
        ...

    def condition(self) -> RouteCondition:
        """What the route knows of itself without asking anyone: set up or not."""
        ...

    def usd(self, operation: Operation, usage: Usage | None = None) -> float | None:
        """What the operation costs us: as used, or as expected without `usage`. None when the price isn't known."""
        ...
