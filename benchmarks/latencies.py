"""Shapes of latency with median 1 (some of the two-humped ones near it), known by their quantiles."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from statistics import NormalDist
from types import MappingProxyType

LEVELS = 2000
"""Quantiles, at the middles of as many equal parts, that stand for a distribution: its truth is exact to 1/4000."""
EDGE = 1e-9
"""No level nearer to 0 or 1 is drawn: a Pareto tail would reach beyond any clock."""
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A distribution of latency in units of its middle."""

    name: str
    quantile: Callable[[float], float]
    """Latency of a level in (0, 1)."""
    grid: tuple[float, ...]
    """The latencies at the levels (i + 0.5) / LEVELS, smallest first."""
    sums: tuple[float, ...]
    """Sums of the first 0, 1, ... of `grid`."""

    def draw(self, level: float) -> float:
        """The latency of a level drawn evenly from [0, 1)."""
        return self.quantile(min(1 - EDGE, max(EDGE, level)))

    def within(self, middle: float, deadline: float) -> tuple[float, float]:
        """P(latency <= deadline) and E[min(latency, deadline)], for a distribution with that middle, in seconds."""
        below = bisect_right(self.grid, deadline / middle)
        return below / LEVELS, (middle * self.sums[below] + deadline * (LEVELS - below)) / LEVELS


def shape(name: str, quantile: Callable[[float], float]) -> Shape:
    """A shape with its grid worked out."""
    grid = tuple(sorted(quantile((each + 0.5) / LEVELS) for each in range(LEVELS)))  # two humps may overlap
    return Shape(name, quantile, grid, tuple(accumulate(grid, initial=0.0)))


def log_normal(sd: float) -> Shape:
    return shape(f"log-normal({sd})", lambda p: math.exp(sd * _NORMAL.inv_cdf(p)))


def weibull(k: float) -> Shape:
    """Gamma-like: 1 is the exponential, above it there is a hump."""
    scale = math.log(2) ** (1 / k)
    return shape(f"weibull({k})", lambda p: (-math.log1p(-p)) ** (1 / k) / scale)


def pareto(alpha: float, body: float = 0.9) -> Shape:
    """A log-normal body and a Pareto tail above its `body` quantile."""
    edge = math.exp(0.3 * _NORMAL.inv_cdf(body))

    def quantile(p: float) -> float:
        if p <= body:
            return math.exp(0.3 * _NORMAL.inv_cdf(p))
        return edge * ((1 - body) / (1 - p)) ** (1 / alpha)

    return shape(f"pareto({alpha})", quantile)


def shifted_exponential(shift: float) -> Shape:
    """Nothing comes before `shift`."""
    scale = (1 - shift) / math.log(2)
    return shape(f"shifted-exponential({shift})", lambda p: shift - scale * math.log1p(-p))


def bimodal(share: float, ratio: float) -> Shape:
    """`share` of the requests hit a cache and are about `ratio` times as fast as the others, whose middle is 1."""

    def quantile(p: float) -> float:
        if p < share:
            return math.exp(0.2 * _NORMAL.inv_cdf(max(EDGE, p / share))) / ratio
        return math.exp(0.25 * _NORMAL.inv_cdf(max(EDGE, min(1 - EDGE, (p - share) / (1 - share)))))

    return shape(f"bimodal({share},{ratio})", quantile)


def uniform(spread: float) -> Shape:
    return shape(f"uniform({spread})", lambda p: 1 - spread + 2 * spread * p)


@cache
def families() -> Mapping[str, tuple[Shape, ...]]:
    """The shapes that the routes of a world take theirs from, by family."""
    return MappingProxyType(
        {
            "log-normal": (log_normal(0.35), log_normal(0.6)),
            "weibull": (weibull(0.9), weibull(1.5)),
            "pareto": (pareto(1.5), pareto(2.5)),
            "bimodal": (bimodal(0.5, 4), bimodal(0.7, 8)),
            "shifted-exponential": (shifted_exponential(0.5), shifted_exponential(0.2)),
            "uniform": (uniform(0.5),),
            "mixed": (log_normal(0.5), weibull(1.2), pareto(2), bimodal(0.4, 5), shifted_exponential(0.4)),
        }
    )
