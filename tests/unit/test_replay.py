"""The replay: rows in, decisions out, by the product's own router on a virtual clock."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bedrock_support.routing.estimate import Estimate
from bedrock_support.routing.learning import probes
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.learning.probes import ProbePolicy
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Conditions,
    Health,
    OperationClass,
    RouteCondition,
    RouteName,
)
from bedrock_support.routing.router import IntelligentRouter
from benchmarks.replay import Replay, RowError, main, parse
from tests.fakes import FakeClock, clearance, operation
from tests.promises import promise

ROUTER = IntelligentRouter(shipped())


def row(i: int, t: float, op_class: str, direct: tuple[float, bool], mcp: tuple[float, bool]) -> dict[str, Any]:
    return {
        "i": i,
        "t": t,
        "class": op_class,
        "size": 1000,
        "direct": {"ms": direct[0], "ok": direct[1]},
        "mcp": {"ms": mcp[0], "ok": mcp[1]},
        "cost": {"direct": 0.0001, "mcp": 0.0001},
    }


def world(seconds: float = 240.0) -> list[dict[str, Any]]:
    """Direct is better, browns out from 60 to 90 s and is down from 150 to 170 s; weibull-shaped, 20 calls a second."""
    random = Random(11)  # noqa: S311 - a fixed world
    rows: list[dict[str, Any]] = []
    t = 0.0
    while t < seconds:
        t += random.expovariate(20.0)
        slow = 8.0 if 60 <= t < 90 else 1.0
        down = 150 <= t < 170
        direct = 800 * slow * random.weibullvariate(1, 1.8)
        mcp = 2400 * random.weibullvariate(1, 1.8)
        op_class = random.choice(["standard", "implementation", "infrastructure", "emergency"])
        rows.append(row(len(rows), t, op_class, (50 if down else direct, not down), (mcp, True)))
    return rows


def played(rows: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    given, out = folder / "in.jsonl", folder / "out.jsonl"
    given.write_text("\n".join(map(json.dumps, rows)))
    assert main([str(given), str(out)]) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


@promise("replay:quality", "probes:few")
def test_nearly_every_decision_is_the_right_one(tmp_path: Path) -> None:
    rows = world()
    decisions = played(rows, tmp_path)
    assert [each["i"] for each in decisions] == [each["i"] for each in rows]
    choices = [
        (each["t"], made["chosen"])
        for each, made in zip(rows, decisions, strict=True)
        if each["class"] != "emergency" and each["t"] > 20
    ]
    right = [("mcp" if 60 <= t < 90 or 150 <= t < 170 else "direct") == chosen for t, chosen in choices]
    assert sum(right) / len(right) >= 0.95
    assert all(
        made["chosen"] == "direct" for each, made in zip(rows, decisions, strict=True) if each["class"] == "emergency"
    )
    assert all(not made["probed"] for each, made in zip(rows, decisions, strict=True) if each["class"] == "emergency")
    assert sum(len(each["probed"]) for each in decisions) <= 0.15 * len(rows)


@promise("replay:virtual")
def test_an_outcome_is_known_when_it_ends_and_not_before() -> None:
    replay = Replay()
    replay.decide(parse(json.dumps(row(0, 0.0, "standard", (1, True), (2000, True))), 1))
    replay.decide(parse(json.dumps(row(1, 1.9, "standard", (1, True), (2000, True))), 2))
    assert replay.learner.calls("mcp", "standard") == 0
    replay.decide(parse(json.dumps(row(2, 2.1, "standard", (1, True), (2000, True))), 3))
    assert replay.learner.calls("mcp", "standard") == 1


@promise("replay:rows")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class": "urgent"}, "line 3: class = 'urgent': no such class. Use one of emergency"),
        ({"t": "now"}, "line 3: t = 'now': give a number"),
        ({"direct": {"ms": 5}}, "line 3: direct = "),
        ({"mcp": None}, "line 3: mcp = None"),
        ({"cost": {"mcp": -1}}, "line 3: cost.mcp = -1: give a number from 0"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError) as refused:
        parse(json.dumps(row(0, 0.0, "standard", (1, True), (1, True)) | change), 3)
    assert str(refused.value).startswith(message)


@promise("replay:rows")
def test_bad_files_are_refused_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "in.jsonl"
    for text, said in (("[1]", "no object"), ("{", "not JSON"), ("", "0 rows")):
        given.write_text(text)
        assert main([str(given), str(tmp_path / "out")]) == (0 if said == "0 rows" else 2)
        captured = capsys.readouterr()
        assert said in captured.out + captured.err
    given.write_text("\n".join(json.dumps(row(0, t, "standard", (1, True), (1, True))) for t in (2.0, 1.0)))
    assert main([str(given), str(tmp_path / "out")]) == 2
    assert "Sort the rows by t" in capsys.readouterr().err
    assert main([str(tmp_path / "none"), str(tmp_path / "out")]) == 2


@promise("probes:trouble", "probes:few")
def test_trouble_has_its_own_share_of_the_probes() -> None:
    clock = FakeClock()
    learner = RouteLearner(clock)
    policy = ProbePolicy(learner, clock, per_second=0.0)
    spent = 0
    for _ in range(1000):
        policy.decided()
        clock.time += 1.0
        if policy.due("direct", "standard", behind=0.0, flagged=False):
            policy.probed("direct", "standard")
            spent += 1
    assert 100 <= spent <= probes.PER_CALL * 1000 + probes.MOST - probes.RESERVED
    for _ in range(60):
        learner_call(learner, clock, ok=True)
    for _ in range(4):
        learner_call(learner, clock, ok=False)
    while policy.due("direct", "standard", behind=0.0, flagged=False):
        policy.probed("direct", "standard")
        clock.time += 10.0
    assert policy.due("direct", "standard", behind=0.5, flagged=True)


def learner_call(learner: RouteLearner, clock: FakeClock, *, ok: bool) -> None:
    ticket = learner.started("direct", "standard", 1.0, 30.0)
    clock.time += 1.0
    learner.ended(ticket, seconds=1.0, ok=ok)


def condition(utility: float, *, samples: float = 10.0, open_in: float = 0.0) -> RouteCondition:
    estimate = Estimate(
        p_success=0.9, seconds=1, p95_seconds=2, usd=0.001, utility=utility, samples=samples, flagged=False
    )
    return RouteCondition(health=Health.HEALTHY, samples=10, estimate=estimate, open_in=open_in)


@promise("learning:order", "learning:unknown")
@pytest.mark.parametrize(
    ("direct", "mcp", "first"),
    [
        (condition(0.9), condition(0.5), RouteName.DIRECT),
        (condition(0.5), condition(0.9), RouteName.MCP),
        (condition(0.901), condition(0.9), RouteName.MCP),
        (condition(0.9, samples=0), condition(0.5), RouteName.MCP),
    ],
)
def test_experience_orders_the_plan(direct: RouteCondition, mcp: RouteCondition, first: RouteName) -> None:
    conditions = Conditions(routes={RouteName.DIRECT: direct, RouteName.MCP: mcp})
    decision = ROUTER.decide(clearance(operation()), conditions, decision_id="d")
    assert decision.plan[0] is first
    assert len(decision.plan) == 2
    assert any("experience" in each for each in decision.reasons) == (first is RouteName.DIRECT)
    assert "expected to answer in time with 90%" in ROUTER.explain(decision)


@promise("learning:held")
def test_a_route_that_lets_nothing_pass_goes_last() -> None:
    held = Conditions(routes={RouteName.DIRECT: condition(0.9), RouteName.MCP: condition(0.99, open_in=3.0)})
    decision = ROUTER.decide(clearance(operation()), held, decision_id="d")
    assert decision.plan == (RouteName.DIRECT, RouteName.MCP)
    both = Conditions(routes={route: condition(0.9, open_in=math.inf) for route in RouteName})
    assert ROUTER.decide(clearance(operation(OperationClass.EMERGENCY)), both, decision_id="d").plan == (
        RouteName.DIRECT,
    )
