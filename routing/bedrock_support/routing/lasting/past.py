"""A clock that can be held at a moment of the past, for whoever is told of what happened then."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from bedrock_support.routing.clock import Clock


class PastClock:
    """The clock it is given, but for blocks in which it stands at another moment. Implements Clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._back: float | None = None

    def now(self) -> float:
        return self._clock.now() if self._back is None else self._back

    def wall(self) -> float:
        wall = self._clock.wall()
        return wall if self._back is None else wall - self._clock.now() + self._back

    @contextmanager
    def at(self, moment: float) -> Generator[None]:
        """Hold it at a moment, in monotonic seconds. Nothing may be awaited inside."""
        self._back = moment
        try:
            yield
        finally:
            self._back = None
