"""Detectors of a shift from calm to trouble, behind one interface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev
from typing import Protocol

_MAD = 1.4826
"""A normal distribution's standard deviation in MADs."""
FLOOR = 0.05
"""Of the middle value: less spread than this in calm times isn't trusted, or nothing would be still enough."""
MOST = 40.0
"""Where scores end, so that one silent metric that moves doesn't drown the rest."""


class Detector(Protocol):
    """Scores how far values moved: 1 at the detector's threshold. Higher values are the harmful direction."""

    @property
    def name(self) -> str: ...

    def score(self, calm: Sequence[float], trouble: Sequence[float], least: float) -> float:
        """`least`: a scale that the spread is never taken to be below. Never negative, never above MOST."""
        ...


def scale_of(values: Sequence[float], least: float = 0.0) -> float:
    """A robust standard deviation: by MAD, or by quartiles where more than half of the values are equal."""
    middle = median(values)
    deviation = _MAD * median([abs(value - middle) for value in values])
    if deviation == 0:
        ordered = sorted(values)
        deviation = (quantile(ordered, 0.9) - quantile(ordered, 0.1)) / 2.563
    return max(deviation, FLOOR * abs(middle), least, 1e-12)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the neighbours; `ordered` is not empty."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _capped(score: float, threshold: float) -> float:
    return min(MOST, max(0.0, score / threshold))


@dataclass(frozen=True, slots=True)
class RobustZ:
    """Distance of the middle values in robust standard deviations (Iglewicz and Hoaglin 1993 advise 3.5 a value)."""

    name: str = "robust_z"
    threshold: float = 3.5

    def score(self, calm: Sequence[float], trouble: Sequence[float], least: float) -> float:
        return _capped((median(trouble) - median(calm)) / scale_of(calm, least), self.threshold)


@dataclass(frozen=True, slots=True)
class RankShift:
    """Mann-Whitney U with ties, as a normal deviate (Mann and Whitney 1947). Blind to how far; sure about whether."""

    name: str = "rank_shift"
    threshold: float = 3.0

    def score(self, calm: Sequence[float], trouble: Sequence[float], least: float) -> float:
        pairs = sorted([(value, 0) for value in calm] + [(value, 1) for value in trouble])
        one, two, count = len(calm), len(trouble), len(pairs)
        ranks, ties, place = 0.0, 0.0, 0
        while place < count:
            end = place
            while end < count and pairs[end][0] == pairs[place][0]:
                end += 1
            ranks += (place + end + 1) / 2 * sum(pairs[each][1] for each in range(place, end))
            ties += (end - place) ** 3 - (end - place)
            place = end
        u = ranks - two * (two + 1) / 2
        spread = one * two / 12 * ((count + 1) - ties / max(1, count * (count - 1)))
        return _capped((u - one * two / 2) / math.sqrt(spread), self.threshold) if spread > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Peaks:
    """How far the upper tenth in trouble lies above what calm times reach at most (their 99th percentile)."""

    name: str = "peaks"
    threshold: float = 2.0

    def score(self, calm: Sequence[float], trouble: Sequence[float], least: float) -> float:
        top = quantile(sorted(calm), 0.99)
        return _capped((quantile(sorted(trouble), 0.9) - top) / scale_of(calm, least), self.threshold)


@dataclass(frozen=True, slots=True)
class Baro:
    """The farthest value from the calm median in interquartile ranges, after Pham et al., BARO, FSE 2024."""

    name: str = "baro"
    threshold: float = 4.0

    def score(self, calm: Sequence[float], trouble: Sequence[float], least: float) -> float:
        ordered = sorted(calm)
        spread = max(quantile(ordered, 0.75) - quantile(ordered, 0.25), FLOOR * abs(median(ordered)), least, 1e-12)
        return _capped((max(trouble) - median(ordered)) / spread, self.threshold)


@dataclass(frozen=True, slots=True)
class NSigma:
    """Mean of the trouble in standard deviations from the calm mean."""

    name: str = "n_sigma"
    threshold: float = 3.0

    def score(self, calm: Sequence[float], trouble: Sequence[float], least: float) -> float:
        spread = max(pstdev(calm), FLOOR * abs(fmean(calm)), least, 1e-12)
        return _capped((fmean(trouble) - fmean(calm)) / spread, self.threshold)


@dataclass(frozen=True, slots=True)
class Together:
    """The geometric mean of the distance by RobustZ, NSigma and Peaks: each alone is fooled by something else."""

    name: str = "together"

    def score(self, calm: Sequence[float], trouble: Sequence[float], least: float) -> float:
        scores = [each.score(calm, trouble, least) for each in (RobustZ(), NSigma(), Peaks())]
        return math.prod(score + 0.1 for score in scores) ** (1 / len(scores)) - 0.1


DETECTORS: dict[str, Detector] = {
    each.name: each for each in (RobustZ(), RankShift(), Peaks(), Baro(), NSigma(), Together())
}
