"""What may be expected of a route for one operation, and how two such expectations are ordered."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What an answer in time, a dollar and a millisecond are worth, in successes."""

    success: float = 1.0
    usd: float = 60.0
    ms: float = 2e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one operation may expect of one route."""

    p_success: float
    """Probability of an answer within the budget."""
    seconds: float
    """Expected seconds, none counted beyond the budget."""
    p95_seconds: float
    """95th percentile of the latency."""
    usd: float | None
    """Expected cost; None when it isn't known, which counts as nothing."""
    utility: float
    """success * p_success - usd * cost - ms * milliseconds, by the weights given."""
    samples: float
    """Effective number of observations behind it; 0 when it is only the prior."""
    flagged: bool
    """Something is unusual just now: slower, or failing."""


def choose(estimates: Mapping[K, Estimate], order: Sequence[K], margin: float) -> tuple[K, ...]:
    """The keys of `order` by utility, best first. One moves ahead only if it is better by more than `margin`."""
    ordered: list[K] = []
    for key in order:
        place = len(ordered)
        while place and estimates[key].utility > estimates[ordered[place - 1]].utility + margin:
            place -= 1
        ordered.insert(place, key)
    return tuple(ordered)
