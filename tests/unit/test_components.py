"""The state of components, the endpoints over it, and the command that asks for it."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bedrock_support.routing.model import Health
from bedrock_support.server.cli import main
from bedrock_support.server.http import security
from bedrock_support.server.status_cli import redrawn, unseen, worded
from bedrock_support.server.system import SystemHealth, with_health
from bedrock_support.telemetry.components import Activity, Component, Components, Finding, Probe, overall
from bedrock_support.telemetry.gray import GrayDetector
from bedrock_support.telemetry.slo.board import Board
from bedrock_support.telemetry.window import WINDOW
from tests.fakes import FakeClock
from tests.promises import promise


def found(state: Health) -> Probe:
    return lambda: Finding(state=state, evidence="seen", samples=3)


@promise("health:components")
def test_all_seven_are_unknown_without_data() -> None:
    checked = Components(FakeClock(), {}).check()

    assert [each.component for each in checked] == list(Component)
    assert {each.state for each in checked} == {Health.UNKNOWN}


@promise("health:components")
def test_a_state_keeps_the_moment_it_began() -> None:
    clock, activity = FakeClock(), Activity(FakeClock())
    states = [Health.HEALTHY, Health.HEALTHY, Health.DEGRADED]
    asked = Components(clock, {Component.DIRECT: lambda: Finding(state=states.pop(0), evidence="")})

    first = asked.check()[0].since
    clock.time += 5
    assert asked.check()[0].since == first
    clock.time += 5
    assert asked.check()[0].since == first + 10
    assert activity.finding().state is Health.UNKNOWN


@pytest.mark.parametrize(
    ("bad", "state"), [(0, Health.HEALTHY), (1, Health.DEGRADED), (5, Health.UNHEALTHY), (10, Health.UNHEALTHY)]
)
def test_failed_uses_make_the_state(bad: int, state: Health) -> None:
    clock = FakeClock()
    activity = Activity(clock)
    for number in range(10):
        activity.add("ValueError" if number < bad else "")

    assert (activity.finding().state, activity.finding().samples) == (state, 10)
    clock.time += WINDOW
    assert activity.finding().state is Health.UNKNOWN


def test_a_failing_use_is_counted_and_passed_on() -> None:
    activity = Activity(FakeClock())
    with pytest.raises(ValueError, match="no"), activity.use():
        raise ValueError("no")
    with activity.use():
        pass
    assert activity.finding().evidence.startswith("1 of 2 uses")


def test_a_broken_probe_hides_nothing_of_the_others() -> None:
    def broken() -> Finding:
        raise RuntimeError

    checked = Components(FakeClock(), {Component.DIRECT: broken, Component.MCP: found(Health.HEALTHY)}).check()
    assert [each.state for each in checked[:2]] == [Health.UNKNOWN, Health.HEALTHY]


def test_the_whole_is_as_the_worst_part() -> None:
    assert overall([]) is Health.UNKNOWN
    assert overall([Health.HEALTHY, Health.UNKNOWN]) is Health.UNKNOWN
    assert overall([Health.UNKNOWN, Health.DEGRADED]) is Health.DEGRADED
    assert overall([Health.DEGRADED, Health.UNHEALTHY]) is Health.UNHEALTHY


def serving(probes: dict[Component, Probe]) -> TestClient:
    clock = FakeClock()
    system = SystemHealth(
        components=Components(clock, probes), clock=clock, board=Board(clock), gray=GrayDetector(clock)
    )
    app = with_health(Starlette(), system, security())
    return TestClient(app, base_url="http://127.0.0.1:8000")


@promise("health:endpoints")
@pytest.mark.parametrize(
    ("probes", "ready", "health", "status"),
    [
        ({}, 200, 200, "warn"),
        (dict.fromkeys(Component, found(Health.HEALTHY)), 200, 200, "pass"),
        ({Component.DIRECT: found(Health.UNHEALTHY)}, 200, 503, "fail"),
        ({Component.DIRECT: found(Health.UNHEALTHY), Component.MCP: found(Health.UNHEALTHY)}, 503, 503, "fail"),
        ({Component.AUDIT: found(Health.UNHEALTHY)}, 503, 503, "fail"),
    ],
)
def test_endpoints(probes: dict[Component, Probe], ready: int, health: int, status: str) -> None:
    client = serving(probes)
    answer = client.get("/healthz")

    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == ready
    assert (answer.status_code, answer.json()["status"]) == (health, status)
    assert answer.headers["content-type"] == "application/health+json"
    assert set(answer.json()["checks"]) == {f"{each.value}:state" for each in Component}


@promise("health:endpoints")
def test_liveness_asks_no_probe_and_foreign_hosts_get_nothing() -> None:
    asked: list[str] = []

    def probe() -> Finding:
        asked.append("probe")
        return Finding(state=Health.UNHEALTHY, evidence="")

    client = serving(dict.fromkeys(Component, probe))
    assert client.get("/livez").status_code == 200
    assert not asked
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 421
    assert not asked


@promise("health:status")
def test_status_without_a_server_knows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)

    assert told["status"] == "unknown"
    assert {check[0]["observedValue"] for check in told["checks"].values()} == {"unknown"}
    assert main(["status", "--url", "http://127.0.0.1:9"]) == 3
    assert "doesn't answer" in capsys.readouterr().out


def test_the_live_view_is_drawn_in_place_and_without_a_terminal_line_by_line() -> None:
    drawn = redrawn(worded(unseen("why")), "http://127.0.0.1:8000")
    assert drawn.startswith("\x1b[Hhttp://127.0.0.1:8000 at ")
    assert drawn.endswith("\x1b[J")
    assert drawn.count("\x1b[K\n") == 2 + 1 + 7


def test_status_prints_no_control_characters() -> None:
    assert "\x1b" not in worded(unseen("\x1b[31mred"))
