"""Stops that nobody's hand makes, and what lifts them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bedrock_support.routing.model import Attempt, Failure, FailureKind, OperationClass, RouteName, Scope
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.flag_file import FlagFile
from bedrock_support.server.flags import FlagKeeper
from bedrock_support.server.guarding.guardian import REST, TRIES, Guardian, breach
from bedrock_support.server.guarding.load import Load
from bedrock_support.server.guarding.overhead import MOST_BYTES, SETTLE, Overhead, cpu_seconds, release, resident_bytes
from bedrock_support.server.guarding.recent import HOUR, WINDOW, Recent
from bedrock_support.server.guarding.triggers import LEAST, Triggers
from bedrock_support.telemetry.components import Activity
from tests.fakes import FakeClock
from tests.promises import promise

GOOD = Attempt(route=RouteName.DIRECT, number=1, seconds=1.0, op_class=OperationClass.STANDARD, budget=30.0)
BAD = replace(GOOD, failure=Failure(kind=FailureKind.UNAVAILABLE, message="gone"))


class Watched:
    """A guardian over a clock that the test moves."""

    def __init__(self, limits: str, file: Path | None = None) -> None:
        self.clock = FakeClock()
        self.recent = Recent(self.clock)
        self.trouble = ""
        kept = FlagFile(file, self.clock) if file else None
        self.keeper = FlagKeeper({}, self.clock, file=kept, provider=None, domain=f"guardian-{id(self)}")
        self.guardian = Guardian(
            clock=self.clock,
            triggers=Triggers.of(limits),
            recent=self.recent,
            keeper=self.keeper,
            breach=lambda: self.trouble,
            overhead=Overhead(clock=self.clock, uses=lambda: 0, busy=lambda: False),
        )

    def look(self, after: float = 0.0) -> dict[Scope, str]:
        self.clock.time += after
        self.keeper.refresh()
        return dict(self.guardian.look()[1].stops)

    def feed(self, good: int, bad: int) -> None:
        self.clock.time += 1
        for _ in range(good):
            self.recent.record(GOOD)
        for _ in range(bad):
            self.recent.record(BAD)


@promise("guardian:stops")
def test_errors_stop_a_route_from_the_limit_on_and_not_below() -> None:
    watched = Watched("errors=0.5")
    watched.feed(LEAST - 2, 1)
    assert watched.look() == {}, "too few to conclude anything"
    watched.feed(0, LEAST - 4)
    assert watched.look() == {}
    watched.feed(0, 1)
    stops = watched.look()
    assert set(stops) == {Scope.DIRECT}
    assert stops[Scope.DIRECT].startswith("automatic: 50% of 36 attempts failed")


@promise("guardian:stops")
def test_without_limits_no_error_stops_anything() -> None:
    watched = Watched("")
    watched.feed(0, 500)
    assert watched.look() == {}


@promise("guardian:stops")
def test_latency_and_cost_stop_the_route_that_they_are_of() -> None:
    slow = Watched("p95=20")
    for _ in range(LEAST):
        slow.recent.record(replace(GOOD, route=RouteName.MCP, seconds=21.0))
    assert set(slow.look()) == {Scope.MCP}
    dear = Watched("usd_per_hour=2")
    dear.recent.record(replace(GOOD, usd=1.9))
    assert dear.look() == {}
    dear.recent.record(replace(BAD, usd=0.1))
    assert dear.look()[Scope.DIRECT] == "automatic: 2.00 USD in the last hour, limit 2"
    assert dear.look(after=HOUR) == {}, "an hour later it is spent no more"


@promise("guardian:stops")
def test_a_breach_of_compliance_stops_support_mode() -> None:
    watched = Watched("")
    watched.trouble = "the audit trail can't be written"
    assert set(watched.look()) == {Scope.SUPPORT_MODE}
    assert not watched.keeper().effective.support_mode
    failing = Activity(FakeClock())
    assert breach(failing, None) == ""
    for _ in range(10):
        failing.add("OSError")
    assert breach(failing, None).startswith("the gate fails: 10 of 10")


@promise("guardian:recovers")
def test_a_stop_is_tried_again_a_few_times_and_then_stays() -> None:
    watched = Watched("errors=0.5")
    for _ in range(TRIES):
        watched.feed(0, LEAST)
        assert set(watched.look()) == {Scope.DIRECT}
        assert set(watched.look(after=REST - 1)) == {Scope.DIRECT}
        assert watched.look(after=1) == {}, "rested; nothing new was seen of it"
    watched.feed(0, LEAST)
    assert set(watched.look()) == {Scope.DIRECT}
    assert set(watched.look(after=REST)) == {Scope.DIRECT}
    report = watched.guardian.report()["stops"]
    assert isinstance(report, dict)
    assert report["direct"]["tries_left"] == 0
    assert watched.look(after=HOUR) == {}, "tries of the last hour count"


@promise("guardian:by-hand")
def test_a_resume_by_hand_lifts_both_stops(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_text("{}")
    watched = Watched("errors=0.5", path)
    watched.feed(0, LEAST)
    assert watched.look()[Scope.DIRECT].startswith("automatic")
    path.write_text(json.dumps({"STOP": [{"scope": "direct", "reason": "seen"}]}))
    assert watched.look()[Scope.DIRECT] == "seen"
    path.write_text("{}")
    assert watched.look() == {}
    assert watched.look() == {}


def test_old_attempts_are_forgotten() -> None:
    watched = Watched("errors=0.5")
    watched.feed(0, LEAST)
    watched.clock.time += WINDOW + 1
    assert watched.look() == {}
    assert watched.recent.readings().routes[RouteName.MCP].errors is None


@pytest.mark.parametrize("text", ["errors", "errors=x", "errors=0", "speed=1", "errors=inf"])
def test_a_limit_that_is_none_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_AUTO_STOP"):
        Triggers.of(text)


class Machine:
    """CPU and memory that a test sets."""

    def __init__(self) -> None:
        self.clock, self.load = FakeClock(), Load()
        self.spent, self.bytes, self.freed = 0.0, 100 * 1024 * 1024, 0
        self.overhead = Overhead(
            clock=self.clock,
            uses=lambda: self.load.uses,
            busy=lambda: self.load.running > 0,
            cpu=lambda: self.spent,
            memory=lambda: self.bytes,
            free=self._free,
        )

    def _free(self) -> None:
        self.freed += 1

    def sample(self, cpu: float, grown: int = 0) -> None:
        self.clock.time += 10
        self.spent += cpu
        self.bytes += grown
        self.overhead.sample()


@promise("guardian:overhead")
def test_overhead_is_unknown_until_measured_and_acted_on_after_three_samples() -> None:
    machine = Machine()
    assert machine.overhead.report()["idle_cpu_share"] is None
    for _ in range(int(SETTLE / 10) - 1):
        machine.sample(5.0)
    assert machine.overhead.share is None, "libraries are still being loaded"
    machine.sample(0.05)
    assert machine.overhead.share == pytest.approx(0.005)
    for _ in range(3):
        assert not machine.overhead.relieved
        machine.sample(0.2)
    assert machine.overhead.relieved
    machine.sample(0.05)
    assert not machine.overhead.relieved
    with machine.load.call():
        machine.sample(9.0)
    machine.sample(9.0)
    assert machine.overhead.share == pytest.approx(0.005), "work for a caller is no overhead"


@promise("guardian:overhead")
def test_growth_is_freed_once_for_each_time_that_it_is_too_much() -> None:
    machine = Machine()
    for _ in range(5):
        machine.sample(0.0)
    assert machine.overhead.growth == 0
    machine.sample(0.0, MOST_BYTES + 1)
    for _ in range(5):
        machine.sample(0.0)
    assert machine.freed == 1
    machine.sample(0.0, -MOST_BYTES)
    assert machine.overhead.report()["memory_growth_bytes"] == 1


def test_this_process_can_be_measured() -> None:
    assert cpu_seconds() > 0
    assert (resident_bytes() or 0) > 1_000_000
    release()
