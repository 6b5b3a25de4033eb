"""Places on a route: who gets them, who waits, who is turned away."""

from __future__ import annotations

from functools import partial

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.limit import AdaptiveLimit
from bedrock_support.routing.line import AGING, Line, Place
from bedrock_support.routing.model import FailureKind, Priority
from tests.fakes import FakeClock
from tests.promises import promise

STOPPABLE = (Priority.MEDIUM, Priority.LOW)


def line(clock: FakeClock, capacity: int = 1, most_waiting: int = 256) -> Line:
    return Line(capacity, AdaptiveLimit(capacity, clock), clock, most_waiting)


async def order_of(calls: list[tuple[float, Priority]]) -> list[Priority]:
    """The order in which calls that came at these times, to a full route, get their places."""
    clock = FakeClock()
    found = line(clock)
    held = await found.enter(Priority.LOW)
    served: list[Priority] = []

    async def come(priority: Priority) -> None:
        place = await found.enter(priority)
        served.append(priority)
        await anyio.lowlevel.checkpoint()
        found.leave(place)

    async with anyio.create_task_group() as group:
        for at, priority in calls:
            clock.time = 1000.0 + at
            group.start_soon(come, priority)
            await anyio.wait_all_tasks_blocked()
        found.leave(held)
    assert (found.busy, found.waiting) == (0, 0)
    return served


@promise("line:urgency")
async def test_the_most_urgent_goes_first_and_equals_in_turn() -> None:
    at_once = [(0.0, each) for each in reversed(Priority)]
    assert await order_of(at_once) == list(Priority)


@promise("line:urgency", "line:emergency")
async def test_waiting_makes_up_for_priority_but_never_passes_an_emergency() -> None:
    late = 4 * AGING + 1
    calls = [(0.0, Priority.LOW), (late, Priority.CRITICAL), (late, Priority.EMERGENCY)]
    assert await order_of(calls) == [Priority.EMERGENCY, Priority.LOW, Priority.CRITICAL]


@promise("line:emergency")
async def test_others_leave_room_for_an_emergency_even_when_the_limit_was_cut() -> None:
    clock = FakeClock()
    limit = AdaptiveLimit(10, clock)
    found = Line(10, limit, clock)
    limit.dropped()
    for priority in (Priority.LOW, Priority.MEDIUM, Priority.HIGH, Priority.CRITICAL):
        with anyio.move_on_after(0.01):
            while True:
                await found.enter(priority)
    assert found.busy < limit.value
    for _ in range(3):
        with anyio.fail_after(1):
            await found.enter(Priority.EMERGENCY)


@promise("line:preempt")
async def test_the_least_urgent_and_newest_give_way_to_an_emergency() -> None:
    found = line(FakeClock(), capacity=20)
    asked: list[str] = []
    held = {
        name: await found.enter(priority, partial(asked.append, name) if priority in STOPPABLE else None)
        for name, priority in (("old", Priority.LOW), ("new", Priority.LOW), ("medium", Priority.MEDIUM))
    }
    others = [await found.enter(Priority.EMERGENCY) for _ in range(17)]
    placed: list[Place] = []

    async def emergency() -> None:
        placed.append(await found.enter(Priority.EMERGENCY))

    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(emergency)
            await anyio.wait_all_tasks_blocked()
        assert asked == ["new", "old"]
        found.leave(held["new"])  # as the one who was asked does
        await anyio.wait_all_tasks_blocked()
        assert len(placed) == 1
        group.start_soon(emergency)
        await anyio.wait_all_tasks_blocked()
        assert asked == ["new", "old", "medium"]
        found.leave(held["old"])
        found.leave(held["medium"])
    for place in (*placed, *others):
        found.leave(place)
    assert (found.busy, found.waiting) == (0, 0)


@promise("line:shed")
async def test_a_full_line_turns_away_the_least_urgent() -> None:
    clock = FakeClock()
    found = line(clock, most_waiting=1)
    held = await found.enter(Priority.HIGH)
    shed: list[RouteError] = []

    async def come(priority: Priority) -> None:
        try:
            place = await found.enter(priority)
        except RouteError as error:
            shed.append(error)
        else:
            found.leave(place)

    async with anyio.create_task_group() as group:
        group.start_soon(come, Priority.LOW)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(come, Priority.HIGH)  # takes the place of the one in the line
        await anyio.wait_all_tasks_blocked()
        assert len(shed) == 1
        with pytest.raises(RouteError, match="overloaded") as refused:
            await found.enter(Priority.MEDIUM)
        assert refused.value.kind is FailureKind.SHED
        found.leave(held)
    assert (found.busy, found.waiting) == (0, 0)


@promise("line:no-leak")
@given(st.lists(st.tuples(st.sampled_from(Priority), st.booleans()), max_size=30), st.integers(0, 5))
def test_nobody_leaves_a_place_behind(calls: list[tuple[Priority, bool]], pauses: int) -> None:
    async def scene() -> None:
        found = line(FakeClock(), capacity=2, most_waiting=8)

        async def come(priority: Priority, scope: anyio.CancelScope) -> None:
            with scope:
                try:
                    place = await found.enter(priority, scope.cancel if priority in STOPPABLE else None)
                except RouteError:
                    return
                try:
                    for _ in range(pauses):
                        await anyio.lowlevel.checkpoint()
                finally:
                    found.leave(place)

        async with anyio.create_task_group() as group:
            for priority, cancelled in calls:
                scope = anyio.CancelScope()
                group.start_soon(come, priority, scope)
                await anyio.lowlevel.checkpoint()
                if cancelled:
                    scope.cancel()
        assert (found.busy, found.waiting) == (0, 0)

    anyio.run(scene)


@promise("line:urgency")
async def test_the_wait_of_an_emergency_is_a_small_part_of_a_fifos() -> None:
    """A route of 4 places, saturated by 200 background calls; an emergency comes every 20th.

    A wait is the number of calls that end meanwhile: what the machine does beside has no part in it.
    """
    clock = FakeClock()
    found = Line(4, AdaptiveLimit(4, clock), clock)
    fifo = anyio.CapacityLimiter(4)
    waits: dict[str, list[int]] = {"line": [], "fifo": []}
    ended = 0

    async def work() -> None:
        nonlocal ended
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        ended += 1

    async def by_line(priority: Priority) -> None:
        came = ended
        place = await found.enter(priority)
        if priority is Priority.EMERGENCY:
            waits["line"].append(ended - came)
        await work()
        found.leave(place)

    async def by_fifo(priority: Priority) -> None:
        came = ended
        async with fifo:
            if priority is Priority.EMERGENCY:
                waits["fifo"].append(ended - came)
            await work()

    for way in (by_line, by_fifo):
        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(way, Priority.EMERGENCY if number % 20 == 19 else Priority.LOW)
    assert len(waits["line"]) == len(waits["fifo"]) == 10
    assert max(waits["line"]) <= 0.2 * max(waits["fifo"])
