"""The shape of get_routing_efficiency's result, and its words. What isn't known is None, and said to be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import Field

from bedrock_support.tools.envelope import Result

UNKNOWN = "unknown"


class Share(Result):
    """A share with its 95 % Wilson interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    hits: int
    n: int


class Optimal(Result):
    """Judged by what was expected when each decision was made."""

    rate: Share = Field(description="Not surely more than 0.01 answers in time worse than the best open route")
    rate_with_choice: Share = Field(description="The same where more than one route was open")
    rate_if_unknown_were_wrong: Share
    within: dict[str, float | None] = Field(description="Shares by the estimates as they stand, for other limits")
    unknown: int = Field(description="Decisions with an open route of which nothing was known")
    one_route_only: int
    too_close_to_call: int
    mean_regret: float | None = None
    normalised_regret: float | None = None
    mean_regret_ms: float | None = Field(default=None, description="Expected ms of the choice less the best route's")
    mean_regret_usd: float | None = None


class Periods(Result):
    """All decisions, and those in calm and in trouble apart."""

    all: Optimal
    calm: Optimal
    events: Optimal = Field(description="Some route was unwell, its breaker not closed, or its estimate flagged")


class Cached(Result):
    """What the answer cache did for one class. Money in USD, ages in seconds, of the answers that it gave."""

    asked: int = Field(description="Questions that ended answered or failed")
    hits: int
    hit_rate: Share
    stale: int = Field(description="Hits past their time")
    saved_usd: float | None = None
    saved_unknown: int = Field(description="Hits whose first cost isn't known")
    bytes: int = Field(description="Of the entries that were given, each time")
    age_p50_seconds: float | None = None
    age_p95_seconds: float | None = None


class Rates(Result):
    """What happened after the decisions."""

    fallback: Share
    hedge: Share
    cached: Share
    deadline_met: dict[str, Share] = Field(description="By class; decisions that ended answered or failed")
    ended: dict[str, int]
    no_route: int


class Costly(Result):
    """One decision that cost much."""

    decision_id: str
    trace_id: str | None = None
    trace_url: str | None = None
    operation_class: str
    row: str
    chosen: str
    usd: float
    attempts: int


class Money(Result):
    """In USD."""

    spent: float | None = None
    per_answer: float | None = None
    unknown_cost_decisions: int
    costliest: list[Costly]


class Recommendation(Result):
    """One change of the matrix, replayed over the records."""

    row: str
    route: str
    n: int
    attainment: float
    low: float
    high: float
    ms: float | None = None
    usd: float | None = None
    estimates_off_by: float | None = None
    text: str


class EfficiencyReport(Result):
    """How good the routing was. A figure that isn't known is left out, never 0."""

    source: str
    decisions: int
    first_at: float | None = None
    last_at: float | None = None
    optimal: Periods
    rates: Rates
    cache: dict[str, Cached] = Field(description="By class")
    money: Money
    recommendations: list[Recommendation]
    limits: list[str]


def worded(found: EfficiencyReport) -> str:
    """The report in lines."""
    judged = found.optimal.all
    lines = [
        f"{found.decisions} decisions ({found.source}){_between(found.first_at, found.last_at)}",
        f"optimal, ex ante: {_share(judged.rate)}; with a choice {_share(judged.rate_with_choice)}; "
        f"{judged.unknown} unknown, {judged.too_close_to_call} too close to call",
        f"calm {_share(found.optimal.calm.rate)}; events {_share(found.optimal.events.rate)}",
        f"mean regret: {_figure(judged.mean_regret_ms, 'ms')}, {_figure(judged.mean_regret_usd, 'USD')}",
        f"fallbacks {_share(found.rates.fallback)}; hedges {_share(found.rates.hedge)}",
        *_cached(found.cache),
        *_deadlines(found.rates.deadline_met),
        f"spent {_figure(found.money.spent, 'USD')}, per answer {_figure(found.money.per_answer, 'USD')}",
    ]
    for each in found.money.costliest:
        where = each.trace_url or each.trace_id or "no trace"
        lines.append(f"costly: {each.decision_id} {each.operation_class} by {each.chosen}, {each.usd:.6f} USD, {where}")
    lines += [each.text for each in found.recommendations]
    return "\n".join((*lines, *found.limits))


def _cached(classes: Mapping[str, Cached]) -> list[str]:
    return [
        f"from memory, {name}: {_share(each.hit_rate)}; {each.stale} stale; saved {_figure(each.saved_usd, 'USD')}; "
        f"{each.bytes} bytes; age p50 {_figure(each.age_p50_seconds, 's')}, p95 {_figure(each.age_p95_seconds, 's')}"
        for name, each in classes.items()
        if each.hits
    ]


def _deadlines(shares: Mapping[str, Share]) -> list[str]:
    if not shares:
        return [f"deadlines met: {UNKNOWN}"]
    return [f"deadline met, {name}: {_share(each)}" for name, each in shares.items()]


def _share(each: Share) -> str:
    if each.value is None or each.low is None or each.high is None:
        return UNKNOWN
    return f"{each.value:.1%} ({each.low:.1%} to {each.high:.1%}, n = {each.n})"


def _figure(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"{value:.6g} {unit}"


def _between(first: float | None, last: float | None) -> str:
    if first is None or last is None:
        return ""
    begun, ended = (datetime.fromtimestamp(each, UTC) for each in (first, last))
    return f", {begun:%Y-%m-%d %H:%M:%S} to {ended:%Y-%m-%d %H:%M:%S} UTC"
