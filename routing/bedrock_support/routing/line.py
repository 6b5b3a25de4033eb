"""Line: a bounded number of places on a route, given out by urgency, and a bounded line of waiting calls."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.limit import AdaptiveLimit
from bedrock_support.routing.model import FailureKind, Priority

RANK = {Priority.EMERGENCY: 0, Priority.CRITICAL: 1, Priority.HIGH: 2, Priority.MEDIUM: 3, Priority.LOW: 4}
SHARE = {
    Priority.EMERGENCY: 1.0,
    Priority.CRITICAL: 0.9,
    Priority.HIGH: 0.85,
    Priority.MEDIUM: 0.75,
    Priority.LOW: 0.5,
}
"""Share of the places that each priority may fill, so that the more urgent always find some free."""
AGING = 5.0
"""Seconds of waiting that outweigh one step of priority; never the step to an emergency."""
MOST_WAITING = 256


@dataclass(slots=True, order=True)
class _Waiter:
    key: tuple[bool, float, int]
    priority: Priority = field(compare=False)
    give_way: Callable[[], None] | None = field(compare=False)
    turn: anyio.Event = field(compare=False, default_factory=anyio.Event)
    placed: bool = field(compare=False, default=False)
    gone: bool = field(compare=False, default=False)
    """Left the line: given up, or shed for one more urgent."""


class Place:
    """A place that is held. Belongs to the line that gave it."""

    __slots__ = ("arrival", "asked", "give_way", "rank")

    def __init__(self, waiter: _Waiter) -> None:
        self.rank = RANK[waiter.priority]
        self.arrival = waiter.key[2]
        self.give_way = waiter.give_way
        self.asked = False
        """Told to give way, and not gone yet."""


class Line:
    """Places on one route. Belongs to the event loop.

    An emergency ignores the adaptive limit and is held by `capacity` alone: a limit that was cut because others
    crawl must not make it wait behind them. Where even that is taken, the least urgent holder that may be stopped
    gives its place up.
    """

    def __init__(self, capacity: int, limit: AdaptiveLimit, clock: Clock, most_waiting: int = MOST_WAITING) -> None:
        self._capacity = capacity
        self._limit = limit
        self._clock = clock
        self._most_waiting = most_waiting
        self._heap: list[_Waiter] = []
        self._arrivals = 0
        self._waiting = 0
        self._urgent = 0
        """Emergencies in the line."""
        self._yielding: set[Place] = set()
        """Places whose holders can be asked to give way."""
        self._leaving = 0
        """How many of them were asked."""
        self.busy = 0
        """Places taken."""

    @property
    def waiting(self) -> int:
        return self._waiting

    async def enter(self, priority: Priority, give_way: Callable[[], None] | None = None) -> Place:
        """Take a place, waiting for one by urgency. Pair with `leave`. The caller's own deadline ends the wait.

        With `give_way` the holder can be stopped: it is called, once, when an emergency needs the place, and `leave`
        should follow as soon as the work has been given up.

        Raises:
            RouteError: SHED, when the line is full of calls that are at least as urgent, or a more urgent one
                took this call's place in it.
        """
        waiter = self._waiter(priority, give_way)
        if self._fits(priority) and not self._anyone_before(waiter):
            return self._taken(waiter)
        self._join(waiter)
        if priority is Priority.EMERGENCY:
            self._ask_for_room()
        try:
            await waiter.turn.wait()
        except BaseException:
            self._give_up(waiter)
            raise
        if waiter.gone:
            raise _shed(self._most_waiting)
        return self._held(waiter)

    def leave(self, place: Place) -> None:
        """Give the place back, and let in whoever is next."""
        if place in self._yielding:
            self._yielding.remove(place)
            self._leaving -= place.asked
        self._free()

    def _free(self) -> None:
        self.busy -= 1
        self._admit()

    def _taken(self, waiter: _Waiter) -> Place:
        self.busy += 1
        return self._held(waiter)

    def _held(self, waiter: _Waiter) -> Place:
        place = Place(waiter)
        if place.give_way is not None:
            self._yielding.add(place)
        return place

    def _ask_for_room(self) -> None:
        """Ask one holder to give way for each emergency in the line: the least urgent, and of these the newest."""
        while self._leaving < self._urgent:
            able = (each for each in self._yielding if not each.asked)
            place = max(able, key=lambda each: (each.rank, each.arrival), default=None)
            if place is None or place.give_way is None:
                return
            place.asked = True
            self._leaving += 1
            place.give_way()

    def _waiter(self, priority: Priority, give_way: Callable[[], None] | None) -> _Waiter:
        self._arrivals += 1
        due = self._clock.now() + RANK[priority] * AGING
        return _Waiter((priority is not Priority.EMERGENCY, due, self._arrivals), priority, give_way)

    def _fits(self, priority: Priority) -> bool:
        if priority is Priority.EMERGENCY:
            return self.busy < self._capacity
        return self.busy < max(1, int(min(self._capacity, self._limit.value) * SHARE[priority]))

    def _anyone_before(self, waiter: _Waiter) -> bool:
        first = self._first()
        return first is not None and first < waiter and self._fits(first.priority)

    def _join(self, waiter: _Waiter) -> None:
        if self._waiting >= self._most_waiting:
            # Only here is the whole line looked at: when it is full, and then it is of bounded length.
            last = max(each for each in self._heap if not each.gone and not each.placed)
            if last < waiter:
                raise _shed(self._most_waiting)
            last.gone = True
            self._left(last)
            last.turn.set()
        heapq.heappush(self._heap, waiter)
        self._waiting += 1
        self._urgent += waiter.priority is Priority.EMERGENCY

    def _left(self, waiter: _Waiter) -> None:
        """One less waits, for whatever reason."""
        self._waiting -= 1
        self._urgent -= waiter.priority is Priority.EMERGENCY

    def _give_up(self, waiter: _Waiter) -> None:
        if waiter.placed:
            self._free()  # cancelled between being let in and noticing it
        elif not waiter.gone:
            waiter.gone = True
            self._left(waiter)
            self._tidy()

    def _admit(self) -> None:
        while (first := self._next_that_fits()) is not None:
            first.placed = True
            self._left(first)
            self.busy += 1
            first.turn.set()
        self._tidy()

    def _next_that_fits(self) -> _Waiter | None:
        first = self._first()
        if first is None:
            return None
        if self._fits(first.priority):
            return first
        if not self._fits(Priority.CRITICAL):
            return None  # of those that are no emergencies, which stand first, it has the largest share
        # An aged call of low priority may stand first and yet not fit its share: the more urgent pass it by.
        fitting = (each for each in self._heap if not each.gone and not each.placed and self._fits(each.priority))
        return min(fitting, default=None)

    def _first(self) -> _Waiter | None:
        while self._heap and (self._heap[0].gone or self._heap[0].placed):
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def _tidy(self) -> None:
        """Those who left may sit deep in the heap: sweep them out before they outnumber the waiting."""
        if len(self._heap) > 2 * self._waiting + 16:
            self._heap = [each for each in self._heap if not each.gone and not each.placed]
            heapq.heapify(self._heap)


def _shed(most: int) -> RouteError:
    return RouteError(
        FailureKind.SHED,
        f"overloaded: {most} calls that are at least as urgent wait for this route",
        mend="try again later",
    )
