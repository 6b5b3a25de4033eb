"""What a starting server makes of attempts before it: fresh ones count as they were, old ones for what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_support.routing import probing
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.dispatch import dispatch
from bedrock_support.routing.estimate import Estimate, Weights
from bedrock_support.routing.feed import AttemptFeed
from bedrock_support.routing.lasting.experience import (
    FRESH,
    HALF,
    MOST_ALIKE,
    MOST_TOLD,
    OLDEST,
    Lived,
    believed,
    doubted,
    telling,
)
from bedrock_support.routing.lasting.file import LastingFile
from bedrock_support.routing.lasting.journal import Journal
from bedrock_support.routing.lasting.past import PastClock
from bedrock_support.routing.lasting.recall import Recall
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Conditions,
    Failure,
    FailureKind,
    Health,
    OperationClass,
    RouteCondition,
    RouteName,
)
from bedrock_support.routing.probing import Prober
from bedrock_support.routing.router import IntelligentRouter
from bedrock_support.telemetry.health import HybridHealthMonitor
from tests.fakes import CountingEntropy, FakeClock, FakeRoute, Recorder, clearance, dispatching, operation, reply
from tests.promises import promise

DAY = 86_400.0
ROUTER = IntelligentRouter(shipped())
WEIGHTS = Weights()


def lived(ago: float, clock: Clock, *, seconds: float = 2.0, failure: str = "", channel: str = "direct") -> Lived:
    return Lived(
        at=clock.wall() - ago,
        route=channel.partition(":")[0],
        channel=channel,
        op_class="standard",
        learnt="standard",
        size=4000.0,
        budget=20.0,
        seconds=seconds,
        failure=failure,
        simulated=False,
    )


def estimate(learner: RouteLearner, channel: str = "direct", op_class: str = "standard", size: float = 4e3) -> Estimate:
    return learner.estimate(channel, op_class, size, 20.0, usd=0.001, weights=WEIGHTS)


def taught(what: Sequence[Lived], clock: FakeClock) -> RouteLearner:
    """A learner that was told, and then goes on in the present."""
    then = PastClock(clock)
    learner = RouteLearner(then)
    for _ in telling(believed(what, clock.wall()), learner, then):
        assert then.now() == clock.now(), "between two tellings it is now"
    return learner


HISTORIES = st.lists(
    st.tuples(
        st.floats(FRESH + 130.0, 2 * DAY),
        st.floats(0.01, 120.0),
        st.sampled_from(["", "", "timeout", "unavailable", "throttled"]),
        st.sampled_from(["direct", "mcp:stdio"]),
    ),
    max_size=80,
)


@promise("lasting:emergency")
@settings(max_examples=40)
@given(HISTORIES, st.floats(1.0, 50_000.0))
async def test_no_past_makes_an_emergency_wait(history: list[tuple[float, float, str, str]], size: float) -> None:
    clock = FakeClock()
    what = [lived(ago, clock, seconds=s, failure=f, channel=c) for ago, s, f, c in history]
    learner = taught(what, clock)
    asked = operation(OperationClass.EMERGENCY, deadline=clock.now() + 5.0)
    seen = RouteCondition(health=Health.UNKNOWN, estimate=estimate(learner, op_class="emergency", size=size))
    decision = ROUTER.decide(clearance(asked), Conditions(routes={RouteName.DIRECT: seen}), decision_id="d")
    assert decision.plan == (RouteName.DIRECT,)
    route = FakeRoute(RouteName.DIRECT, lambda _: reply())
    by = dispatching(clock)
    outcome = await dispatch(decision, {RouteName.DIRECT: route}, replace(by, feed=AttemptFeed(learner)))
    assert outcome.reply is not None
    assert [each.waited for each in outcome.attempts] == [0.0]
    assert outcome.seconds == 0.0


@promise("lasting:stale")
@pytest.mark.parametrize("trouble", ["dead", "crawling"])
@pytest.mark.parametrize("ago", [2 * FRESH, 3600.0, DAY / 2])
def test_a_channel_in_trouble_long_ago_keeps_its_chances(trouble: str, ago: float) -> None:
    clock = FakeClock()
    bad = {"failure": "timeout", "seconds": 20.0} if trouble == "dead" else {"seconds": 19.0}
    what = [lived(ago + 2 * number, clock, seconds=2.0) for number in range(60, 90)]
    what += [lived(ago + 2 * number, clock, **bad) for number in range(60)]  # pyright: ignore[reportArgumentType]
    learner = taught(what, clock)
    cold = estimate(RouteLearner(clock))
    now = estimate(learner)
    assert not learner.troubled("direct")
    assert not now.flagged
    assert now.p_success >= cold.p_success - 0.02
    assert now.utility >= cold.utility - 0.05


@promise("lasting:stale")
def test_nothing_is_left_of_a_channel_that_never_answered() -> None:
    clock = FakeClock()
    what = [lived(DAY / 2 + number, clock, failure="timeout", seconds=20.0) for number in range(100)]
    assert believed(what, clock.wall()) == []
    assert doubted(what, clock.wall()) == {"direct"}
    assert doubted([*what, lived(60.0, clock)], clock.wall()) == frozenset()
    assert estimate(taught(what, clock)) == estimate(RouteLearner(FakeClock()))


@promise("lasting:stale")
async def test_a_doubted_channel_is_probed_once_there_are_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PAUSE", 0.005)
    clock = FakeClock()
    route, asked = FakeRoute(RouteName.DIRECT, lambda _: reply()), anyio.Event()

    class Told(Recorder):
        def record(self, attempt: Attempt) -> None:
            super().record(attempt)
            asked.set()

    prober = Prober(
        route=route, running=dispatching(clock, Told()), learner=RouteLearner(clock), entropy=CountingEntropy()
    )
    prober.doubted.add("direct")
    async with anyio.create_task_group() as group:
        group.start_soon(prober.run)
        await anyio.sleep(0.05)
        assert not route.sent, "nobody called"
        prober.wake()
        with anyio.fail_after(5):
            await asked.wait()
        await anyio.sleep(0.05)
        group.cancel_scope.cancel()
    assert len(route.sent) == 1
    assert not prober.doubted


@promise("lasting:experience")
def test_what_is_usual_is_known_at_once() -> None:
    clock = FakeClock()
    slow = [lived(3600.0 + 3 * n, clock, seconds=9.0 + n % 3, channel="mcp:stdio") for n in range(40)]
    fast = [lived(3600.0 + 3 * n, clock, seconds=1.0 + 0.1 * (n % 3)) for n in range(40)]
    learner = taught([*slow, *fast], clock)
    assert estimate(learner).seconds < 2.0 < 7.0 < estimate(learner, "mcp:stdio").seconds
    assert 10 < estimate(learner).samples <= MOST_ALIKE


@promise("lasting:experience")
def test_what_failed_a_moment_ago_still_does() -> None:
    clock = FakeClock()
    what = [lived(3600.0 + 3 * n, clock) for n in range(40)]
    what += [lived(FRESH - 1 - n, clock, failure="unavailable", seconds=0.1) for n in range(20)]
    assert estimate(taught(what, clock)).p_success < 0.5


@promise("lasting:experience")
def test_the_older_the_fewer_and_none_after_a_day() -> None:
    clock = FakeClock()

    def told(ago: float, many: int = 60) -> int:
        return len(believed([lived(ago + 3 * n, clock) for n in range(many)], clock.wall()))

    assert [told(100.0), told(HALF), told(2 * HALF), told(OLDEST + 60)] == [
        MOST_ALIKE - 1,
        MOST_ALIKE // 2 - 1,
        MOST_ALIKE // 4 - 1,
        0,
    ]
    many = [lived(100.0 + n, clock, channel=f"mcp:{n % 40}") for n in range(2000)]
    assert len(believed(many, clock.wall())) == MOST_TOLD
    assert believed([lived(-50.0, clock)], clock.wall()) == [], "of a clock that was set back"


@promise("lasting:experience")
def test_a_telling_that_is_broken_off_leaves_nothing_in_flight() -> None:
    clock = FakeClock()
    then = PastClock(clock)
    learner = RouteLearner(then)
    overlapping = [lived(200.0 + n / 10, clock, seconds=15.0) for n in range(10)]
    steps = telling(believed([replace(e, at=clock.wall() - 20.0) for e in overlapping], clock.wall()), learner, then)
    for _ in range(5):
        next(steps)
    steps.close()
    clock.time += 60
    assert not learner.troubled("direct")
    assert estimate(learner).p_success > 0.5


@promise("lasting:experience")
async def test_learner_and_health_are_told_by_the_file_unless_calls_are_under_way(tmp_path: Path) -> None:
    clock = FakeClock()
    file = LastingFile(tmp_path / "lasting.db")
    journal = Journal(file, clock, tenant="t", setup="s")
    for number in range(8):
        failure = Failure(kind=FailureKind.UNAVAILABLE, message="no") if number >= 3 else None
        tried = Attempt(
            route=RouteName.DIRECT,
            number=1,
            seconds=0.5,
            op_class=OperationClass.STANDARD,
            budget=9.0,
            channel="direct",
            failure=failure,
        )
        journal.attempt("standard", 4000.0, tried)
        clock.time += 1.0
    await journal.flush()

    async def recalled(setup: str, *, live: bool = False) -> tuple[int, HybridHealthMonitor, RouteLearner]:
        then = PastClock(clock)
        health, learner = HybridHealthMonitor(then), RouteLearner(then)
        told = await Recall(
            file=file,
            setup=setup,
            clock=then,
            learner=learner,
            health=health,
            doubt=lambda _: None,
            live=lambda: live,
        ).run()
        return told, health, learner

    told, health, learner = await recalled("s")
    assert told == 8
    assert health.condition(RouteName.DIRECT).health is Health.UNHEALTHY
    assert estimate(learner).samples > 0
    for other in (await recalled("another endpoint"), await recalled("s", live=True)):
        assert other[0] == 0
        assert other[1].condition(RouteName.DIRECT).health is Health.UNKNOWN
    clock.time += 600
    told, health, learner = await recalled("s")
    assert told == 3
    assert health.condition(RouteName.DIRECT).health is Health.UNKNOWN
    assert not learner.troubled("direct")
