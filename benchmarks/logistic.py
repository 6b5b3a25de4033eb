"""Logistic regression on signals that are there or not, by one weight at a time: small, exact and without a library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp

SWEEPS = 40
_STEP = 2.0
"""Most that a weight moves at once."""
_STILL = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What is known of one body."""

    signals: tuple[str, ...]
    right: bool
    before: float = 0.0
    """Log-odds that other weights give it already."""
    counts: float = 1.0


def sure(total: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, total))))


def fit(
    examples: Sequence[Example], pull: Callable[[str], float], upward: Callable[[str], bool], sweeps: int = SWEEPS
) -> dict[str, float]:
    """Weights that make the examples likeliest, each drawn to 0 with its `pull` (ridge, Hoerl and Kennard 1970).

    Those that are `upward` never fall below 0.

    Coordinate descent by Newton's steps, as Genkin, Lewis and Madigan (2007) do it.
    """
    columns: dict[str, list[int]] = {}
    for at, each in enumerate(examples):
        for name in each.signals:
            columns.setdefault(name, []).append(at)
    totals = [each.before for each in examples]
    weights = dict.fromkeys(columns, 0.0)
    for _ in range(sweeps):
        most = 0.0
        for name, rows in columns.items():
            drawn = pull(name)
            slope = drawn * weights[name]
            bend = drawn
            for at in rows:
                each = examples[at]
                chance = sure(totals[at])
                slope += each.counts * (chance - each.right)
                bend += each.counts * chance * (1 - chance)
            step = max(-_STEP, min(_STEP, slope / bend))
            if upward(name):
                step = min(step, weights[name])
            weights[name] -= step
            most = max(most, abs(step))
            for at in rows:
                totals[at] -= step
        if most < _STILL:
            break
    return weights


def judged(each: Example, weights: dict[str, float]) -> float:
    return sure(each.before + sum(weights.get(name, 0.0) for name in each.signals))
