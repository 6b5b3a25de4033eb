"""What is usual for a channel: how long each class of operation takes there, by its size, and how often it fails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bedrock_support.routing.learning.levels import BELOW, EXTRA, SLOWNESS, WIDTH

PRIOR_SECONDS, PRIOR_DEVIATION = 1.0, 0.5
"""Median of a channel that nothing is known of, and the standard deviation of its logarithm."""
FORGET = 1.0 / 300.0
"""Least weight of a new call in a class's location and spread."""
SLOPE_KEEP, SLOPE_RIDGE = 0.999, 4.0
"""Memory of the size slope, and how strongly it is held to zero."""
CURVE_RIDGE, FAR = 40.0, 2.5
"""The same for the curvature of that slope, and the log-size off the usual beyond which nothing is read from it."""
FOLLOW, FOLLOW_SECONDS, FOLLOW_MOST = 1.0 / 150.0, 40.0, 0.05
"""Least weight of a call in what all classes share, the time over which that is followed, and the most weight."""
FAILURES_KEEP = 0.9995
FAILED_PRIOR, CALLS_PRIOR = 0.5, 100.0
"""Failures and calls that every channel is thought to have had before it was seen."""
CLASS_PRIOR = 100.0
"""Calls of the channel that stand behind each class's own failure rate."""
LOWEST, BINS = -4.0, 51
"""Bins of the log-ratio of a latency to the expected one."""
EDGES = tuple(math.exp(LOWEST + number * WIDTH) for number in range(BINS + 1))
MIDDLES = tuple(math.exp(LOWEST + (number + 0.5) * WIDTH) for number in range(BINS))
CLASS_BINS_MOST, CHANNEL_BINS_MOST = 600.0, 2000.0
"""Weight at which a histogram is halved, so that it forgets."""
POOLED_WEIGHT, SMOOTH_WEIGHT = 25.0, 2.0
"""Calls that the channel's shape, and a bell of the class's own spread, are worth beside the class's own calls."""
OUTLIERS, HANGS = 0.02, 0.02
"""Share of calls that may take any time at all, and that may never end: what bounds one call's say."""
_SIDE = BINS - 1 + BELOW


@dataclass(frozen=True, slots=True)
class Shape:
    """The distribution of a latency over the expected one. No family is assumed."""

    weights: Sequence[float]
    below: Sequence[float]
    """Probability below each edge."""
    seconds: Sequence[float]
    """Sum of ratio times probability below each edge."""
    ended: Sequence[float]
    """Log-likelihoods of an ended call: from place BINS - 1 - bin on, those of the SLOWNESS levels."""
    flying: Sequence[float]
    """The same of one that is still in flight."""

    def within(self, middle: float, budget: float) -> tuple[float, float]:
        """P(latency <= budget) and E[min(latency, budget)], in seconds, around that middle."""
        if budget <= 0:
            return 0.0, 0.0
        place = (math.log(budget / middle) - LOWEST) / WIDTH
        if place <= 0:
            return 0.0, budget
        if place >= BINS:
            return 1.0, middle * self.seconds[BINS]
        number = int(place)
        share = place - number
        part = share * self.weights[number]
        in_time = self.below[number] + part
        # what is counted of the bin that the budget ends in lies between its lower edge and the budget
        inside = math.sqrt(EDGES[number] * budget / middle)
        return in_time, middle * (self.seconds[number] + part * inside) + budget * (1.0 - in_time)

    def quantile(self, share: float) -> float:
        """Ratio to the expected latency that so large a share stays below."""
        for number in range(BINS):
            if self.below[number + 1] >= share:
                return EDGES[number + 1]
        return EDGES[BINS]


@dataclass(slots=True)
class Pair:
    """One class of operation on one channel."""

    location: float = math.log(PRIOR_SECONDS)
    """Expected log-seconds at the usual size."""
    variance: float = PRIOR_DEVIATION**2
    size: float = 0.0
    """Usual log-size."""
    count: int = 0
    bins: list[float] = field(default_factory=lambda: [0.0] * BINS)
    weight: float = 0.0
    calls: float = 0.0
    failed: float = 0.0
    shaped: Shape | None = None
    shaped_for: int = 0
    slowness: list[float] = field(default_factory=lambda: _home(SLOWNESS, BELOW))
    """Probabilities of its slowness beyond its channel's, of all buckets that were let go."""
    extra: list[float] = field(default_factory=lambda: _home(len(EXTRA), 0))
    looked: float = float("-inf")
    now_slow: float = 0.0
    """Levels that it is slower than its channel now."""
    now_extra: float = 0.0
    """Failures beyond its channel's now."""
    away_since: float | None = None


def _home(count: int, place: int) -> list[float]:
    found = [0.0] * count
    found[place] = 1.0
    return found


@dataclass(slots=True)
class Usual:
    """All classes on one channel, and what they have in common."""

    pairs: dict[str, Pair] = field(default_factory=dict[str, Pair])
    slope: float = 0.0
    """Log-seconds per log-size."""
    slope_xx: float = 0.0
    slope_xy: float = 0.0
    curve: float = 0.0
    """Log-seconds per square of log-size beyond the usual square."""
    curve_xx: float = 0.0
    curve_xy: float = 0.0
    square: float = 0.5
    """Usual square of what a log-size is off the usual."""
    base: float = 0.0
    """Log-seconds that all classes drifted together."""
    followed: float | None = None
    bins: list[float] = field(default_factory=lambda: [0.0] * BINS)
    weight: float = 0.0
    calls: float = 0.0
    failed: float = 0.0

    @property
    def usual_failing(self) -> float:
        return (self.failed + FAILED_PRIOR) / (self.calls + CALLS_PRIOR)

    def failing(self, pair: Pair) -> float:
        """The class's own usual failure rate."""
        return (pair.failed + CLASS_PRIOR * self.usual_failing) / (pair.calls + CLASS_PRIOR)

    def expected(self, pair: Pair, log_size: float) -> float:
        """Log-seconds of a call of that size, as usual."""
        off = min(FAR, max(-FAR, log_size - pair.size))
        return self.base + pair.location + self.slope * off + self.curve * (off * off - self.square)

    def absorb(self, pair: Pair, log_size: float, log_seconds: float, began: float) -> None:
        """Count a latency as usual."""
        ratio = log_seconds - self.expected(pair, log_size)
        pair.count += 1
        weight = max(1.0 / (pair.count + 1), FORGET)
        bound = 3.0 * math.sqrt(pair.variance)
        held = min(bound, max(-bound, ratio)) if pair.count > 8 else ratio
        off = min(FAR, max(-FAR, log_size - pair.size))
        if pair.count > 3:
            self._learn_size(off, held, pair.variance)
        if pair.count > 12:
            passed = began - self.followed if self.followed is not None else 0.0
            self.base += min(FOLLOW_MOST, max(FOLLOW, passed / FOLLOW_SECONDS)) * held
        self.followed = began if self.followed is None else max(began, self.followed)
        pair.location += weight * held
        pair.size += weight * (log_size - pair.size)
        if pair.count > 1:
            pair.variance = max(0.01, (1.0 - weight) * (pair.variance + weight * held * held))
        place = min(BINS - 1, max(0, int((ratio - LOWEST) / WIDTH)))
        pair.bins[place] += 1.0
        self.bins[place] += 1.0
        pair.weight += 1.0
        self.weight += 1.0
        if pair.weight > CLASS_BINS_MOST:
            pair.bins = [each / 2.0 for each in pair.bins]
            pair.weight /= 2.0
        if self.weight > CHANNEL_BINS_MOST:
            self.bins = [each / 2.0 for each in self.bins]
            self.weight /= 2.0

    def _learn_size(self, off: float, held: float, variance: float) -> None:
        self.square += 0.01 * (off * off - self.square)
        bent = off * off - self.square
        self.slope_xx = self.slope_xx * SLOPE_KEEP + off * off / variance
        self.slope_xy = self.slope_xy * SLOPE_KEEP + off * (held + self.slope * off) / variance
        self.curve_xx = self.curve_xx * SLOPE_KEEP + bent * bent / variance
        self.curve_xy = self.curve_xy * SLOPE_KEEP + bent * (held + self.curve * bent) / variance
        self.slope = self.slope_xy / (self.slope_xx + SLOPE_RIDGE)
        self.curve = self.curve_xy / (self.curve_xx + CURVE_RIDGE)

    def absorb_end(self, pair: Pair, ok: bool) -> None:
        """Count an outcome as usual."""
        pair.calls = pair.calls * 0.999 + 1.0
        pair.failed = pair.failed * 0.999 + (not ok)
        self.calls = self.calls * FAILURES_KEEP + 1.0
        self.failed = self.failed * FAILURES_KEEP + (not ok)

    def shape(self, pair: Pair) -> Shape:
        """The class's shape, from its own calls, all calls of the channel, and a bell where there are few."""
        every = 4 if pair.count < 60 else 30
        if pair.shaped is None or abs(pair.count - pair.shaped_for) >= every:
            pair.shaped, pair.shaped_for = self._shape(pair), pair.count
        return pair.shaped

    def _shape(self, pair: Pair) -> Shape:
        deviation = max(0.15, math.sqrt(pair.variance))
        bell = [math.exp(-0.5 * ((LOWEST + (each + 0.5) * WIDTH) / deviation) ** 2) for each in range(BINS)]
        bell_weight = SMOOTH_WEIGHT / sum(bell)
        pooled_weight = POOLED_WEIGHT / self.weight if self.weight > 20 else 0.0
        weights = [
            own + pooled_weight * pooled + bell_weight * smooth
            for own, pooled, smooth in zip(pair.bins, self.bins, bell, strict=True)
        ]
        total = sum(weights)
        weights = [each / total for each in weights]
        below, seconds = [0.0], [0.0]
        for each, middle in zip(weights, MIDDLES, strict=True):
            below.append(below[-1] + each)
            seconds.append(seconds[-1] + each * middle)
        return Shape(weights, below, seconds, *_evidence(weights, below, pair.count))


def _evidence(weights: Sequence[float], below: Sequence[float], count: int) -> tuple[list[float], list[float]]:
    """Log-likelihoods of ended calls and of those in flight. Of a class that is hardly known they say little."""
    trust = count / (count + 6.0)
    floor = OUTLIERS / 25.0
    smooth = [
        0.25 * low + 0.5 * own + 0.25 * high
        for low, own, high in zip([weights[0], *weights[:-1]], weights, [*weights[1:], weights[-1]], strict=True)
    ]
    ended: list[float] = []
    flying: list[float] = []
    for place in range(BINS + SLOWNESS - 1):
        number = _SIDE - place
        if 0 <= number < BINS:
            own, above = smooth[number], 1.0 - 0.5 * (below[number] + below[number + 1])
        else:
            own, above = 0.0, 1.0 if number < 0 else 0.0
        ended.append(trust * math.log((1.0 - OUTLIERS) * own + floor))
        flying.append(trust * math.log((1.0 - HANGS) * above + HANGS))
    return ended, flying


def bin_of(ratio: float) -> int:
    """The histogram's bin of a log-ratio."""
    return min(BINS - 1, max(0, int((ratio - LOWEST) / WIDTH)))
