"""The queue against a plain model of it, under any order of calls, waits and restarts."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bedrock_support.routing.model import Priority
from bedrock_support.routing.queue.model import AGING, LEVEL, Leased, LeaseLost, QueueFull, QueueLimits, State
from bedrock_support.routing.queue.store import QueueStore
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

TOPICS = ("background", "agent:kiro")
LIMITS = QueueLimits(rows=10, attempts=3, retention=500.0, lifetime=400.0)
MOST = {each: 10 if each in (Priority.EMERGENCY, Priority.CRITICAL) else 9 for each in Priority}


@dataclass(slots=True, kw_only=True)
class Plain:
    """One message as anybody would note it down."""

    id: str
    number: int
    topic: str
    priority: Priority
    since: float
    deadline: float
    state: State = State.WAITING
    available: float = 0.0
    until: float = math.inf
    attempts: int = 0
    tokens: list[str] = field(default_factory=list[str])

    @property
    def order(self) -> tuple[bool, float, int]:
        level = LEVEL[self.priority]
        return level > 0, self.since + level * AGING, self.number


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock, self.entropy = FakeClock(), CountingEntropy()
        self.plain: dict[str, Plain] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.completed: set[str] = set()

    @initialize()
    def open(self) -> None:
        self.store = QueueStore(Path(self.folder.name) / "queue.db", self.clock, self.entropy, LIMITS)
        if not self.plain:
            for priority in (Priority.LOW, Priority.CRITICAL, Priority.EMERGENCY):
                self.enqueue(TOPICS[0], priority, 300)
            self.lease({TOPICS[0]}, 60, 2)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def of(self, *states: State) -> list[Plain]:
        return [each for each in self.plain.values() if each.state in states]

    def live(self) -> int:
        return len(self.of(State.WAITING, State.LEASED))

    def settle(self) -> None:
        """What time alone has done."""
        now = self.clock.wall()
        for each in self.of(State.WAITING, State.LEASED):
            if each.deadline <= now:
                each.state = State.DEAD
            elif each.state is State.LEASED and each.until <= now:
                each.state = State.DEAD if each.attempts >= LIMITS.attempts else State.WAITING
                each.available = now

    @rule(topic=st.sampled_from(TOPICS), priority=st.sampled_from(Priority), life=st.sampled_from([5, 50, 300]))
    def enqueue(self, topic: str, priority: Priority, life: int) -> None:
        self.settle()
        deadline, key = self.clock.wall() + life, f"k{len(self.keys)}"
        if self.live() >= MOST[priority]:
            with pytest.raises(QueueFull):
                self.store.enqueue(topic, key, priority=priority, key=key, deadline=deadline)
            return
        got = self.store.enqueue(topic, key, priority=priority, key=key, deadline=deadline)
        assert not got.duplicate
        self.keys[topic, key] = got.id
        now = self.clock.wall()
        self.plain[got.id] = Plain(
            id=got.id, number=len(self.plain), topic=topic, priority=priority, since=now, deadline=deadline
        )

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        topic, key = data.draw(st.sampled_from(sorted(self.keys)))
        self.settle()
        got = self.store.enqueue(topic, key, key=key)
        known = self.plain[self.keys[topic, key]]
        assert (got.id, got.duplicate, got.state) == (known.id, True, known.state)
        assert got.result == ("ok" if known.state is State.DONE else None)

    @rule(
        topics=st.sets(st.sampled_from(TOPICS), min_size=1), seconds=st.sampled_from([3, 30]), limit=st.integers(1, 4)
    )
    def lease(self, topics: set[str], seconds: int, limit: int) -> None:
        self.settle()
        now = self.clock.wall()
        ready = [each for each in self.of(State.WAITING) if each.topic in topics and each.available <= now]
        expected = sorted(ready, key=lambda each: each.order)[:limit]
        given = self.store.leases.lease(sorted(topics), "w", seconds, limit)
        assert [each.id for each in given] == [each.id for each in expected]
        for each in given:
            self.handed(self.plain[each.id], each, now)

    def handed(self, known: Plain, given: Leased, now: float) -> None:
        assert now < given.lease_until <= known.deadline
        assert given.id not in self.completed
        known.state, known.until = State.LEASED, given.lease_until
        known.attempts += 1
        assert given.attempt == known.attempts
        for stale in known.tokens[-2:]:
            with pytest.raises(LeaseLost):
                self.store.leases.complete(known.id, stale, "late")
        known.tokens.append(given.token)

    def drawn(self, data: st.DataObject) -> tuple[Plain, str, bool]:
        """A message, a token it once had, and whether that lease lives."""
        self.settle()
        known = data.draw(st.sampled_from([each for each in self.plain.values() if each.tokens]))
        token = data.draw(st.sampled_from(known.tokens[-2:]))
        return known, token, known.state is State.LEASED and token == known.tokens[-1]

    @precondition(lambda self: any(each.tokens for each in self.plain.values()))
    @rule(data=st.data(), seconds=st.sampled_from([3, 60]))
    def extend(self, data: st.DataObject, seconds: int) -> None:
        known, token, alive = self.drawn(data)
        if not alive:
            with pytest.raises(LeaseLost):
                self.store.leases.extend(known.id, token, seconds)
            return
        known.until = max(known.until, min(self.clock.wall() + seconds, known.deadline))
        assert self.store.leases.extend(known.id, token, seconds) == known.until

    @precondition(lambda self: any(each.tokens for each in self.plain.values()))
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        known, token, alive = self.drawn(data)
        if alive or (known.state is State.DONE and token == known.tokens[-1]):
            self.store.leases.complete(known.id, token, "ok" if alive else "again")
            known.state = State.DONE
            self.completed.add(known.id)
            return
        with pytest.raises(LeaseLost):
            self.store.leases.complete(known.id, token, "late")

    @precondition(lambda self: any(each.tokens for each in self.plain.values()))
    @rule(data=st.data(), retry_after=st.sampled_from([0, 20]))
    def fail(self, data: st.DataObject, retry_after: int) -> None:
        known, token, alive = self.drawn(data)
        if not alive:
            with pytest.raises(LeaseLost):
                self.store.leases.fail(known.id, token, "no", retry_after)
            return
        available = self.clock.wall() + max(0.5 * 2**known.attempts, retry_after)
        dead = known.attempts >= LIMITS.attempts or available >= known.deadline
        known.state, known.available = (State.DEAD if dead else State.WAITING), available
        assert self.store.leases.fail(known.id, token, "no", retry_after) is known.state

    @precondition(lambda self: self.of(State.DEAD))
    @rule(data=st.data())
    def requeue(self, data: st.DataObject) -> None:
        self.settle()
        known = data.draw(st.sampled_from(self.of(State.DEAD)))
        now = self.clock.wall()
        if self.live() >= MOST[known.priority]:
            with pytest.raises(QueueFull):
                self.store.dead_letters.requeue([known.id], now + LIMITS.lifetime)
            return
        assert self.store.dead_letters.requeue([known.id], now + LIMITS.lifetime) == 1
        known.state, known.attempts, known.since, known.available = State.WAITING, 0, now, now
        known.deadline = now + LIMITS.lifetime

    @precondition(lambda self: self.plain)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.settle()
        known = data.draw(st.sampled_from(list(self.plain.values())))
        alive = known.state in (State.WAITING, State.LEASED)
        assert self.store.cancel(known.id) is alive
        if alive:
            known.state = State.CANCELLED

    @rule(seconds=st.sampled_from([0.5, 2, 3, 10, 40]))
    def time_passes(self, seconds: float) -> None:
        # Retention is over before this run could reach it: forgetting has its own test.
        if self.clock.time + seconds < 1000 + LIMITS.retention:
            self.clock.time += seconds

    @precondition(lambda self: self.of(State.LEASED))
    @rule()
    def a_lease_runs_out(self) -> None:
        until = min(each.until for each in self.of(State.LEASED))
        if 0 < until - self.clock.wall() < 1000 + LIMITS.retention - self.clock.time:
            self.clock.time += until - self.clock.wall()
            self.lease(set(TOPICS), 60, 4)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.open()

    @invariant()
    def nothing_is_lost_and_counts_agree(self) -> None:
        if not hasattr(self, "store"):
            return
        self.settle()
        told = self.store.stats()
        assert told.live == self.live() <= LIMITS.rows
        for state in State:
            assert told.states[state] == len(self.of(state))
        assert [each.id for each in self.store.dead_letters.page(100)] == [
            each.id for each in sorted(self.of(State.DEAD), key=lambda each: each.number)
        ]


@promise("queue:priorities", "queue:leases", "queue:deadlines", "queue:idempotent", "queue:bounded")
def test_the_queue_is_its_model() -> None:
    run_state_machine_as_test(Machine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))
