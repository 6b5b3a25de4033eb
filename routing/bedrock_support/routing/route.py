"""The seam that every way to a model shares."""

from __future__ import annotations

from typing import Protocol

from bedrock_support.routing.model import Handoff, Operation, Reply, RouteCondition, RouteName


class Route(Protocol):
    """Somewhere an operation can run. Raises RouteError and nothing else but cancellation."""

    @property
    def name(self) -> RouteName: ...

    async def send(self, operation: Operation) -> Reply | Handoff:
        """Answer before operation.deadline, or raise RouteError.

        Cancellation frees everything the attempt holds: connection, permit, thread.
        """
        ...

    def condition(self) -> RouteCondition:
        """What the route knows of itself without asking anyone: set up or not."""
        ...
