"""DecisionRecord: one routing decision with what was expected and what came of it, and how spans carry it.

Named tuples: they are made by the million where files are read, several times faster than frozen dataclasses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import NamedTuple, TypeAlias

from bedrock_support.routing import semconv
from bedrock_support.routing.model import Decision, Outcome, RouteCondition, RouteName

Value: TypeAlias = str | bool | int | float
ANSWERED, FAILED, HANDED_OVER, UNKNOWN, CANCELLED = "answered", "failed", "handed_over", "unknown", "cancelled"
NO_ROUTE = "none"
"""What `chosen` says when no route was open."""
UNWELL = frozenset({"degraded", "unhealthy"})


class Candidate(NamedTuple):
    """One route as the decision saw it. None where nothing was estimated."""

    route: str
    feasible: bool
    health: str
    breaker: str
    p_success: float | None = None
    ms: float | None = None
    usd: float | None = None
    utility: float | None = None
    """In successes: 1 is an answer in time that is free and instant."""
    n_eff: float = 0.0
    flagged: bool = False

    @property
    def known(self) -> bool:
        """Whether the estimate rests on anything that was observed."""
        return self.utility is not None and self.p_success is not None and self.n_eff > 0


class Ending(NamedTuple):
    """What came of a decision."""

    ended: str = UNKNOWN
    met: bool | None = None
    """Whether it ended within its deadline; None when that isn't known."""
    attempts: int = 0
    hedge: bool = False
    fallback: bool = False
    """Another route than the chosen one was tried, and not as a hedge."""
    usd: float | None = None
    """Of all attempts; None when one of them has no known price."""
    cached: bool = False
    cache_age: float | None = None
    """Seconds since the answer from the cache was given first."""
    cache_stale: bool = False
    cache_saved: float | None = None
    """USD that it had cost; None when that isn't known."""
    cache_bytes: int | None = None
    """Of its entry."""


class DecisionRecord(NamedTuple):
    """A decision and its ending. `at` is Unix seconds."""

    id: str
    trace: str | None
    at: float
    op_class: str
    row: str
    chosen: str
    candidates: tuple[Candidate, ...]
    ending: Ending

    @property
    def eventful(self) -> bool:
        """Whether some candidate was in trouble: not well, its breaker not closed, or its estimate flagged."""
        return any(each.health in UNWELL or each.breaker != "closed" or each.flagged for each in self.candidates)


_NONE_YET = Ending()


def candidate_of(decision: Decision, route: RouteName, seen: RouteCondition) -> Candidate:
    """A route's part of a decision."""
    found = seen.estimate
    return Candidate(
        route=route.value,
        feasible=route in decision.plan,
        health=seen.health.value,
        breaker=seen.breaker,
        p_success=_finite(found.p_success) if found else None,
        ms=_finite(found.seconds * 1000) if found else None,
        usd=_finite(found.usd) if found else None,
        utility=_finite(found.utility) if found else None,
        n_eff=(_finite(found.samples) or 0.0) if found else 0.0,
        flagged=found.flagged if found else False,
    )


def record_of(decision: Decision, ending: Ending, at: float, trace: str | None) -> DecisionRecord:
    """The record of a decision that was made at `at`."""
    return DecisionRecord(
        id=decision.id,
        trace=trace,
        at=at,
        op_class=decision.operation.op_class.value,
        row=decision.row,
        chosen=decision.plan[0].value if decision.plan else NO_ROUTE,
        candidates=tuple(candidate_of(decision, *each) for each in decision.conditions.routes.items()),
        ending=ending,
    )


def ending_of(decision: Decision, outcome: Outcome, ended: str, *, met: bool) -> Ending:
    """What came of the decision."""
    chosen = decision.plan[0] if decision.plan else None
    costs = [each.usd for each in outcome.attempts]
    known = [each for each in costs if each is not None]
    return Ending(
        ended=ended,
        met=met,
        attempts=len(costs),
        hedge=any(each.hedge for each in outcome.attempts),
        fallback=any(each.route is not chosen and not each.hedge for each in outcome.attempts),
        usd=_finite(sum(known)) if len(known) == len(costs) else None,
        cached=outcome.cached is not None,
        cache_age=outcome.cached.age if outcome.cached else None,
        cache_stale=outcome.cached is not None and outcome.cached.stale,
        cache_saved=_finite(outcome.cached.saved_usd) if outcome.cached else None,
        cache_bytes=outcome.cached.size if outcome.cached else None,
    )


def about_candidate(each: Candidate) -> dict[str, Value]:
    """The candidate as attributes of its span event; what isn't known is left out."""
    about: dict[str, Value | None] = {
        semconv.ROUTE: each.route,
        semconv.ROUTE_FEASIBLE: each.feasible,
        semconv.ROUTE_HEALTH: each.health,
        semconv.BREAKER_STATE: each.breaker,
        semconv.P_SUCCESS: each.p_success,
        semconv.EXPECTED_MS: each.ms,
        semconv.EXPECTED_USD: each.usd,
        semconv.EXPECTED_UTILITY: each.utility,
        semconv.ROUTE_N_EFF: each.n_eff,
        semconv.ROUTE_FLAGGED: each.flagged,
    }
    return {key: value for key, value in about.items() if value is not None}


def about_ending(decision_id: str, ending: Ending) -> dict[str, Value]:
    """The ending as attributes of its span."""
    about: dict[str, Value | None] = {
        semconv.DECISION_ID: decision_id,
        semconv.OUTCOME: ending.ended,
        semconv.DEADLINE_MET: ending.met,
        semconv.ATTEMPTS: ending.attempts,
        semconv.HEDGED: ending.hedge,
        semconv.FELL_BACK: ending.fallback,
        semconv.COST_USD: ending.usd,
        semconv.CACHE_HIT: ending.cached,
    }
    if ending.cached:
        about |= {
            semconv.CACHE_AGE_MS: round(ending.cache_age * 1000) if ending.cache_age is not None else None,
            semconv.CACHE_STALE: ending.cache_stale,
            semconv.CACHE_SAVED_USD: ending.cache_saved,
            semconv.CACHE_BYTES: ending.cache_bytes,
        }
    return {key: value for key, value in about.items() if value is not None}


def candidate_from(about: Mapping[str, object]) -> Candidate:
    """A candidate as its span event tells it."""
    return Candidate(
        route=str(about.get(semconv.ROUTE, "")),
        feasible=about.get(semconv.ROUTE_FEASIBLE) is True,
        health=str(about.get(semconv.ROUTE_HEALTH, "unknown")),
        breaker=str(about.get(semconv.BREAKER_STATE, "closed")),
        p_success=_number(about.get(semconv.P_SUCCESS)),
        ms=_number(about.get(semconv.EXPECTED_MS)),
        usd=_number(about.get(semconv.EXPECTED_USD)),
        utility=_number(about.get(semconv.EXPECTED_UTILITY)),
        n_eff=_number(about.get(semconv.ROUTE_N_EFF)) or 0.0,
        flagged=about.get(semconv.ROUTE_FLAGGED) is True,
    )


def ending_from(about: Mapping[str, object]) -> Ending:
    """An ending as its span tells it."""
    met, age = about.get(semconv.DEADLINE_MET), _number(about.get(semconv.CACHE_AGE_MS))
    size = _number(about.get(semconv.CACHE_BYTES))
    return Ending(
        ended=str(about.get(semconv.OUTCOME, UNKNOWN)),
        met=met if isinstance(met, bool) else None,
        attempts=int(_number(about.get(semconv.ATTEMPTS)) or 0),
        hedge=about.get(semconv.HEDGED) is True,
        fallback=about.get(semconv.FELL_BACK) is True,
        usd=_number(about.get(semconv.COST_USD)),
        cached=about.get(semconv.CACHE_HIT) is True,
        cache_age=age / 1000 if age is not None else None,
        cache_stale=about.get(semconv.CACHE_STALE) is True,
        cache_saved=_number(about.get(semconv.CACHE_SAVED_USD)),
        cache_bytes=int(size) if size is not None else None,
    )


def record_from(
    about: Mapping[str, object], candidates: Iterable[Mapping[str, object]], trace: str | None
) -> DecisionRecord | None:
    """A decision as its span tells it, its ending not known yet; None for a span that lacks id or time."""
    identity, at = about.get(semconv.DECISION_ID), _number(about.get(semconv.DECISION_AT))
    if not isinstance(identity, str) or at is None:
        return None
    return DecisionRecord(
        id=identity,
        trace=trace,
        at=at,
        op_class=str(about.get(semconv.OP_CLASS, "")),
        row=str(about.get(semconv.ROUTE_ROW, "")),
        chosen=str(about.get(semconv.ROUTE_CHOSEN, NO_ROUTE)),
        candidates=tuple(candidate_from(each) for each in candidates),
        ending=_NONE_YET,
    )


def _number(value: object) -> float | None:
    if type(value) is float:  # nearly always
        return value if isfinite(value) else None
    return _finite(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
