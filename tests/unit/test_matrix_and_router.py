"""The matrix is complete, and the router never adds to what it and the clearance allow."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.compliance import ComplianceValidator, Destinations
from bedrock_support.routing.matrix import MATRIX_PACKAGE, MatrixError, parse, shipped
from bedrock_support.routing.model import (
    Clearance,
    Conditions,
    Flags,
    Health,
    OperationClass,
    Residency,
    RouteCondition,
    RouteName,
)
from bedrock_support.routing.router import IntelligentRouter
from tests.fakes import CountingEntropy, clearance, operation
from tests.promises import promise

SOURCE = files(MATRIX_PACKAGE).joinpath("matrix.toml").read_text(encoding="utf-8")
ROUTER = IntelligentRouter(shipped())

flags = st.builds(Flags, **{name: st.booleans() for name in Flags.__dataclass_fields__})
conditions = st.builds(
    Conditions,
    routes=st.fixed_dictionaries(
        {}, optional={route: st.builds(RouteCondition, health=st.sampled_from(Health)) for route in RouteName}
    ),
    flags=flags,
)
clearances = st.builds(
    clearance,
    st.builds(operation, st.sampled_from(OperationClass)),
    st.frozensets(st.sampled_from(RouteName)),
)


@promise("matrix:complete")
def test_every_class_and_pair_of_healths_has_one_row() -> None:
    matrix = shipped()
    assert matrix.table.keys() == set(product(OperationClass, Health, Health))
    assert matrix.rules.keys() == set(OperationClass)
    deadlines = {each: rule.deadline for each, rule in matrix.rules.items()}
    assert deadlines == {
        OperationClass.EMERGENCY: 5,
        OperationClass.INFRASTRUCTURE: 10,
        OperationClass.META_MONITOR: 15,
        OperationClass.IMPLEMENTATION: 15,
        OperationClass.KIRO_COMMUNICATION: 30,
        OperationClass.STANDARD: 30,
        OperationClass.BACKGROUND: 60,
    }


@promise("matrix:refuses-gaps")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'name = "direct-first"\nclass = ["infrastructure", ',
            'name = "direct-first"\nclass = [',
            "no row for class=infra",
        ),
        ('plan = ["direct"]', 'plan = ["direct", "mcp"]', "class emergency may not take mcp"),
        ('plan = ["mcp", "direct"]\nwhy = "work', 'plan = ["mcp", "mcp"]\nwhy = "work', "a route stands twice"),
        ("[class.background]", "[class.standard2]", "rules.standard2|class.standard2|standard2"),
        (
            '[[row]]\nname = "emergency-direct-only"',
            '[[row]]\nname = "first"\nclass = ["emergency"]\nplan = ["direct"]\nwhy = "x"\n\n'
            '[[row]]\nname = "emergency-direct-only"',
            "can never match: emergency-direct-only",
        ),
    ],
)
def test_an_incomplete_or_contradictory_matrix_is_refused(old: str, new: str, message: str) -> None:
    assert old in SOURCE
    with pytest.raises(ValueError, match=message):
        parse(SOURCE.replace(old, new, 1))


@promise("matrix:refuses-gaps")
def test_a_class_without_a_rule_is_refused() -> None:
    start = SOURCE.index("[class.background]")
    with pytest.raises(MatrixError, match="rule for background"):
        parse(SOURCE[:start] + SOURCE[SOURCE.index("\n[[row]]") :])
    assert tomllib.loads(SOURCE)["name"] == "support-v1"


@promise("router:emergency-direct")
@given(conditions)
def test_an_emergency_goes_direct_or_nowhere(seen: Conditions) -> None:
    for routes in (frozenset(RouteName), frozenset({RouteName.MCP}), frozenset[RouteName]()):
        decision = ROUTER.decide(clearance(operation(OperationClass.EMERGENCY), routes), seen, decision_id="d")
        assert set(decision.plan) <= {RouteName.DIRECT}
        assert decision.row == "emergency-direct-only"


@promise("router:no-forbidden-route", "router:names-its-row", "router:pure")
@given(clearances, conditions)
def test_a_plan_only_shrinks_and_says_why(cleared: Clearance, seen: Conditions) -> None:
    decision = ROUTER.decide(cleared, seen, decision_id="d")
    rule = shipped().rules[cleared.operation.op_class]
    row = next(each for each in shipped().rows if each.name == decision.row)
    assert set(decision.plan) <= cleared.routes & rule.may & set(row.plan)
    assert len(set(decision.plan)) == len(decision.plan)
    for route in set(row.plan) - set(decision.plan):
        assert any(reason.startswith(f"{route} left out: ") for reason in decision.reasons)
    assert decision.reasons[0].startswith(f"row {decision.row}: ")
    assert decision == ROUTER.decide(cleared, seen, decision_id="d")
    if not seen.flags.support_mode:
        assert decision.plan == ()


@promise("router:no-forbidden-route", "router:emergency-direct")
@given(
    st.sampled_from(OperationClass),
    st.sampled_from(Residency),
    st.sampled_from(["eu-central-1", "eu-west-2", "us-east-1"]),
    st.booleans(),
    conditions,
)
def test_from_residency_to_plan_nothing_forbidden_comes_through(
    op_class: OperationClass, residency: Residency, region: str, caller_model: bool, at: Conditions
) -> None:
    where = Destinations(region=region, endpoint_url=None, models=frozenset({"eu.m"}), caller_model=caller_model)
    asked = replace(operation(op_class), residency=residency)
    cleared = ComplianceValidator(where, CountingEntropy()).clear(asked)
    assert isinstance(cleared, Clearance)
    plan = ROUTER.decide(cleared, at, decision_id="d").plan
    if residency is Residency.EU and region != "eu-central-1":
        assert RouteName.DIRECT not in plan
    if not caller_model or op_class is OperationClass.EMERGENCY:
        assert RouteName.MCP not in plan


def seen(direct: Health, mcp: Health, given: Flags | None = None) -> Conditions:
    return Conditions(
        routes={
            RouteName.DIRECT: RouteCondition(health=direct, note="direct's note"),
            RouteName.MCP: RouteCondition(health=mcp),
        },
        flags=given or Flags(),
    )


@promise("router:no-forbidden-route")
@pytest.mark.parametrize(
    ("op_class", "direct", "mcp", "plan"),
    [
        (OperationClass.STANDARD, Health.HEALTHY, Health.HEALTHY, ("mcp", "direct")),
        (OperationClass.STANDARD, Health.HEALTHY, Health.UNHEALTHY, ("direct", "mcp")),
        (OperationClass.STANDARD, Health.UNHEALTHY, Health.UNHEALTHY, ("mcp", "direct")),
        (OperationClass.STANDARD, Health.UNCONFIGURED, Health.HEALTHY, ("mcp",)),
        (OperationClass.INFRASTRUCTURE, Health.UNKNOWN, Health.HEALTHY, ("direct", "mcp")),
        (OperationClass.INFRASTRUCTURE, Health.UNHEALTHY, Health.UNKNOWN, ("mcp", "direct")),
        (OperationClass.INFRASTRUCTURE, Health.UNCONFIGURED, Health.UNKNOWN, ("mcp",)),
        (OperationClass.EMERGENCY, Health.UNHEALTHY, Health.HEALTHY, ("direct",)),
        (OperationClass.EMERGENCY, Health.UNCONFIGURED, Health.HEALTHY, ()),
    ],
)
def test_health_reorders_and_set_up_cuts(
    op_class: OperationClass, direct: Health, mcp: Health, plan: tuple[str, ...]
) -> None:
    decision = ROUTER.decide(clearance(operation(op_class)), seen(direct, mcp), decision_id="d")
    assert decision.plan == plan


@promise("router:names-its-row")
def test_flags_blind_the_router_but_never_widen_a_plan() -> None:
    sick = seen(Health.HEALTHY, Health.UNHEALTHY, replace(Flags(), intelligent_routing=False))
    assert ROUTER.decide(clearance(), sick, decision_id="d").plan == ("mcp", "direct")
    no_fallback = seen(Health.HEALTHY, Health.HEALTHY, replace(Flags(), direct_fallback=False))
    assert ROUTER.decide(clearance(), no_fallback, decision_id="d").plan == ("mcp",)
    urgent = clearance(operation(OperationClass.INFRASTRUCTURE))
    assert ROUTER.decide(urgent, no_fallback, decision_id="d").plan == ("direct", "mcp")


@promise("router:explains")
def test_a_decision_is_told_in_words() -> None:
    decision = ROUTER.decide(clearance(), seen(Health.UNCONFIGURED, Health.HEALTHY), decision_id="d-7")
    told = ROUTER.explain(decision)
    assert "Decision d-7 for triage_incident, class standard (medium priority)." in told
    assert "Plan: mcp (policy support-v1@" in told
    assert "- direct left out: direct's note" in told
    assert "- direct was unconfigured from 0 attempts. direct's note" in told
