"""AdaptiveLimit and LoopLag: what is load over there, and what is our own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_support.routing.attempts import MOST_LATE, SEALING
from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.guard import Guard, GuardSettings
from bedrock_support.routing.lag import EVERY, MEMORY, LoopLag
from bedrock_support.routing.limit import GRAIN, LEAST, AdaptiveLimit
from bedrock_support.routing.model import Failure, FailureKind, Priority
from tests.fakes import CountingEntropy, FakeClock, dispatching
from tests.promises import promise

MOST = 64


@promise("limit:adapts")
def test_the_limit_falls_with_slowness_and_grows_back_with_use() -> None:
    limit = AdaptiveLimit(MOST, FakeClock())
    for _ in range(200):
        limit.answered(10.0, 1.0, inflight=MOST)
    low = limit.value
    assert LEAST <= low <= 16
    for _ in range(50):
        limit.answered(1.0, 1.0, inflight=1)
    assert limit.value <= low + 1  # unused, a higher limit is not known to hold
    for _ in range(200):
        limit.answered(1.0, 1.0, inflight=limit.value)
    assert limit.value == MOST


@promise("limit:adapts")
def test_one_burst_of_refusals_cuts_once() -> None:
    clock = FakeClock()
    limit = AdaptiveLimit(MOST, clock)
    for _ in range(10):
        limit.dropped()
    assert limit.value == 44
    clock.time += 1.0
    limit.dropped()
    assert limit.value == 31


@promise("limit:ours")
@settings(deadline=None)
@given(
    st.floats(0.001, 60.0),
    st.floats(0.0, 1.2),
    st.lists(st.floats(0.0, 30.0), min_size=1, max_size=300),
    st.integers(1, MOST),
)
def test_waiting_that_is_ours_never_lowers_the_limit(
    usual: float, theirs: float, ours: list[float], inflight: int
) -> None:
    limit = AdaptiveLimit(MOST, FakeClock())
    for each in ours:
        limit.answered(usual * theirs + each, usual, inflight, each)
        assert limit.value == MOST


@promise("limit:adapts")
@settings(deadline=None)
@given(st.floats(2 * GRAIN, 60.0), st.floats(3.0, 50.0), st.floats(0.0, 5.0))
def test_a_crawling_upstream_is_noticed_however_busy_we_are(usual: float, slower: float, ours: float) -> None:
    limit = AdaptiveLimit(MOST, FakeClock())
    for _ in range(100):
        limit.answered(slower * usual + ours, usual, MOST, ours)
    assert limit.value <= MOST / 2


@promise("limit:adapts")
@settings(deadline=None)
@given(st.floats(1e-4, GRAIN), st.floats(0.0, 1.4 * GRAIN))
def test_what_is_finer_than_we_can_measure_is_not_slow(usual: float, seconds: float) -> None:
    limit = AdaptiveLimit(MOST, FakeClock())
    for _ in range(100):
        limit.answered(seconds, usual, MOST)
    assert limit.value == MOST


@dataclass(slots=True)
class Process:
    """A process that gives each call `work` seconds of its one processor, in front of an upstream that takes `answer`.

    Closed loop: MOST callers ask again at once, and a place is held until the answer was worked through, as dispatch
    holds it. `learnt` is a slow mean of whole times, as what is expected is learnt.
    """

    work: float
    answer: Callable[[int], float]
    limit: AdaptiveLimit
    told: bool = True
    """Whether the limit is told what of the time was ours."""
    learnt: float = 0.0
    done: list[float] = field(default_factory=list[float])

    def run(self, calls: int) -> None:
        now, free, busy, seen = 0.0, 0.0, 0, 0
        ready: list[tuple[float, float]] = []
        while seen < calls:
            while busy < max(1, min(MOST, self.limit.value)):
                free = max(free, now) + self.work / 2  # to send it
                busy += 1
                heappush(ready, (free + self.answer(busy), free))
            arrived, asked = heappop(ready)
            free = max(free, arrived) + self.work / 2  # to read it, once those before are through
            now = free
            seconds, ours = now - asked, now - arrived
            self.learnt = seconds if not self.learnt else self.learnt + 0.02 * (seconds - self.learnt)
            self.limit.answered(seconds, self.learnt, busy, ours if self.told else 0.0)
            busy -= 1
            seen += 1
            self.done.append(now)

    def per_second(self) -> float:
        late = self.done[len(self.done) // 2 :]
        return (len(late) - 1) / (late[-1] - late[0])


@promise("limit:little")
@settings(deadline=None, max_examples=30)
@given(st.floats(0.0002, 0.01), st.floats(0.01, 1.0))
def test_a_busy_process_keeps_the_places_that_its_throughput_needs(work: float, answer: float) -> None:
    limit = AdaptiveLimit(MOST, FakeClock())
    process = Process(work, lambda _: answer, limit)
    process.run(1500)
    best = min(1.0 / work, MOST / (answer + work))
    assert limit.value >= min(MOST, best * answer) - 1  # places = calls a second times seconds held over there
    assert process.per_second() >= 0.9 * best


@promise("limit:little")
@settings(deadline=None)
@given(st.floats(0.0002, 0.002), st.floats(0.1, 1.0), st.integers(8, 32))
def test_an_upstream_that_can_carry_less_is_still_found(work: float, answer: float, carries: int) -> None:
    """Beyond `carries` calls at once it queues them, and each takes as much longer."""
    limit = AdaptiveLimit(MOST, FakeClock())
    for _ in range(400):
        # a step in load: what is usual was learnt while there was none
        waited = answer * max(1.0, limit.value / carries)
        limit.answered(waited + work, answer, limit.value, work)
    assert limit.value <= 3 * carries


@promise("limit:ours")
async def test_running_out_of_time_in_our_own_process_cuts_no_place() -> None:
    clock = FakeClock()
    found = Guard(clock, CountingEntropy(), GuardSettings(capacity=MOST))
    late = Failure(kind=FailureKind.TIMEOUT, message="late")
    async with found.entered(Priority.HIGH) as leave:
        leave.failed(late, late_by_us=True)
    assert found.limit.value == MOST
    async with found.entered(Priority.HIGH) as leave:
        leave.failed(late)
    assert found.limit.value < MOST


@promise("lag:measured")
async def test_a_loop_that_is_kept_busy_is_late_by_as_much() -> None:
    lag = LoopLag(SystemClock())
    since = lag.begin()
    until = time.perf_counter() + 0.1
    while time.perf_counter() < until:
        pass
    assert lag.end(since) > 0.08


@promise("lag:measured")
async def test_each_measures_its_own_part_and_time_without_calls_counts_for_nobody() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    first = lag.begin()
    clock.time += 1.0
    second = lag.begin()
    clock.time += 0.5
    assert lag.end(second) == pytest.approx(0.5)
    assert lag.end(first) == pytest.approx(1.5, abs=2 * EVERY)
    clock.time += 5.0
    assert lag.end(lag.begin()) == 0.0


@promise("lag:kept-back")
async def test_a_process_that_comes_late_keeps_more_time_back_and_forgets_it_when_calm() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    running = replace(dispatching(clock), lag=lag)
    assert running.sealing == SEALING
    since = lag.begin()
    clock.time += 0.3  # the loop is busy for so long, and then comes to its timer
    with anyio.fail_after(5):
        while not lag.usual:  # noqa: ASYNC110 - the loop's own timer, no event of ours
            await anyio.sleep(EVERY)
    late = running.sealing
    assert SEALING + 0.3 < late <= SEALING + MOST_LATE
    lag.end(since)
    clock.time += 10 * MEMORY
    lag.end(lag.begin())
    assert running.sealing < SEALING + 0.01


@promise("lag:measured")
async def test_without_calls_no_timer_rings() -> None:
    rung: list[float] = []

    class Watched(SystemClock):
        def now(self) -> float:
            rung.append(time.monotonic())
            return rung[-1]

    lag = LoopLag(Watched())
    lag.end(lag.begin())
    await anyio.sleep(5 * EVERY)
    rung.clear()
    await anyio.sleep(5 * EVERY)
    assert rung == []


@promise("lag:measured")
def test_it_measures_anew_on_another_loop() -> None:
    lag = LoopLag(SystemClock())

    async def measured() -> float:
        since = lag.begin()
        await anyio.sleep(3 * EVERY)
        until = time.perf_counter() + 0.1
        while time.perf_counter() < until:
            pass
        return lag.end(since)

    assert anyio.run(measured) > 0.08
    time.sleep(2 * EVERY)
    assert anyio.run(measured) > 0.08


@promise("lag:measured")
def test_without_an_event_loop_there_is_no_lag() -> None:
    lag = LoopLag(FakeClock())
    assert lag.end(lag.begin()) == 0.0
