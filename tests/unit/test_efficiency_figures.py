"""Efficiency figures against sums done by hand, and unknown where nothing is known."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bedrock_support.server.efficiency_evidence import EfficiencyEvidence
from bedrock_support.telemetry.efficiency.figures import COSTLIEST, MOST_CLASSES, Figures, wilson
from bedrock_support.telemetry.efficiency.live import LiveEfficiency
from bedrock_support.telemetry.efficiency.record import Candidate, DecisionRecord, Ending, about_ending, ending_from
from bedrock_support.telemetry.efficiency.replay import replay
from bedrock_support.tools.efficiency import Asked
from bedrock_support.tools.efficiency_report import worded
from tests.fakes import FakeClock
from tests.promises import promise

SURE = 1e6
"""Observations that leave no doubt."""


def candidate(route: str, utility: float | None, *, p: float = 0.9, n: float = SURE, **more: Any) -> Candidate:
    base: dict[str, Any] = {"feasible": True, "health": "healthy", "breaker": "closed", "ms": 1000.0, "usd": 0.01}
    return Candidate(route=route, p_success=p, utility=utility, n_eff=n, **base | more)


def record(number: int, *candidates: Candidate, chosen: str = "direct", **ending: Any) -> DecisionRecord:
    usual: dict[str, Any] = {"ended": "answered", "met": True, "attempts": 1, "usd": 0.01}
    return DecisionRecord(
        id=f"d-{number}",
        trace=f"{number:032x}",
        at=1000.0 + number,
        op_class="standard",
        row="both-well",
        chosen=chosen,
        candidates=candidates,
        ending=Ending(**usual | ending),
    )


def told(*records: DecisionRecord) -> dict[str, Any]:
    found = Figures()
    for each in records:
        found.add(each)
    return found.told()


BEST = (candidate("direct", 0.9), candidate("mcp", 0.5, ms=1500.0))
WORSE = (candidate("direct", 0.5, ms=1500.0, usd=0.03), candidate("mcp", 0.9, p=0.95))


@promise("efficiency:by-hand")
def test_rates_regret_and_costs_are_as_by_hand() -> None:
    found = told(
        record(1, *BEST),
        record(2, *BEST, ended="failed", usd=0.02, attempts=2, fallback=True),
        record(3, *WORSE, usd=0.03, hedge=True, attempts=2),
        record(4, candidate("direct", 0.9), met=False, usd=0.0, attempts=0, cached=True),
    )
    optimal = found["optimal"]
    assert (optimal["rate"]["hits"], optimal["rate"]["n"]) == (3, 4)
    assert (optimal["rate_with_choice"]["hits"], optimal["rate_with_choice"]["n"]) == (2, 3)
    assert optimal["mean_regret"] == pytest.approx(0.4 / 4)
    assert optimal["normalised_regret"] == pytest.approx(1 / 3, abs=1e-6)
    assert optimal["mean_regret_ms"] == pytest.approx(500 / 3, abs=1e-3)
    assert optimal["mean_regret_usd"] == pytest.approx(0.02 / 3)
    assert found["fallback_rate"]["value"] == found["hedge_rate"]["value"] == pytest.approx(1 / 3, abs=1e-6)
    assert (found["deadline_met"]["standard"]["hits"], found["deadline_met"]["standard"]["n"]) == (2, 4)
    assert found["spent_usd"] == 0.06
    assert found["usd_per_answer"] == 0.02
    assert [each["decision_id"] for each in found["costliest"]] == ["d-3", "d-2", "d-1"]
    assert found["costliest"][0]["trace_id"] == f"{3:032x}"


@promise("efficiency:by-hand")
def test_the_interval_is_wilsons() -> None:
    # Newcombe (1998), table I: 81 of 263 gives .2553 to .3662, 15 of 148 gives .0624 to .1605.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 0) is None


@promise("efficiency:ex-ante")
def test_what_came_of_a_decision_does_not_change_how_it_is_judged() -> None:
    well, badly = (told(record(1, *WORSE, ended=ended, met=met)) for ended, met in (("answered", True), ("failed", 0)))
    assert well["optimal"] == badly["optimal"]
    assert well["optimal"]["rate"]["value"] == 0.0


@promise("efficiency:ex-ante")
def test_the_unknown_is_reported_and_never_right() -> None:
    prior = (candidate("direct", 0.9), candidate("mcp", 0.5, n=0.0))
    nothing = (candidate("direct", 0.9), Candidate(route="mcp", feasible=True, health="unknown", breaker="closed"))
    found = told(record(1, *prior), record(2, *nothing), record(3, *BEST))["optimal"]
    assert found["unknown"] == 2
    assert (found["rate"]["hits"], found["rate"]["n"]) == (1, 1)
    assert (found["rate_if_unknown_were_wrong"]["hits"], found["rate_if_unknown_were_wrong"]["n"]) == (1, 3)


@promise("efficiency:ex-ante")
def test_too_close_to_call_counts_as_optimal_and_is_told() -> None:
    doubtful = (candidate("direct", 0.80, n=5), candidate("mcp", 0.85, n=5))
    found = told(record(1, *doubtful))["optimal"]
    assert (found["rate"]["value"], found["too_close_to_call"], found["within"]["0.01"]) == (1.0, 1, 0.0)
    sure = (candidate("direct", 0.80), candidate("mcp", 0.85))
    found = told(record(1, *sure))["optimal"]
    assert (found["rate"]["value"], found["too_close_to_call"], found["within"]["0.05"]) == (0.0, 0, 1.0)


@promise("efficiency:ex-ante")
def test_a_closed_route_is_no_rival_and_choosing_it_is_never_optimal() -> None:
    closed = candidate("mcp", 0.99, feasible=False)
    found = told(record(1, candidate("direct", 0.1), closed), record(2, candidate("direct", 0.1), closed, chosen="mcp"))
    assert (found["optimal"]["rate"]["hits"], found["optimal"]["rate"]["n"]) == (1, 2)
    assert found["optimal"]["one_route_only"] == 1
    none = told(record(1, closed, chosen="none"))
    assert (none["no_route"], none["optimal"]["rate"]["value"]) == (1, None)


@promise("efficiency:ex-ante")
@pytest.mark.parametrize("trouble", [{"health": "degraded"}, {"breaker": "open"}, {"flagged": True}])
def test_calm_and_trouble_are_told_apart(trouble: dict[str, Any]) -> None:
    found = told(record(1, *BEST), record(2, candidate("direct", 0.9), candidate("mcp", 0.5, **trouble)))
    assert found["calm"]["rate"]["n"] == found["events"]["rate"]["n"] == 1


@promise("efficiency:by-hand")
def test_the_order_of_records_does_not_matter() -> None:
    chance = random.Random(3)  # noqa: S311 - fixed figures
    made = [
        record(
            number,
            candidate("direct", chance.random(), p=chance.random(), n=chance.uniform(1, 99)),
            candidate("mcp", chance.random(), p=chance.random(), n=chance.uniform(1, 99)),
            usd=chance.random() / 100,
        )
        for number in range(500)
    ]
    assert told(*made) == told(*reversed(made))


@promise("efficiency:replay")
def test_a_recommendation_is_what_its_replay_says() -> None:
    made = [record(number, *WORSE, met=number % 10 > 0) for number in range(40)] + [
        record(number, *BEST) for number in range(40, 43)
    ]
    (advice,) = told(*made)["recommendations"]
    assert (advice["row"], advice["route"], advice["n"]) == ("both-well", "mcp", 43)
    assert advice["attainment"] == pytest.approx(40 * 0.05 / 43, abs=1e-6)
    assert advice["estimates_off_by"] == pytest.approx(0.9 - 39 / 43, abs=1e-6)
    assert advice["text"].startswith("with row both-well led by mcp: +4.7 % attainment, n = 43 ")
    again = replay(made, "both-well", "mcp")
    assert again.told("both-well", "mcp") == advice
    assert told(*made[:29])["recommendations"] == []


@promise("efficiency:bounded")
def test_memory_is_bounded() -> None:
    live = LiveEfficiency(kept=50)
    for number in range(1000):
        live.record(record(number, *BEST))
    figures, limits = live.read(None)
    assert (figures["decisions"], limits) == (1000, [])
    figures, limits = live.read(1000.0)
    assert figures["decisions"] == 50
    assert "only the last 50 decisions" in limits[0]
    figures, limits = live.read(1000.0 + 980)
    assert (figures["decisions"], limits) == (20, [])
    found = Figures()
    for number in range(3 * MOST_CLASSES):
        found.add(
            DecisionRecord(
                id=str(number),
                trace=None,
                at=0.0,
                op_class=f"c{number}",
                row=f"r{number}",
                chosen="direct",
                candidates=BEST,
                ending=Ending(ended="answered", met=True, usd=1.0),
            )
        )
    assert len(found.in_time) <= MOST_CLASSES + 1
    costliest: Any = found.told()["costliest"]
    assert len(costliest) == COSTLIEST


@promise("efficiency:unknown")
def test_without_data_every_figure_is_unknown() -> None:
    evidence = EfficiencyEvidence(live=LiveEfficiency(), span_file=None, jaeger_url=None, clock=FakeClock())
    found = evidence(Asked(source="live", seconds=1.0))
    text = worded(found)
    for line in ("optimal, ex ante: unknown", "calm unknown; events unknown", "mean regret: unknown, unknown"):
        assert line in text
    for line in ("fallbacks unknown; hedges unknown", "deadlines met: unknown", "spent unknown, per answer unknown"):
        assert line in text
    left = found.model_dump(exclude_none=True)
    assert "value" not in left["optimal"]["all"]["rate"]
    assert "spent" not in left["money"]
    assert "0.0 %" not in text


@promise("cache:traces")
def test_what_the_cache_did_is_told_by_class_and_the_same_from_spans() -> None:
    hits: list[dict[str, Any]] = [
        {"cache_age": 10.0, "cache_saved": 0.02, "cache_bytes": 700},
        {"cache_age": 10.0, "cache_saved": None, "cache_bytes": 500},
        {"cache_age": 400.0, "cache_saved": 0.01, "cache_bytes": 300, "cache_stale": True},
    ]
    records = [record(n, *BEST, usd=0.0, attempts=0, cached=True, **each) for n, each in enumerate(hits)]
    records.append(record(9, *BEST))
    carried = [each._replace(ending=ending_from(about_ending(each.id, each.ending))) for each in records]
    assert carried == records
    (found,) = told(*carried)["cache"].values()
    assert (found["asked"], found["hits"], found["stale"], found["bytes"]) == (4, 3, 1, 1500)
    assert (found["saved_usd"], found["saved_unknown"]) == (0.03, 1)
    assert found["hit_rate"]["value"] == 0.75
    assert found["age_p50_seconds"] == pytest.approx(10.0, rel=0.1)
    assert found["age_p95_seconds"] == pytest.approx(400.0, rel=0.1)
    nothing = told(record(1, *BEST))["cache"]["standard"]
    assert nothing["saved_usd"] is nothing["age_p50_seconds"] is None
