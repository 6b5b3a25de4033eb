"""Gray failure, on seeded traffic; benchmarks/gray.py says how often and how soon."""

from __future__ import annotations

import pytest

from bedrock_support.routing.model import Health, RouteName
from bedrock_support.server.probes import _route  # pyright: ignore[reportPrivateUsage]
from bedrock_support.telemetry.health import HybridHealthMonitor
from benchmarks.gray import Traffic
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
    assert any(not traffic.call("a", fails=0.0) for _ in range(30))


def test_an_alarm_without_calls_says_nothing_any_more() -> None:
    traffic = Traffic(4)
    traffic.calm(200)
    while not traffic.call("b", slower=5.0):
        pass
    traffic.clock.time += 60
    assert not traffic.detector.alarms()


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
