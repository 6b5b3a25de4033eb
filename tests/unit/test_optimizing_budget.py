"""Budgets: set aside before, settled after, and never more than there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import Conditions, Decision, Flags, ModelRole, OperationClass, RouteName
from bedrock_support.routing.optimizing.budget import HOLD_SECONDS, Budget, Budgets, Period, Step
from bedrock_support.routing.optimizing.frugal import within_budget
from bedrock_support.routing.optimizing.memory import MemoryStore
from bedrock_support.routing.router import IntelligentRouter
from tests.fakes import FakeClock, clearance, operation
from tests.promises import promise

STANDARD, EMERGENCY = OperationClass.STANDARD, OperationClass.EMERGENCY
INFRASTRUCTURE = OperationClass.INFRASTRUCTURE


def budgets(*rows: Budget, clock: FakeClock | None = None) -> Budgets:
    clock = clock or FakeClock()
    return Budgets(MemoryStore(clock), rows or (Budget(usd=1.0),), clock)


def decided(op_class: OperationClass = STANDARD, role: ModelRole = ModelRole.STANDARD) -> Decision:
    asked = replace(operation(op_class), model_role=role)
    return IntelligentRouter(shipped()).decide(clearance(asked), Conditions(routes={}), decision_id="d")


@promise("budget:no-overshoot")
@given(st.lists(st.tuples(st.floats(0, 0.4), st.floats(0, 1)), max_size=30))
def test_never_more_than_the_budget(calls: list[tuple[float, float]]) -> None:
    found = budgets()
    open_holds = [found.reserve(f"c{number}", "t", STANDARD, most) for number, (most, _) in enumerate(calls)]
    for hold, (most, share) in zip(open_holds, calls, strict=True):
        (account,) = found.accounts("t")
        assert account.spent + account.held <= 1.0
        if hold is not None:
            found.settle(hold, most * share)
    (account,) = found.accounts("t")
    assert account.held == 0
    assert account.spent <= 1.0


@promise("budget:no-overshoot")
def test_a_call_that_is_sent_again_is_another_sum() -> None:
    found = budgets()
    holds = [found.reserve("same", "t", STANDARD, 0.3) for _ in range(4)]
    assert [hold is not None for hold in holds] == [True, True, True, False]
    for hold in holds[:3]:
        assert hold is not None
        found.settle(hold, 0.1)
    (account,) = found.accounts("t")
    assert (round(account.spent, 6), account.held) == (0.3, 0.0)


@promise("budget:unknown")
def test_an_unknown_cost_counts_as_all_that_was_set_aside() -> None:
    found = budgets()
    hold = found.reserve("c", "t", STANDARD, 0.25)
    assert hold is not None
    found.settle(hold, None)
    assert found.accounts("t")[0].spent == 0.25


@promise("budget:unknown")
def test_what_a_dead_process_had_set_aside_counts_as_spent() -> None:
    clock = FakeClock()
    found = budgets(clock=clock)
    assert found.reserve("dead", "t", STANDARD, 0.5) is not None
    clock.time += HOLD_SECONDS + 1
    (account,) = found.accounts("t")
    assert (account.spent, account.held) == (0.5, 0.0)


@promise("budget:steps")
def test_emergencies_alone_use_the_reserve() -> None:
    found = budgets()
    assert found.reserve("all", "t", STANDARD, 1.0) is not None
    assert found.reserve("more", "t", INFRASTRUCTURE, 0.05) is None
    assert found.reserve("fire", "t", EMERGENCY, 0.05) is not None
    assert found.reserve("fires", "t", EMERGENCY, 0.06) is None


@promise("budget:no-overshoot")
@pytest.mark.parametrize("turned", [False, True])
def test_a_tenants_own_budget_and_everybodys_are_two(turned: bool) -> None:
    rows = [Budget(usd=1.0, tenant="t"), Budget(usd=100.0)]
    found = budgets(*(reversed(rows) if turned else rows))
    assert found.reserve("much", "t", STANDARD, 50.0) is None
    assert found.reserve("little", "t", STANDARD, 0.5) is not None


@promise("budget:steps")
def test_periods_tenants_and_classes_are_apart() -> None:
    clock = FakeClock()
    found = budgets(Budget(usd=1.0, period=Period.DAY, op_class="standard"), Budget(usd=9.0, tenant="t"), clock=clock)
    assert found.reserve("a", "t", STANDARD, 1.0) is not None
    assert found.reserve("b", "t", STANDARD, 1.0) is None
    assert found.reserve("c", "u", STANDARD, 1.0) is not None
    assert found.reserve("d", "t", INFRASTRUCTURE, 8.0) is not None
    clock.time += 86_400
    assert found.reserve("e", "t", STANDARD, 0.5) is None, "the month's is spent"
    assert found.reserve("f", "u", STANDARD, 0.5) is not None


@pytest.mark.parametrize(
    ("spent", "step"),
    [(0.5, Step.NONE), (0.75, Step.CHEAPER), (0.9, Step.MCP_FIRST), (0.95, Step.URGENT_ONLY), (1.0, Step.SPENT)],
)
@promise("budget:steps")
def test_the_steps_begin_where_they_should(spent: float, step: Step) -> None:
    found = budgets()
    hold = found.reserve("c", "t", STANDARD, spent)
    assert hold is not None
    found.settle(hold, spent)
    assert found.step("t", STANDARD) is step


@promise("budget:steps")
def test_what_becomes_of_a_plan_on_each_step() -> None:
    assert within_budget(decided(), Step.NONE, priced=True).decision == decided()
    cheaper = within_budget(decided(OperationClass.IMPLEMENTATION), Step.CHEAPER, priced=True).decision
    assert (cheaper.operation.model_role, cheaper.plan) == (ModelRole.FAST, (RouteName.DIRECT, RouteName.MCP))
    assert "budget 75 % spent: smallest model" in cheaper.reasons
    first = within_budget(decided(OperationClass.IMPLEMENTATION), Step.MCP_FIRST, priced=True).decision
    assert first.plan == (RouteName.MCP, RouteName.DIRECT)
    urgent = within_budget(decided(OperationClass.IMPLEMENTATION), Step.URGENT_ONLY, priced=True).decision
    assert urgent.plan == (RouteName.MCP,)
    still = within_budget(decided(INFRASTRUCTURE), Step.URGENT_ONLY, priced=True).decision
    assert still.plan == decided(INFRASTRUCTURE).plan
    assert within_budget(decided(INFRASTRUCTURE), Step.SPENT, priced=True).decision.plan == (RouteName.MCP,)
    assert within_budget(decided(EMERGENCY), Step.SPENT, priced=True).decision.plan == (RouteName.DIRECT,)


@promise("budget:unknown")
def test_a_model_without_a_price_spends_nothing_but_in_an_emergency() -> None:
    assert RouteName.DIRECT not in within_budget(decided(), Step.NONE, priced=False).decision.plan
    assert within_budget(decided(EMERGENCY), Step.NONE, priced=False).decision.plan == (RouteName.DIRECT,)


def test_without_optimization_the_model_stays() -> None:
    decision = decided()
    plain = replace(decision, conditions=replace(decision.conditions, flags=Flags(optimization=False)))
    assert within_budget(plain, Step.CHEAPER, priced=True).decision.operation.model_role is ModelRole.STANDARD


@pytest.mark.parametrize(
    "wrong",
    [
        {"usd": 0},
        {"usd": float("nan")},
        {"usd": 1, "reserve": 2},
        {"usd": 1, "op_class": "x"},
        {"usd": 1, "period": "year"},
    ],
)
def test_a_budget_that_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"is|not"):
        Budget(**wrong)  # pyright: ignore[reportArgumentType]
