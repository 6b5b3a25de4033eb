"""The cost report: sums that were recorded, and unknown where there are none."""

from __future__ import annotations

import json

from bedrock_support.routing.model import (
    Attempt,
    CacheUse,
    Carrier,
    Failure,
    FailureKind,
    Handoff,
    OperationClass,
    Outcome,
    RouteName,
    Usage,
)
from bedrock_support.routing.optimizing.budget import Budget, Budgets
from bedrock_support.routing.optimizing.memory import MemoryStore
from bedrock_support.routing.optimizing.spending import Spending
from bedrock_support.tools.cost import CostReport, report, worded
from tests.fakes import FakeClock, operation, reply
from tests.promises import promise

HAIKU, SONNET = "eu.anthropic.claude-haiku-4-5", "eu.anthropic.claude-sonnet-4-6"


class Scene:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.spending = Spending(self.store, self.clock)
        self.budgets = Budgets(self.store, [Budget(usd=10.0)], self.clock)

    def call(
        self, usd: float | None, *, model: str = SONNET, failed: bool = False, route: RouteName = RouteName.DIRECT
    ) -> None:
        failure = Failure(kind=FailureKind.TIMEOUT, message="late") if failed else None
        tried = Attempt(
            route=route,
            number=1,
            seconds=1.0,
            op_class=OperationClass.STANDARD,
            budget=5.0,
            model=model,
            usage=None if failed else Usage(input_tokens=1000, output_tokens=100, cache_read_tokens=10),
            failure=failure,
            usd=usd,
        )
        answer = None if failed else reply()
        outcome = Outcome(operation=operation(), attempts=(tried,), reply=answer, failure=failure)
        self.spending.record("t", outcome)

    def hit(self, saved: float | None) -> None:
        found = CacheUse(age=1.0, saved_usd=saved)
        self.spending.record("t", Outcome(operation=operation(), reply=reply(), cached=found))

    def report(self, days: int = 30) -> CostReport:
        return report(self.spending, self.budgets, self.clock, "t", days, shared=True)


@promise("cost:unknown")
def test_without_data_every_figure_is_unknown() -> None:
    found = Scene().report()
    assert found.spent_usd is found.forecast_month_usd is found.cache_hit_rate is None
    assert found.saved_by_answer_cache_usd is found.saved_by_prompt_cache_usd is None
    assert found.next_savings == []
    assert "unknown" in worded(found)


@promise("cost:sums")
def test_sums_are_by_class_route_and_model_and_nothing_unknown_counts_as_free() -> None:
    scene = Scene()
    scene.call(0.5)
    scene.call(0.1, model=HAIKU)
    scene.call(0.2, failed=True)
    scene.call(None)
    scene.call(0.0, route=RouteName.MCP, model="own")
    scene.hit(0.5)
    scene.hit(None)
    found = scene.report()
    assert (found.calls, found.spent_usd, found.failed_usd, found.unknown_cost_calls) == (7, 0.8, 0.2, 1)
    assert (found.saved_by_answer_cache_usd, found.handled_by_own_model) == (0.5, 1)
    assert found.cache_hit_rate == round(2 / 7, 4)
    assert {part.name: part.usd for part in found.by_route} == {"direct": 0.8, "mcp": 0.0, "cache": 0.0}
    assert {part.name: part.calls for part in found.by_model} == {SONNET: 3, HAIKU: 1}
    assert any("no known cost" in each for each in found.limits)
    # 20 tokens read from the prompt cache of each model at a tenth of the price
    assert found.saved_by_prompt_cache_usd == round(0.9 * (20 * 3.3 + 10 * 1.1) / 1e6, 6)


@promise("cost:unknown")
def test_a_part_of_which_no_cost_is_known_has_none() -> None:
    scene = Scene()
    scene.call(None, model="a.model.of.tomorrow")
    scene.call(None, model="a.model.of.tomorrow", failed=True)
    found = scene.report()
    assert found.spent_usd is None
    for part in (*found.by_class, *found.by_route, *found.by_model):
        assert (part.calls, part.unknown_cost_calls, part.usd, part.failed_usd) == (2, 2, None, None)
    assert "2 calls, unknown" in worded(found)


@promise("cost:advice")
def test_what_would_save_most_comes_first_with_the_sums_behind_it() -> None:
    scene = Scene()
    scene.call(0.6)
    scene.call(0.1, model=HAIKU)
    scene.call(0.05, failed=True, model=HAIKU)
    scene.call(0.0, route=RouteName.MCP, model="own")
    found = scene.report().next_savings
    assert [each.what.split()[0] for each in found] == ["let", "use", "find"]
    assert [each.usd for each in found] == sorted((each.usd for each in found), reverse=True)
    assert found[2].usd == 0.05
    assert all(each.because for each in found)


@promise("cost:forecast")
def test_a_forecast_needs_three_days() -> None:
    scene = Scene()  # on 15 January
    for _ in range(2):
        scene.call(1.0)
        scene.clock.time += 86_400
    assert scene.report().forecast_month_usd is None
    scene.call(1.0)
    assert scene.report().forecast_month_usd == 3.0 + 14 * 1.0


@promise("cost:sums")
def test_budgets_are_shown_as_they_stand() -> None:
    scene = Scene()
    hold = scene.budgets.reserve("c", "t", OperationClass.STANDARD, 5.0)
    assert hold is not None
    (found,) = scene.report().budgets
    assert (found.usd, found.held_usd, found.spent_usd, found.share) == (10.0, 5.0, 0.0, 0.5)


@promise("cost:handoff")
def test_what_agents_took_over_is_told_with_what_bedrock_would_have_cost() -> None:
    scene = Scene()
    for carrier, would in ((Carrier.HANDOFF, 0.03), (Carrier.HANDOFF, None), (Carrier.SAMPLING, 0.02)):
        tried = Attempt(
            route=RouteName.MCP,
            number=1,
            seconds=1.0,
            op_class=OperationClass.STANDARD,
            budget=5.0,
            carrier=carrier,
            usd=0.0,
        )
        handed = Handoff(id="h", expires_at=0.0) if carrier is Carrier.HANDOFF else None
        answer = None if handed else reply()
        outcome = Outcome(operation=operation(), attempts=(tried,), reply=answer, handoff=handed)
        scene.spending.record("t", outcome, would)
    found = scene.report()
    assert (found.handed_over, found.handled_by_own_model) == (2, 3)
    assert (found.saved_by_handoff_usd, found.saved_by_own_model_usd) == (0.03, 0.02)
    assert "saved about 0.0300 USD" in worded(found)
    assert Scene().report().saved_by_handoff_usd is None


@promise("cost:stale")
def test_stale_answers_are_counted() -> None:
    scene = Scene()
    for stale in (True, False):
        found = CacheUse(age=1.0, saved_usd=0.1, stale=stale)
        scene.spending.record("t", Outcome(operation=operation(), reply=reply(), cached=found))
    assert scene.report().stale_answers == 1


@promise("spending:sums")
def test_sums_of_a_newer_version_beside_this_one_are_no_error() -> None:
    scene = Scene()
    scene.call(0.5)
    scene.spending.flush()
    ((key, (raw, _)),) = [each for each in scene.store._entries.items() if "spent" in each[0]]  # pyright: ignore[reportPrivateUsage]
    newer = {name: sums | {"unheard_of": 1} for name, sums in json.loads(raw).items()}
    scene.store.set(key, json.dumps(newer).encode())
    scene.call(0.25)
    assert scene.report().spent_usd == 0.75
