"""What the queue owes over time: room for what is new, no priority left behind, no standstill with the clock."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_support.routing.model import Priority
from bedrock_support.routing.queue.model import (
    AGING,
    LEVEL,
    QueueExpired,
    QueueFull,
    QueueLimits,
    State,
)
from bedrock_support.routing.queue.store import QueueStore
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

TOPIC = "background"
HOUR = 3600.0
OTHERS = [each for each in Priority if each is not Priority.EMERGENCY]


def opened(folder: Path, clock: FakeClock, **limits: float) -> QueueStore:
    return QueueStore(folder / "queue.db", clock, CountingEntropy(), QueueLimits(**limits))  # type: ignore[arg-type]


@promise("queue:yielding")
@pytest.mark.parametrize("limits", [{"kept": 3, "reserve": 0.0}, {"total": 30, "reserve": 0.0}])
def test_the_oldest_dead_letters_give_way_and_are_counted(tmp_path: Path, limits: dict[str, float]) -> None:
    clock = FakeClock()
    store = opened(tmp_path, clock, **limits)
    ids = [store.enqueue(TOPIC, "x" * 10, deadline=clock.wall() + 1).id for _ in range(3)]
    clock.time += 1
    new = store.enqueue(TOPIC, "y" * 10).id
    told = store.stats()
    assert (told.dropped, told.states[State.DEAD], told.live) == (1, 2, 1)
    assert [each.id for each in store.dead_letters.page()] == ids[1:]
    store.close()
    assert store.stats().dropped == 1
    assert store.inspect(new).state is State.WAITING
    store.close()


@promise("queue:yielding")
def test_nothing_gives_way_to_a_message_that_fits_nowhere(tmp_path: Path) -> None:
    clock = FakeClock()
    store = opened(tmp_path, clock, total=30, reserve=0.0)
    store.enqueue(TOPIC, "x" * 10, deadline=clock.wall() + 1)
    store.enqueue(TOPIC, "y" * 15)
    clock.time += 1
    with pytest.raises(QueueFull, match="bytes held"):
        store.enqueue(TOPIC, "z" * 20)
    assert (store.stats().dropped, store.stats().states[State.DEAD]) == (0, 1)
    store.close()


@promise("queue:dead-letters")
def test_an_expired_letter_needs_a_new_deadline(tmp_path: Path) -> None:
    clock = FakeClock()
    store = opened(tmp_path, clock)
    late = store.enqueue(TOPIC, "late", deadline=clock.wall() + 1).id
    clock.time += 1
    for ids in ([late], None):
        with pytest.raises(QueueExpired, match="Give a new one"):
            store.dead_letters.requeue(ids)
    tried = store.enqueue(TOPIC, "tried", deadline=clock.wall() + 50).id
    [held] = store.leases.lease([TOPIC], "w", 5)
    store.leases.fail(held.id, held.token, "no", retry_after=60)
    assert store.dead_letters.requeue() == 1
    assert store.inspect(tried).deadline == clock.wall() + 50
    assert store.inspect(late).state is State.DEAD
    store.close()


@promise("queue:clock-set-back")
def test_an_hour_back_stops_neither_messages_nor_leases(tmp_path: Path) -> None:
    clock = FakeClock(now=10_000.0)
    store = opened(tmp_path, clock)
    failed, lost = store.enqueue(TOPIC, "failed").id, store.enqueue(TOPIC, "lost").id
    first, second = store.leases.lease([TOPIC], "w", 30, 2)
    assert (first.id, second.id) == (failed, lost)
    store.leases.fail(failed, first.token, "no", retry_after=20)
    assert store.stats().delayed == 1
    clock.time -= HOUR
    assert store.leases.lease([TOPIC], "w", 30) == ()
    new = store.enqueue(TOPIC, "new").id
    clock.time += 21
    assert [each.id for each in store.leases.lease([TOPIC], "w", 60, 2)] == [failed, new]
    clock.time += 10
    assert [each.id for each in store.leases.lease([TOPIC], "w", 60)] == [lost]
    assert store.stats().delayed == 0
    store.close()


@promise("queue:reserve")
def test_critical_leaves_emergency_its_places(tmp_path: Path) -> None:
    store = opened(tmp_path, FakeClock(), rows=20)
    for _ in range(19):
        store.enqueue(TOPIC, "x", priority=Priority.CRITICAL)
    with pytest.raises(QueueFull, match="19 of 19"):
        store.enqueue(TOPIC, "x", priority=Priority.CRITICAL)
    store.enqueue(TOPIC, "x", priority=Priority.EMERGENCY)
    store.close()


@promise("queue:no-starvation")
@settings(max_examples=15, deadline=None)
@given(
    waits=st.sampled_from(OTHERS),
    flood=st.lists(st.sampled_from(OTHERS), min_size=1, max_size=4),
    gap=st.sampled_from([3.0, 10.0, 29.0]),
)
def test_no_priority_starves(waits: Priority, flood: list[Priority], gap: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = FakeClock()
        store = opened(Path(folder), clock)
        mine = store.enqueue(TOPIC, "mine", priority=waits).id
        began = clock.time
        # Only what comes within AGING seconds for each step of priority is served before it, one in each gap.
        steps = [max(0, LEVEL[waits] - LEVEL[each]) for each in flood]
        bound = gap * (sum(step * AGING // gap + 1 for step in steps if step) + 1)
        while store.inspect(mine).state is State.WAITING:
            assert clock.time - began <= bound, f"{waits} waited over {bound} s behind {flood}"
            for each in flood:  # as many arrive as are served, or more
                store.enqueue(TOPIC, "theirs", priority=each)
            [held] = store.leases.lease([TOPIC], "w", 30)
            store.leases.complete(held.id, held.token)
            clock.time += gap
        store.close()
