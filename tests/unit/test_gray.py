"""Gray failure, on seeded traffic; benchmarks/gray.py says how often and how soon."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.model import (
    Attempt,
    Failure,
    FailureKind,
    Health,
    ModelRole,
    Operation,
    OperationClass,
    Reply,
    RouteName,
)
from bedrock_support.routing.probing import Prober
from bedrock_support.server.probes import _route  # pyright: ignore[reportPrivateUsage]
from bedrock_support.telemetry import confirming
from bedrock_support.telemetry.confirming import MOST, Confirmer
from bedrock_support.telemetry.cusum import Flakiness
from bedrock_support.telemetry.gray import GrayDetector
from bedrock_support.telemetry.health import HybridHealthMonitor
from benchmarks.gray import ASKED, FAILING, Traffic, trial
from tests.fakes import CountingEntropy, FakeClock, FakeRoute, dispatching, reply
from tests.promises import promise


@promise("health:gray")
def test_calm_traffic_raises_no_alarm() -> None:
    assert Traffic(1).calm(10_000) == 0


@promise("health:gray")
@pytest.mark.parametrize("seed", range(5))
def test_one_slow_model_of_two_is_named_and_forgotten_after_recovery(seed: int) -> None:
    traffic = Traffic(seed)
    traffic.calm(200)

    assert any(traffic.call("b", slower=5.0) for _ in range(20))
    assert {each.key for each in traffic.detector.alarms()} <= {"direct:model:b", "direct:class:background"}
    assert any(not traffic.call("b") for _ in range(30))


@promise("health:gray")
def test_a_route_that_fails_a_third_is_seen_without_chance() -> None:
    traffic = Traffic(3)
    traffic.calm(200)
    rates = [1.0 if number % 3 == 0 else 0.0 for number in range(20)]

    assert any(traffic.call("a", fails=rate) for rate in rates)
    assert {each.slow for each in traffic.detector.alarms()} <= {False}
    assert "direct" in {each.key for each in traffic.detector.alarms()}
    assert any(not traffic.call("a", fails=0.0) for _ in range(30))


@promise("health:gray-whole")
def test_a_route_that_fails_over_all_its_classes_is_seen_as_one() -> None:
    detector = GrayDetector(clock := FakeClock())
    failure = Failure(kind=FailureKind.UNAVAILABLE, message="")
    for number, op_class in enumerate(OperationClass):
        clock.time += 1.0
        failed = None if number % 2 else failure
        detector.record(
            Attempt(route=RouteName.MCP, number=1, seconds=1.0, op_class=op_class, budget=9.0, failure=failed)
        )
    assert {each.key for each in detector.alarms()} == {"mcp"}  # no class failed twice


@promise("health:gray-probes")
def test_with_probes_a_third_failing_is_found_where_calls_alone_miss_it() -> None:
    alone = [trial(seed, fails=FAILING)[0] for seed in range(50)]
    probed = [trial(seed, fails=FAILING, probing=True)[0] for seed in range(50)]

    assert sum(each > ASKED for each in alone) > 0  # or the test shows nothing
    assert sum(each > ASKED for each in probed) <= 1
    assert sum(probed) < 0.7 * sum(alone)


@promise("health:gray-probes")
def test_a_failure_of_chance_costs_a_bounded_number_of_probes() -> None:
    traffic = Traffic(7, probing=True)
    assert not traffic.calm(2000)
    assert 0 < traffic.confirmer.sent <= MOST + 0.15 * 2000

    detector = traffic.detector
    while detector.doubtful() is None:
        traffic.call("a")
        traffic.confirmer.allowed = lambda: False  # asked for in vain from here on
    assert traffic.confirmer.due() is None
    traffic.confirmer.allowed = lambda: True
    assert traffic.confirmer.due() is ModelRole.STANDARD
    traffic.clock.time += 31.0
    assert traffic.confirmer.due() is None  # nobody is there


@promise("health:gray-probes")
async def test_a_doubt_wakes_the_confirmer_which_asks_the_doubtful_model_until_it_is_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(confirming, "PACE", 0.001)
    clock = FakeClock()
    detector, asked = GrayDetector(clock), list[str]()
    settled = anyio.Event()

    def answer(operation: Operation) -> Reply:
        asked.append(operation.model_role)
        return reply()

    route = FakeRoute(RouteName.DIRECT, answer)
    running = dispatching(clock, detector, Watcher(lambda: detector.doubtful() is None, settled))
    prober = Prober(route=route, running=running, learner=RouteLearner(clock), entropy=CountingEntropy())
    confirmer = Confirmer.by(prober, detector, clock)

    def told(failure: Failure | None) -> None:
        detector.record(
            Attempt(
                route=RouteName.DIRECT,
                number=1,
                seconds=1.0,
                op_class=OperationClass.STANDARD,
                budget=9.0,
                model="" if failure else "a-model",
                role=ModelRole.DEEP,
                failure=failure,
            )
        )

    async with anyio.create_task_group() as group:
        group.start_soon(confirmer.run)
        await anyio.wait_all_tasks_blocked()
        told(None)
        assert not asked
        told(Failure(kind=FailureKind.UNAVAILABLE, message=""))
        with anyio.fail_after(5):
            await settled.wait()
        group.cancel_scope.cancel()
    assert set(asked) == {ModelRole.DEEP}
    assert 3 <= len(asked) <= MOST
    assert not detector.alarms()


def test_a_failed_attempt_is_laid_to_the_model_that_was_asked() -> None:
    traffic = Traffic(8)
    traffic.calm(200)
    while not traffic.call("b", fails=1.0):
        pass
    assert "direct:model:b" in {each.key for each in traffic.detector.alarms()}
    assert "direct:model:a" not in {each.key for each in traffic.detector.alarms()}


def test_what_failed_before_is_usual_and_accuses_nobody() -> None:
    test = Flakiness()
    for number in range(4000):
        test.add(number % 25 == 0, 0.0)
    assert test.rate == pytest.approx(0.04, abs=0.01)
    assert test.since is None


def test_an_alarm_without_calls_says_nothing_any_more() -> None:
    traffic = Traffic(4)
    traffic.calm(200)
    while not traffic.call("b", slower=5.0):
        pass
    traffic.clock.time += 60
    assert not traffic.detector.alarms()


class Watcher:
    """A sink that says when something is so after an attempt."""

    def __init__(self, over: Callable[[], bool], event: anyio.Event) -> None:
        self.over, self.event = over, event

    def record(self, attempt: Attempt) -> None:
        if self.over():
            self.event.set()


def test_nothing_is_slow_without_a_baseline() -> None:
    traffic = Traffic(5)
    assert not any(traffic.call("a", slower=100.0, fails=0.0) for _ in range(19))


def test_a_gray_failure_never_makes_an_unknown_route_known() -> None:
    traffic = Traffic(6)
    traffic.calm(200)
    while not traffic.call("b", slower=5.0):
        pass
    found = _route(HybridHealthMonitor(traffic.clock), traffic.detector, RouteName.DIRECT)
    assert found.state is Health.UNKNOWN
