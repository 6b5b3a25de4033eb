"""HybridHealthMonitor by example: every state, the way down and the way back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bedrock_support.routing.errors import FAILURES
from bedrock_support.routing.model import Attempt, Carrier, Failure, FailureKind, Health, OperationClass, RouteName
from bedrock_support.telemetry.health import HybridHealthMonitor
from tests.fakes import FakeClock
from tests.promises import promise

GOOD, SLOW = 1.0, 9.0


def attempt(
    kind: FailureKind | None = None,
    *,
    seconds: float = GOOD,
    route: RouteName = RouteName.DIRECT,
    simulated: bool = False,
) -> Attempt:
    failure = Failure(kind=kind, message=f"it was {kind}") if kind else None
    return Attempt(
        route=route,
        number=1,
        seconds=seconds,
        op_class=OperationClass.STANDARD,
        budget=10.0,
        failure=failure,
        simulated=simulated,
    )


class Watched:
    """A monitor with a clock; one second passes before each attempt."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.monitor = HybridHealthMonitor(self.clock)

    def see(self, *kinds: FailureKind | None, seconds: float = GOOD) -> Health:
        for kind in kinds:
            self.clock.time += 1
            self.monitor.record(attempt(kind, seconds=seconds))
        return self.state

    def wait(self, seconds: float) -> Health:
        self.clock.time += seconds
        return self.state

    @property
    def state(self) -> Health:
        return self.monitor.condition(RouteName.DIRECT).health

    @property
    def note(self) -> str:
        return self.monitor.condition(RouteName.DIRECT).note


@promise("telemetry:never-guessed")
def test_without_attempts_every_route_is_unknown() -> None:
    monitor = HybridHealthMonitor(FakeClock())
    for route in RouteName:
        seen = monitor.condition(route)
        assert (seen.health, seen.samples, seen.note) == (Health.UNKNOWN, 0, "no attempts in the last 60 s")
    assert monitor.condition(RouteName.MCP, "mcp:somebody").health is Health.UNKNOWN


@promise("telemetry:never-guessed")
def test_attempts_that_are_too_old_no_longer_speak() -> None:
    watched = Watched()
    assert watched.see(None) is Health.HEALTHY
    assert watched.wait(59.9) is Health.HEALTHY
    assert watched.wait(0.1) is Health.UNKNOWN


@promise("telemetry:never-guessed")
def test_a_question_that_was_only_handed_over_says_nothing() -> None:
    watched = Watched()
    watched.monitor.record(replace(attempt(), carrier=Carrier.HANDOFF))
    assert watched.state is Health.UNKNOWN


@promise("telemetry:states")
def test_routes_are_judged_apart() -> None:
    watched = Watched()
    watched.see(*[FailureKind.TIMEOUT] * 3)
    watched.monitor.record(attempt(route=RouteName.MCP))
    assert watched.state is Health.UNHEALTHY
    assert watched.monitor.condition(RouteName.MCP).health is Health.HEALTHY


@promise("telemetry:per-channel")
def test_a_client_whose_model_fails_leaves_the_others_alone() -> None:
    monitor = HybridHealthMonitor(FakeClock())
    for _ in range(3):
        monitor.record(replace(attempt(FailureKind.TIMEOUT, route=RouteName.MCP), channel="mcp:one"))
    monitor.record(replace(attempt(route=RouteName.MCP), channel="mcp:two"))
    assert monitor.condition(RouteName.MCP, "mcp:one").health is Health.UNHEALTHY
    assert monitor.condition(RouteName.MCP, "mcp:two").health is Health.HEALTHY
    assert monitor.condition(RouteName.MCP, "mcp:three").health is Health.UNKNOWN
    assert set(monitor.report().channels) == {"mcp:one", "mcp:two"}


@promise("telemetry:states")
def test_three_failures_in_a_row_are_unhealthy() -> None:
    watched = Watched()
    assert watched.see(None, None, None, None, FailureKind.TIMEOUT, FailureKind.CONNECTION) is Health.DEGRADED
    assert watched.see(FailureKind.TIMEOUT) is Health.UNHEALTHY
    assert watched.note == ("3 of 7 attempts in the last 60 s failed (timeout 2, connection 1); left alone for 5 s")


@promise("telemetry:states")
def test_half_of_five_failing_is_unhealthy_even_without_a_run() -> None:
    bad = FailureKind.UNAVAILABLE
    watched = Watched()
    assert watched.see(bad, None, bad, None) is Health.DEGRADED
    assert watched.see(bad) is Health.UNHEALTHY


@promise("telemetry:states")
def test_throttling_degrades_and_never_ejects() -> None:
    assert Watched().see(*[FailureKind.THROTTLED] * 20) is Health.DEGRADED


@promise("telemetry:states")
def test_answers_that_nearly_ran_out_of_time_degrade() -> None:
    watched = Watched()
    assert watched.see(None, None, None) is Health.HEALTHY
    assert watched.see(None, None, seconds=SLOW) is Health.HEALTHY
    assert watched.see(None, seconds=SLOW) is Health.DEGRADED
    assert watched.note == "0 of 6 attempts in the last 60 s failed, 3 nearly ran out of time"


@promise("telemetry:hysteresis")
def test_a_degraded_route_needs_fewer_failures_than_a_healthy_one_may_have() -> None:
    steady = Watched()
    assert steady.see(*[None] * 6, FailureKind.TIMEOUT) is Health.HEALTHY, "one in seven is no trouble on the way down"
    healing = Watched()
    assert healing.see(FailureKind.TIMEOUT, *[None] * 9) is Health.DEGRADED, (
        "one in ten is still too much on the way up"
    )
    assert healing.see(None) is Health.HEALTHY


@promise("telemetry:hysteresis")
def test_an_unhealthy_route_is_healed_by_three_good_attempts_in_a_row() -> None:
    watched = Watched()
    watched.see(*[FailureKind.TIMEOUT] * 8)
    assert watched.see(None) is Health.DEGRADED
    assert watched.note.endswith("recovering, 1 of the 3 good attempts it takes")
    assert watched.see(None) is Health.DEGRADED
    assert watched.see(None) is Health.HEALTHY, "although 8 of 11 in the window failed"


@promise("telemetry:recovers")
def test_an_unhealthy_route_becomes_due_for_a_trial() -> None:
    watched = Watched()
    watched.see(*[FailureKind.TIMEOUT] * 3)
    assert watched.wait(4.9) is Health.UNHEALTHY
    assert watched.wait(0.1) is Health.UNKNOWN
    assert watched.note.endswith("due for a trial after 5 s without attempts")
    assert watched.monitor.condition(RouteName.DIRECT).samples == 3
    assert watched.see(None, None, None) is Health.HEALTHY


@promise("telemetry:recovers")
def test_each_failed_trial_doubles_the_wait_to_sixty_seconds() -> None:
    watched = Watched()
    watched.see(*[FailureKind.TIMEOUT] * 3)
    waits: list[float] = []
    for _ in range(6):
        waited = 0.0
        while watched.state is Health.UNHEALTHY:
            watched.wait(0.5)
            waited += 0.5
        waits.append(waited)
        watched.clock.time -= 1  # see() lets a second pass
        assert watched.see(FailureKind.TIMEOUT) is Health.UNHEALTHY
    assert waits == [5, 10, 20, 40, 60, 60]


@promise("telemetry:recovers")
def test_failures_before_the_trial_start_the_wait_anew_but_do_not_double_it() -> None:
    watched = Watched()
    watched.see(*[FailureKind.TIMEOUT] * 3)
    watched.wait(3)
    assert watched.see(FailureKind.TIMEOUT) is Health.UNHEALTHY
    assert watched.wait(4.9) is Health.UNHEALTHY
    assert watched.wait(0.1) is Health.UNKNOWN


@promise("telemetry:recovers")
def test_long_silence_forgets_failed_trials() -> None:
    watched = Watched()
    watched.see(*[FailureKind.TIMEOUT] * 3)
    watched.wait(400)
    assert watched.see(FailureKind.TIMEOUT) is Health.DEGRADED, "as for a route never seen before"


@promise("telemetry:innocent")
@pytest.mark.parametrize(
    "kind", [each for each, meaning in FAILURES.items() if not meaning.hurts_health and not meaning.overload]
)
def test_what_is_not_the_routes_fault_says_nothing_of_it(kind: FailureKind) -> None:
    watched = Watched()
    assert watched.see(*[kind] * 20) is Health.UNKNOWN
    assert watched.see(None, *[kind] * 20) is Health.HEALTHY
    assert watched.monitor.condition(RouteName.DIRECT).samples == 1


@promise("telemetry:figures")
def test_a_report_without_data_has_no_figures() -> None:
    report = HybridHealthMonitor(FakeClock()).report().routes[RouteName.MCP]
    assert (report.since, report.p50, report.p95, report.last_failure) == (None, None, None, None)
    assert (report.state, report.samples, dict(report.failures)) == (Health.UNKNOWN, 0, {})


@promise("telemetry:figures")
def test_a_report_counts_what_is_in_the_window() -> None:
    watched = Watched()
    for seconds in (1.0, 2.0, 3.0, 4.0):
        watched.see(None, seconds=seconds)
    watched.monitor.record(attempt(seconds=0.5, simulated=True))
    watched.see(FailureKind.TIMEOUT, FailureKind.ACCESS_DENIED, seconds=10.0)
    report = watched.monitor.report().routes[RouteName.DIRECT]
    assert (report.samples, report.simulated, dict(report.failures)) == (6, 1, {FailureKind.TIMEOUT: 1})
    assert (report.p50, report.p95) == (2.0, 4.0), "of the five that were answered"
    assert report.last_failure is not None
    assert (report.last_failure.kind, report.last_failure.at) == (FailureKind.ACCESS_DENIED, watched.clock.wall())
    assert (report.state, report.since) == (Health.HEALTHY, watched.clock.wall() - 5)


@promise("telemetry:figures")
def test_since_says_when_a_state_began_however_late_it_is_asked() -> None:
    watched = Watched()
    watched.see(*[FailureKind.TIMEOUT] * 3)
    ejected = watched.clock.wall()
    for later in (2.0, 10.0, 200.0):
        watched.wait(later)
        report = watched.monitor.report().routes[RouteName.DIRECT]
        assert report.since == pytest.approx(ejected if later == 2.0 else ejected + 5)
