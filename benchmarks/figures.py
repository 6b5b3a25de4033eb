"""Medians and their honest comparison: ratio and difference with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

RESAMPLES = 4000
SEED = 20251125
"""Fixed, so that the same measurements always give the same interval."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against a baseline, from measurements taken in turn."""

    rounds: int
    ours: float
    baseline: float
    value: float
    """Ratio or difference of the two medians."""
    low: float
    high: float
    """Ends of the 95 % interval of `value`."""


def ratio(ours: Sequence[float], baseline: Sequence[float]) -> Comparison:
    """Median of ours over median of the baseline."""
    return compare(ours, baseline, lambda a, b: a / b)


def difference(ours: Sequence[float], baseline: Sequence[float]) -> Comparison:
    """Median of ours less median of the baseline."""
    return compare(ours, baseline, lambda a, b: a - b)


def compare(ours: Sequence[float], baseline: Sequence[float], relation: Callable[[float, float], float]) -> Comparison:
    """Resample whole rounds: both sides of one round had the same machine at the same time."""
    if len(ours) != len(baseline) or not ours:
        raise ValueError(f"{len(ours)} and {len(baseline)} measurements: give as many of each, at least one")
    chance = Random(SEED)  # noqa: S311 - statistics, not secrecy
    rounds = range(len(ours))
    drawn: list[float] = []
    for _ in range(RESAMPLES):
        picked = chance.choices(rounds, k=len(ours))
        drawn.append(relation(median(ours[each] for each in picked), median(baseline[each] for each in picked)))
    drawn.sort()
    middle, base = median(ours), median(baseline)
    return Comparison(
        rounds=len(ours),
        ours=middle,
        baseline=base,
        value=relation(middle, base),
        low=drawn[round(0.025 * (RESAMPLES - 1))],
        high=drawn[round(0.975 * (RESAMPLES - 1))],
    )
