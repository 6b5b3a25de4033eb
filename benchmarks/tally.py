"""Counts of how good decisions were, judged ex ante, and the rates that come of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from bedrock_support.routing.model import RouteName
from benchmarks.replay import Row

EPSILON = 0.01
"""Regret, as a share of a success, up to which a decision counts as optimal."""
EPSILONS = (0.0, EPSILON, 0.02, 0.05)
COLD = 200
"""Decisions after a start that count as cold."""


@dataclass(slots=True)
class Count:
    """Decisions between two routes, and those of them that were optimal."""

    n: int = 0
    good: int = 0

    def add(self, good: bool) -> None:
        self.n += 1
        self.good += good

    @property
    def rate(self) -> float:
        """Share of optimal ones; NaN of none."""
        return self.good / self.n if self.n else math.nan

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate, as if decisions were independent."""
        if not self.n:
            return math.nan, math.nan
        z = 1.96
        middle = (self.good + z * z / 2) / (self.n + z * z)
        half = z / (self.n + z * z) * math.sqrt(self.good * (self.n - self.good) / self.n + z * z / 4)
        return middle - half, middle + half


def _counts() -> list[Count]:
    return [Count() for _ in EPSILONS]


@dataclass(slots=True, kw_only=True)
class Tally:
    """One policy's decisions. Counts of optimal ones hold where two routes were feasible; the rest is in `single`."""

    decisions: int = 0
    single: int = 0
    """Decisions with one feasible route: optimal without merit."""
    forbidden: int = 0
    """Choices of a route that the class may not take: never optimal, to be 0."""
    overall: list[Count] = field(default_factory=_counts)
    """For each of EPSILONS."""
    calm: Count = field(default_factory=Count)
    event: Count = field(default_factory=Count)
    cold: Count = field(default_factory=Count)
    regret: float = 0.0
    """Sum over decisions, in successes."""
    at_stake: float = 0.0
    """Sum of best less worst: the regret of whoever is always wrong."""
    in_time: int = 0
    """Choices that were answered within the deadline."""
    probes: int = 0
    cpu_seconds: float = 0.0

    def add(
        self, row: Row, truth: Mapping[RouteName, float], chosen: RouteName, probes: int, *, eventful: bool
    ) -> float:
        """Count one decision; its regret is the result."""
        self.decisions += 1
        self.probes += probes
        self.in_time += row.ok[chosen] and row.seconds[chosen] <= row.deadline
        if chosen not in truth:
            self.forbidden += 1
            return max(truth.values()) - min(0.0, *truth.values())
        best = max(truth.values())
        regret = best - truth[chosen]
        self.regret += regret
        self.at_stake += best - min(truth.values())
        if len(truth) == 1:
            self.single += 1
            return regret
        for epsilon, count in zip(EPSILONS, self.overall, strict=True):
            count.add(regret <= epsilon)
        (self.event if eventful else self.calm).add(regret <= EPSILON)
        if self.decisions <= COLD:
            self.cold.add(regret <= EPSILON)
        return regret

    def merge(self, other: Tally) -> None:
        """Add another's counts to these."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Count):
                _add(mine, theirs)
            elif isinstance(mine, list):
                for count, more in zip(self.overall, other.overall, strict=True):
                    _add(count, more)
            else:
                setattr(self, each.name, mine + theirs)

    @property
    def optimal(self) -> Count:
        """By EPSILON, among decisions with two feasible routes."""
        return self.overall[EPSILONS.index(EPSILON)]

    @property
    def everything(self) -> Count:
        """By EPSILON, decisions without a choice counted as optimal and forbidden ones as not."""
        return Count(self.decisions, self.optimal.good + self.single)

    @property
    def normalised(self) -> float:
        """Regret over what was at stake: 0 the oracle, 1 always wrong."""
        return self.regret / self.at_stake if self.at_stake else 0.0


def _add(mine: Count, theirs: Count) -> None:
    mine.n += theirs.n
    mine.good += theirs.good
