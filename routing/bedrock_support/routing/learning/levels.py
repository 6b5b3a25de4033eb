"""Filters over a few discrete levels: how much slower than usual, how many calls fail more than usually.

A hidden Markov model with few states, filtered forward (Rabiner 1989): a level mostly stays, sometimes wanders by one
step, seldom jumps, and a jump mostly leads home, where everything is as usual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH = 0.2
"""Log-ratio between two levels of slowness, and between two bins of a latency histogram."""
BELOW, ABOVE = 12, 17
"""Levels faster and slower than usual: from 11 times as fast to 30 times as slow."""
SLOWNESS = BELOW + 1 + ABOVE
EXTRA = (0.0, 0.08, 0.15, 0.25, 0.35, 0.5, 0.65, 0.8, 0.92, 0.985)
"""Levels of failures on top of the usual ones."""
OK = tuple(math.log(1.0 - each) for each in EXTRA)


def slowness_prior() -> list[float]:
    """Where a jump leads: anywhere, slower rather than faster."""
    return _normal([0.5 if each < BELOW else 1.0 for each in range(SLOWNESS)])


def extra_prior() -> list[float]:
    """Where a jump leads: a trouble is seldom a slight one."""
    return _normal([0.0, 0.4, 0.8, *(1.0 for _ in EXTRA[3:])])


def _normal(weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    return [each / total for each in weights]


def step(
    levels: Sequence[float],
    home: int,
    chances: tuple[float, float, float],
    prior: Sequence[float],
    evidence: Sequence[float],
) -> list[float]:
    """The probabilities of the levels after a time in which one may have changed, and after what was then seen.

    Args:
        levels: probabilities before.
        home: the level at which all is as usual.
        chances: probability of a jump in that time, of a return home, and of a step up and one down.
        prior: where a jump leads.
        evidence: log-likelihood of what was seen under each level.
    """
    jump, back, wander = chances
    top = max(evidence)
    stay, near = (1.0 - jump - back) * (1.0 - 2.0 * wander), (1.0 - jump - back) * wander
    exp = math.exp
    if wander:
        down, up = [levels[0], *levels[:-1]], [*levels[1:], levels[-1]]
        found = [
            (stay * own + near * (low + high) + jump * to) * exp(seen - top)
            for own, low, high, to, seen in zip(levels, down, up, prior, evidence, strict=True)
        ]
    else:
        found = [
            (stay * own + jump * to) * exp(seen - top) for own, to, seen in zip(levels, prior, evidence, strict=True)
        ]
    found[home] += back * exp(evidence[home] - top)
    scale = 1.0 / sum(found)
    return [each * scale for each in found]


def sharpened(levels: Sequence[float]) -> list[tuple[int, float]]:
    """The likely levels with their weights: a decision follows what probably is, not what might be."""
    top = 0.2 * max(levels)
    squares = [(number, each * each) for number, each in enumerate(levels) if each > top]
    total = sum(each for _, each in squares)
    return [(number, each / total) for number, each in squares]
