"""What holds for HybridHealthMonitor whatever the routes do."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.model import FailureKind, Health, RouteName
from bedrock_support.telemetry.health import HybridHealthMonitor
from bedrock_support.telemetry.track import RouteReport, verdict
from bedrock_support.telemetry.window import MOST, WINDOW, Verdict
from tests.fakes import FakeClock
from tests.promises import promise
from tests.unit.test_health import attempt

Step = tuple[float, FailureKind | None, float]
# Eighths of a second are exact in binary, so that two clocks which take different steps show the same time.
PAUSES = st.one_of(st.integers(0, 24), st.integers(0, 560)).map(lambda eighths: eighths / 8)
KINDS = st.one_of(st.none(), st.sampled_from([FailureKind.TIMEOUT, FailureKind.THROTTLED, FailureKind.DECLINED]))
STEPS = st.lists(st.tuples(PAUSES, KINDS, st.sampled_from([1.0, 9.0])), max_size=120)


def run(steps: list[Step], *, peek: bool = False) -> tuple[HybridHealthMonitor, FakeClock]:
    clock = FakeClock()
    monitor = HybridHealthMonitor(clock)
    for pause, kind, seconds in steps:
        for _ in range(2):
            clock.time += pause / 2
            if peek:
                monitor.condition(RouteName.DIRECT)
                monitor.report()
        monitor.record(attempt(kind, seconds=seconds))
    return monitor, clock


def inside(steps: list[Step], now: float) -> list[Verdict]:
    """The verdicts that the window must hold, worked out anew."""
    at, found = FakeClock().time, list[tuple[float, Verdict]]()
    for pause, kind, seconds in steps:
        at += pause
        if (said := verdict(attempt(kind, seconds=seconds))) is not None:
            found.append((at, said))
    return [said for at, said in found[-MOST:] if at + WINDOW > now]


def direct(monitor: HybridHealthMonitor) -> RouteReport:
    return monitor.report().routes[RouteName.DIRECT]


@promise("telemetry:never-guessed")
@given(STEPS, PAUSES)
def test_every_state_rests_on_attempts_inside_the_window(steps: list[Step], pause: float) -> None:
    monitor, clock = run(steps)
    clock.time += pause
    seen, held = direct(monitor), inside(steps, clock.now())
    assert seen.samples == len(held)
    if seen.state is Health.HEALTHY:
        assert {Verdict.GOOD, Verdict.SLOW} & set(held)
    elif seen.state is Health.UNHEALTHY:
        assert Verdict.FAILED in held
    elif seen.state is Health.DEGRADED:
        assert held
    else:
        assert not held or Verdict.FAILED in held


@promise("telemetry:states")
@given(STEPS)
def test_a_run_of_failures_is_never_healthy(steps: list[Step]) -> None:
    monitor, clock = run(steps)
    held = inside(steps, clock.now())
    runs = [(said, len(list(group))) for said, group in groupby(held)]
    if runs and runs[-1][0] is Verdict.FAILED and runs[-1][1] >= 3:
        assert direct(monitor).state in {Health.UNHEALTHY, Health.UNKNOWN}


@promise("telemetry:reading")
@given(STEPS, PAUSES)
def test_asking_changes_nothing(steps: list[Step], pause: float) -> None:
    (quiet, one), (asked, two) = run(steps), run(steps, peek=True)
    one.time += pause
    two.time += pause
    assert quiet.report() == asked.report()
    assert quiet.condition(RouteName.DIRECT) == asked.condition(RouteName.DIRECT)


@promise("telemetry:recovers")
@given(STEPS)
def test_no_route_is_left_alone_for_ever(steps: list[Step]) -> None:
    monitor, clock = run(steps)
    clock.time += 60.0
    assert direct(monitor).state is Health.UNKNOWN


@promise("telemetry:bounded")
@given(st.lists(KINDS, min_size=MOST, max_size=400))
def test_memory_is_bounded(kinds: list[FailureKind | None]) -> None:
    monitor, _ = run([(0.0, kind, 1.0) for kind in kinds])
    assert direct(monitor).samples <= MOST
