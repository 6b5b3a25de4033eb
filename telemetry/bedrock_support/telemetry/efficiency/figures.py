"""Figures: the efficiency of routing, added up decision by decision in bounded memory. None is unknown."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from math import sqrt

from bedrock_support.telemetry.efficiency.cached import CacheFigures
from bedrock_support.telemetry.efficiency.record import ANSWERED, FAILED, NO_ROUTE, Candidate, DecisionRecord
from bedrock_support.telemetry.efficiency.replay import Replays

EPSILONS = (0.0, 0.01, 0.02, 0.05)
"""Regret, in answers in time, up to which a choice counts as optimal; the second is the one that is meant."""
EPSILON = 0.01
Z = 1.96
COSTLIEST = 10
MOST_CLASSES = 32
"""More than there are: a foreign file must not fill the memory."""
OTHER = "other"


def wilson(hits: int, of: int) -> tuple[float, float] | None:
    """Wilson's 95 % interval of a share (Wilson 1927, without continuity correction); None without data."""
    if not of:
        return None
    share, square = hits / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def spread(each: Candidate) -> float:
    """Variance of a candidate's chance of success, as Agresti and Coull (1998) estimate it from n_eff observations."""
    n = each.n_eff + 4
    share = ((each.p_success or 0.0) * each.n_eff + 2) / n
    return share * (1 - share) / n


@dataclass(slots=True)
class Share:
    """Hits among so many."""

    hits: int = 0
    of: int = 0

    def add(self, hit: bool) -> None:
        self.of += 1
        self.hits += hit

    def told(self) -> dict[str, object]:
        """Value and interval, None without data."""
        between = wilson(self.hits, self.of)
        return {
            "value": round(self.hits / self.of, 6) if self.of else None,
            "low": round(between[0], 6) if between else None,
            "high": round(between[1], 6) if between else None,
            "hits": self.hits,
            "n": self.of,
        }


@dataclass(slots=True)
class Optimality:
    """The optimal-decision rate of some decisions, and their regret."""

    within: Counter[float] = field(default_factory=Counter[float])
    """By the estimates as they stand."""
    good: int = 0
    """Not surely worse than EPSILON: what is too close to call counts as optimal."""
    judged: int = 0
    unknown: int = 0
    trivial: int = 0
    close: int = 0
    regret: float = 0.0
    ms: float = 0.0
    usd: float = 0.0
    usd_known: int = 0
    stake: float = 0.0

    def add(self, record: DecisionRecord) -> None:
        """Judge a decision by what was expected when it was made."""
        feasible = [each for each in record.candidates if each.feasible]
        chosen = next((each for each in feasible if each.route == record.chosen), None)
        if chosen is None:
            self.judged += 1  # the chosen route was not open: never optimal
            return
        if len(feasible) == 1:
            self.judged += 1
            self.trivial += 1
            self._within(0.0, 0.0)
            return
        if not all(each.known for each in feasible):
            self.unknown += 1
            return
        self.judged += 1
        best = max(feasible, key=_utility)
        regret = _utility(best) - _utility(chosen)
        self._within(regret, self._doubt(best, chosen, feasible))
        self.regret += regret
        self.stake += _utility(best) - min(map(_utility, feasible))
        self.ms += (chosen.ms or 0.0) - (best.ms or 0.0)
        if chosen.usd is not None and best.usd is not None:
            self.usd += chosen.usd - best.usd
            self.usd_known += 1

    def _doubt(self, best: Candidate, chosen: Candidate, feasible: list[Candidate]) -> float:
        """Half the width of the 95 % interval of the gap between the choice and its rival, by their chances alone."""
        rival = max((each for each in feasible if each is not chosen), key=_utility) if best is chosen else best
        gap = abs(_utility(rival) - _utility(chosen))
        half = Z * sqrt(spread(rival) + spread(chosen))
        self.close += gap - half <= EPSILON < gap + half
        return half

    def _within(self, regret: float, doubt: float) -> None:
        self.good += regret - doubt <= EPSILON
        for epsilon in EPSILONS:
            self.within[epsilon] += regret <= epsilon

    def joined(self, other: Optimality) -> Optimality:
        """Both together."""
        found = Optimality()
        for each in fields(Optimality):
            setattr(found, each.name, getattr(self, each.name) + getattr(other, each.name))
        return found

    def told(self) -> dict[str, object]:
        """The rates; decisions that can't be judged are counted apart and never as right."""
        chosen_among = self.judged - self.trivial
        return {
            "rate": Share(self.good, self.judged).told(),
            "rate_with_choice": Share(self.good - self.trivial, chosen_among).told(),
            "rate_if_unknown_were_wrong": Share(self.good, self.judged + self.unknown).told(),
            "within": {
                f"{each:g}": round(self.within[each] / self.judged, 6) if self.judged else None for each in EPSILONS
            },
            "unknown": self.unknown,
            "one_route_only": self.trivial,
            "too_close_to_call": self.close,
            "mean_regret": mean(self.regret, self.judged),
            "normalised_regret": round(self.regret / self.stake, 6) if self.stake else None,
            "mean_regret_ms": mean(self.ms, chosen_among),
            "mean_regret_usd": mean(self.usd, self.usd_known, 9),
        }


@dataclass(slots=True)
class Figures:
    """Add every record once, then ask `told`. The order in which they come doesn't matter."""

    decisions: int = 0
    no_route: int = 0
    first: float | None = None
    last: float | None = None
    ended: Counter[str] = field(default_factory=Counter[str])
    calm: Optimality = field(default_factory=Optimality)
    events: Optimality = field(default_factory=Optimality)
    fallback: Share = field(default_factory=Share)
    hedge: Share = field(default_factory=Share)
    cached: Share = field(default_factory=Share)
    in_time: dict[str, Share] = field(default_factory=dict[str, Share])
    by_class: dict[str, CacheFigures] = field(default_factory=dict[str, CacheFigures])
    usd: float = 0.0
    priced: int = 0
    successes: int = 0
    replays: Replays = field(default_factory=Replays)
    _costliest: list[tuple[float, str, DecisionRecord]] = field(default_factory=list[tuple[float, str, DecisionRecord]])

    def add(self, record: DecisionRecord) -> None:
        """Count one decision."""
        self.decisions += 1
        self.first = record.at if self.first is None else min(self.first, record.at)
        self.last = record.at if self.last is None else max(self.last, record.at)
        ending = record.ending
        self.ended[bounded(ending.ended, self.ended)] += 1
        if record.chosen == NO_ROUTE:
            self.no_route += 1
        else:
            (self.events if record.eventful else self.calm).add(record)
            self.replays.add(record)
        if ending.attempts:
            self.fallback.add(ending.fallback)
            self.hedge.add(ending.hedge)
        if ending.ended in (ANSWERED, FAILED):
            self.cached.add(ending.cached)
            self.by_class.setdefault(bounded(record.op_class, self.by_class), CacheFigures()).add(ending)
            share = self.in_time.setdefault(bounded(record.op_class, self.in_time), Share())
            share.add(ending.ended == ANSWERED and ending.met is True)
            self._priced(record)

    def _priced(self, record: DecisionRecord) -> None:
        usd = record.ending.usd
        if usd is None:
            return
        self.priced += 1
        self.usd += usd
        self.successes += record.ending.ended == ANSWERED
        if usd > 0:
            add = heapq.heappush if len(self._costliest) < COSTLIEST else heapq.heappushpop
            add(self._costliest, (usd, record.id, record))

    def told(self) -> dict[str, object]:
        """Every figure, in values that JSON can hold."""
        return {
            "decisions": self.decisions,
            "first_at": self.first,
            "last_at": self.last,
            "ended": dict(sorted(self.ended.items())),
            "no_route": self.no_route,
            "optimal": self.calm.joined(self.events).told(),
            "calm": self.calm.told(),
            "events": self.events.told(),
            "fallback_rate": self.fallback.told(),
            "hedge_rate": self.hedge.told(),
            "cache_rate": self.cached.told(),
            "cache": {
                name: each.told() | {"hit_rate": Share(each.hits, each.asked).told()}
                for name, each in sorted(self.by_class.items())
            },
            "deadline_met": {name: share.told() for name, share in sorted(self.in_time.items())},
            "spent_usd": round(self.usd, 6) if self.priced else None,
            "unknown_cost_decisions": self.cached.of - self.priced,
            "usd_per_answer": round(self.usd / self.successes, 9) if self.successes else None,
            "costliest": [_shown(each) for *_, each in sorted(self._costliest, reverse=True)],
            "recommendations": self.replays.told(),
        }


def bounded(name: str, known: Collection[str]) -> str:
    """The name, or OTHER where there are too many names already."""
    return name if name in known or len(known) < MOST_CLASSES else OTHER


def mean(total: float, of: int, digits: int = 6) -> float | None:
    """Rounded, so that the order in which it was added up doesn't show; None without data."""
    return round(total / of, digits) if of else None


def _utility(each: Candidate) -> float:
    return each.utility if each.utility is not None else 0.0


def _shown(record: DecisionRecord) -> dict[str, object]:
    return {
        "decision_id": record.id,
        "trace_id": record.trace,
        "operation_class": record.op_class,
        "row": record.row,
        "chosen": record.chosen,
        "usd": round(record.ending.usd or 0.0, 9),
        "attempts": record.ending.attempts,
    }
