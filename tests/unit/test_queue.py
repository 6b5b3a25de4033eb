"""The durable queue: order, bounds, deadlines, leases, keys, retries, dead letters, broken files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedrock_support.routing.model import Priority
from bedrock_support.routing.queue.model import (
    DAY,
    DeadReason,
    LeaseLost,
    QueueConflict,
    QueueFull,
    QueueLimits,
    QueueNotFound,
    QueueRefused,
    State,
)
from bedrock_support.routing.queue.store import QueueStore
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

TOPIC = "background"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "queue.db"


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[QueueStore]:
    opened = QueueStore(path, clock, CountingEntropy(), QueueLimits(rows=10, total=1000, payload=400))
    yield opened
    opened.close()


def payloads(store: QueueStore, limit: int = 10) -> list[str]:
    return [each.payload for each in store.leases.lease([TOPIC], "w", 30, limit)]


@promise("queue:priorities")
def test_emergencies_first_then_priority_and_age(store: QueueStore, clock: FakeClock) -> None:
    for priority in reversed(Priority):
        store.enqueue(TOPIC, priority.value, priority=priority)
    clock.time += 61
    store.enqueue(TOPIC, "young high", priority=Priority.HIGH)
    store.enqueue(TOPIC, "young emergency", priority=Priority.EMERGENCY)
    assert payloads(store) == ["emergency", "young emergency", "critical", "high", "medium", "low", "young high"]


@promise("queue:no-starvation")
def test_low_is_served_under_a_stream_of_critical(store: QueueStore, clock: FakeClock) -> None:
    store.enqueue(TOPIC, "low", priority=Priority.LOW)
    for second in range(100):  # one critical arrives and one message is served each second
        store.enqueue(TOPIC, "critical", priority=Priority.CRITICAL)
        [served] = store.leases.lease([TOPIC], "w", 30)
        store.leases.complete(served.id, served.token)
        if served.payload == "low":
            assert second == 90  # three steps of thirty seconds
            return
        clock.time += 1
    pytest.fail("low never served")


@promise("queue:bounded", "queue:reserve")
def test_full_says_what_is_full_and_keeps_a_tenth(store: QueueStore) -> None:
    for each in range(9):
        store.enqueue(TOPIC, str(each))
    with pytest.raises(QueueFull, match=r"9 of 9 messages waiting or leased\. Let workers") as full:
        store.enqueue(TOPIC, "one more")
    assert (full.value.limit, full.value.count, full.value.most) == ("messages waiting or leased", 9, 9)
    store.enqueue(TOPIC, "urgent", priority=Priority.CRITICAL)
    with pytest.raises(QueueFull, match="10 of 10"):
        store.enqueue(TOPIC, "most urgent", priority=Priority.EMERGENCY)
    [one] = store.leases.lease([TOPIC], "w", 30)
    with pytest.raises(QueueFull):
        store.enqueue(TOPIC, "leased ones count", priority=Priority.EMERGENCY)
    store.leases.complete(one.id, one.token)
    store.enqueue(TOPIC, "room again", priority=Priority.EMERGENCY)


@promise("queue:bounded")
def test_bytes_and_kept_rows_are_bounded(path: Path, store: QueueStore, clock: FakeClock) -> None:
    with pytest.raises(QueueRefused, match="401 bytes, over the limit of 400"):
        store.enqueue(TOPIC, "x" * 401)
    ids = [store.enqueue(TOPIC, "x" * 400, deadline=clock.wall() + 5).id for _ in range(2)]
    clock.time += 5
    assert store.stats().states[State.DEAD] == 2
    store.enqueue(TOPIC, "x" * 101, priority=Priority.CRITICAL, deadline=clock.wall() + 2 * DAY)
    assert store.dead_letters.discard(ids) == 2
    store.enqueue(TOPIC, "x" * 101, deadline=clock.wall() + 2 * DAY)
    few = QueueStore(path, clock, CountingEntropy(), QueueLimits(kept=2, reserve=0))
    with pytest.raises(QueueFull, match="remembered keys"):
        few.enqueue(TOPIC, "x")
    clock.time += DAY
    assert few.purge() == 2
    few.enqueue(TOPIC, "x")
    few.close()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"topic": ""}, "topic"),
        ({"topic": "a\nb"}, "topic"),
        ({"key": "k" * 201}, "key"),
        ({"payload": "\ud800"}, "surrogate"),
        ({"deadline": 0.0}, "deadline"),
        ({"deadline": float("nan")}, "deadline"),
        ({"deadline": float("inf")}, "deadline"),
    ],
)
def test_wrong_messages_are_refused(store: QueueStore, wrong: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"topic": TOPIC, "payload": "p", **wrong}
    with pytest.raises(QueueRefused, match=words):
        store.enqueue(**given)  # pyright: ignore[reportArgumentType]
    assert store.stats().live == 0


def test_wrong_leases_are_refused(store: QueueStore) -> None:
    for topics, worker, seconds, limit in (
        ([], "w", 1, 1),
        ([TOPIC], "", 1, 1),
        ([TOPIC], "w", 0, 1),
        ([TOPIC], "w", float("nan"), 1),
        ([TOPIC], "w", 1, 0),
        (["\ud800"], "w", 1, 1),
    ):
        with pytest.raises(QueueRefused):
            store.leases.lease(topics, worker, seconds, limit)
    with pytest.raises(QueueRefused, match="after"):
        store.dead_letters.page(1, 2**63)


@promise("queue:deadlines")
def test_nothing_lives_past_its_deadline(store: QueueStore, clock: FakeClock) -> None:
    first = store.enqueue(TOPIC, "waits", deadline=clock.wall() + 10).id
    second = store.enqueue(TOPIC, "runs", deadline=clock.wall() + 20).id
    clock.time += 10
    [held] = store.leases.lease([TOPIC], "w", 3600, 10)
    assert held.lease_until == held.deadline
    assert store.leases.extend(held.id, held.token, 3600) == held.deadline
    clock.time += 10
    with pytest.raises(LeaseLost):
        store.leases.complete(held.id, held.token)
    dead = store.dead_letters.page()
    assert [(each.id, each.dead_reason) for each in dead] == [(each, DeadReason.EXPIRED) for each in (first, second)]


@promise("queue:leases")
def test_a_stale_token_changes_nothing(store: QueueStore, clock: FakeClock) -> None:
    store.enqueue(TOPIC, "work")
    [old] = store.leases.lease([TOPIC], "slow", 10)
    assert payloads(store) == []
    assert old.token not in repr(old)
    clock.time += 10
    [new] = store.leases.lease([TOPIC], "quick", 10)
    assert (new.id, new.attempt) == (old.id, 2)
    before = store.inspect(old.id)
    assert before.error == "the lease ended without a word from slow"
    with pytest.raises(LeaseLost, match="drop this work"):
        store.leases.complete(old.id, old.token, "late")
    with pytest.raises(LeaseLost):
        store.leases.fail(old.id, old.token, "late")
    with pytest.raises(LeaseLost):
        store.leases.extend(old.id, old.token, 10)
    assert store.leases.give_back([old]) == 0
    assert store.inspect(old.id) == before
    clock.time += 9
    assert store.leases.extend(new.id, new.token, 10) == clock.wall() + 10
    store.leases.complete(new.id, new.token, "done")
    store.leases.complete(new.id, new.token, "done again")
    assert store.inspect(new.id).result == "done"


@promise("queue:idempotent")
def test_a_key_makes_one_message(store: QueueStore, clock: FakeClock) -> None:
    first = store.enqueue(TOPIC, "pay", key="order-1")
    assert not first.duplicate
    again = store.enqueue(TOPIC, "pay", key="order-1")
    assert (again.id, again.duplicate, again.result) == (first.id, True, None)
    with pytest.raises(QueueConflict, match="another payload"):
        store.enqueue(TOPIC, "pay more", key="order-1")
    assert not store.enqueue("agent:kiro", "pay", key="order-1").duplicate
    [held] = store.leases.lease([TOPIC], "w", 30)
    assert held.key == "order-1"
    store.leases.complete(held.id, held.token, "paid")
    clock.time += DAY - 1
    late = store.enqueue(TOPIC, "pay", key="order-1")
    assert (late.id, late.state, late.result) == (first.id, State.DONE, "paid")
    assert payloads(store) == []
    clock.time += 1
    assert not store.enqueue(TOPIC, "pay", key="order-1").duplicate


@promise("queue:retry")
def test_failures_back_off_then_die(store: QueueStore, clock: FakeClock) -> None:
    message = store.enqueue(TOPIC, "hard").id
    for attempt in range(1, 5):
        [held] = store.leases.lease([TOPIC], "w", 30)
        assert held.attempt == attempt
        assert store.leases.fail(held.id, held.token, "no luck") is State.WAITING
        clock.time += 0.5 * 2**attempt - 0.01
        assert payloads(store) == []
        clock.time += 0.01
    [held] = store.leases.lease([TOPIC], "w", 30)
    assert store.leases.fail(held.id, held.token, "no luck") is State.DEAD
    dead = store.inspect(message)
    assert (dead.dead_reason, dead.attempts, dead.error) == (DeadReason.EXHAUSTED, 5, "no luck")


@promise("queue:retry", "queue:deadlines")
def test_a_wait_past_the_deadline_is_death(store: QueueStore, clock: FakeClock) -> None:
    store.enqueue(TOPIC, "short", deadline=clock.wall() + 60)
    [held] = store.leases.lease([TOPIC], "w", 30)
    assert store.leases.fail(held.id, held.token, "busy", retry_after=20) is State.WAITING
    clock.time += 20
    [held] = store.leases.lease([TOPIC], "w", 30)
    with pytest.raises(QueueRefused):
        store.leases.fail(held.id, held.token, "busy", retry_after=-1)
    assert store.leases.fail(held.id, held.token, "busy", retry_after=40) is State.DEAD
    assert store.inspect(held.id).dead_reason is DeadReason.EXPIRED


@promise("queue:retry")
def test_a_worker_that_dies_each_time_ends_as_exhausted(store: QueueStore, clock: FakeClock) -> None:
    store.enqueue(TOPIC, "poison")
    for _ in range(5):
        assert payloads(store) == ["poison"]
        clock.time += 30
    assert payloads(store) == []
    assert [each.dead_reason for each in store.dead_letters.page()] == [DeadReason.EXHAUSTED]


@promise("queue:dead-letters")
def test_dead_letters_are_sent_again_or_thrown_away(store: QueueStore, clock: FakeClock) -> None:
    ids = [store.enqueue(TOPIC, f"m{n}", key=f"k{n}", deadline=clock.wall() + 1).id for n in range(4)]
    clock.time += 1
    page = store.dead_letters.page(limit=3)
    rest = store.dead_letters.page(limit=3, after=page[-1].number)
    assert [each.id for each in (*page, *rest)] == ids
    assert store.enqueue(TOPIC, "m0", key="k0").state is State.DEAD
    with pytest.raises(QueueNotFound, match="Nothing was changed"):
        store.dead_letters.requeue([ids[0], "no such"])
    assert store.dead_letters.requeue([ids[0], ids[0]], clock.wall() + 50) == 1
    assert store.inspect(ids[0]).deadline == clock.wall() + 50
    assert store.dead_letters.discard([ids[1]]) == 1
    assert store.inspect(ids[1]).state is State.DISCARDED
    assert store.dead_letters.requeue(None, clock.wall() + 50) == 2
    assert payloads(store) == ["m0", "m2", "m3"]
    with pytest.raises(QueueRefused, match="deadline"):
        store.dead_letters.requeue(None, 0.0)
    with pytest.raises(QueueNotFound):
        store.inspect("no such")


@promise("queue:dead-letters", "queue:bounded")
def test_requeue_stops_at_the_limit(store: QueueStore, clock: FakeClock) -> None:
    ids = [store.enqueue(TOPIC, str(n), deadline=clock.wall() + 1).id for n in range(6)]
    clock.time += 1
    for n in range(6):
        store.enqueue(TOPIC, f"new {n}")
    with pytest.raises(QueueFull, match="9 of 9"):
        store.dead_letters.requeue(ids, clock.wall() + 50)
    assert store.stats().states[State.DEAD] == 6
    assert store.dead_letters.requeue(None, clock.wall() + 50) == 3
    assert store.stats().states[State.DEAD] == 3


def test_cancel_takes_the_lease_away(store: QueueStore) -> None:
    store.enqueue(TOPIC, "unwanted")
    [held] = store.leases.lease([TOPIC], "w", 30)
    assert store.cancel(held.id)
    assert not store.cancel(held.id)
    with pytest.raises(LeaseLost):
        store.leases.complete(held.id, held.token)


def test_stats_count(store: QueueStore, clock: FakeClock) -> None:
    store.enqueue(TOPIC, "abc")
    clock.time += 7
    store.enqueue("agent:kiro", "de", priority=Priority.LOW)
    told = store.stats()
    assert (told.live, told.size, told.oldest_wait, told.capacity) == (2, 5, 7, 10)
    assert told.topics == {"agent:kiro": 1, TOPIC: 1}
    assert told.waiting[Priority.MEDIUM] == told.waiting[Priority.LOW] == 1
    with pytest.raises(QueueRefused):
        store.purge(0)
