"""What is usual for a channel: how long each class of operation takes there, by its size, and how often it fails."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from bedrock_support.routing.learning.change import root

PRIOR_SECONDS = 1.0
"""Median of a channel that nothing is known of."""
PRIOR_DEVIATION = 0.5
FORGET = 1.0 / 300.0
"""Least weight of a new call in a class's location and spread."""
SLOPE_KEEP, SLOPE_RIDGE = 0.999, 4.0
"""Memory of the size slope, and how strongly it is held to zero."""
FAILURES_KEEP = 0.9995
FAILED_PRIOR, CALLS_PRIOR = 0.5, 100.0
"""Failures and calls that every channel is thought to have had before it was seen."""
CLASS_PRIOR = 100.0
"""Calls of the channel that stand behind each class's own failure rate."""
RECENT = 120
"""Calls kept to find the newest regime in."""
WIDTH, LOWEST, BINS = 0.2, -4.0, 51
"""Bins of the log-ratio of a latency to the expected one."""
MIDDLES = tuple(math.exp(LOWEST + (number + 0.5) * WIDTH) for number in range(BINS))
CLASS_BINS_MOST, CHANNEL_BINS_MOST = 900.0, 3000.0
"""Weight at which a histogram is halved, so that it forgets."""
POOLED_WEIGHT, SMOOTH_WEIGHT = 6.0, 3.0
"""Calls that the channel's shape, and a bell of the class's own spread, are worth beside the class's own calls."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One ended call: when it began, its latency and size as logarithms, whether it was answered."""

    began: float
    log_seconds: float
    log_size: float
    ok: bool
    op_class: str


@dataclass(slots=True)
class Now:
    """What is true of a channel, or of one class on it, just now, and since when something has been unusual."""

    shift: float = 0.0
    """Log-shift of latency."""
    slow: bool = False
    """The shift is its own: of a channel any, of a class one that differs from its channel's."""
    failing: float = 0.0
    """Failure rate."""
    fails: bool = False
    """The failure rate is above the usual one, and of a class above its channel's too."""
    worst: float = 0.0
    """Highest failure rate of the trouble under way."""
    forget_before: float = float("-inf")
    slow_since: float | None = None
    slow_last: float = float("-inf")
    slow_seen: float = float("-inf")
    """Last time at which it was much slower than usual: what began before must not count as usual."""
    failing_seen: float = float("-inf")


@dataclass(slots=True)
class Pair(Now):
    """One class of operation on one channel."""

    location: float = math.log(PRIOR_SECONDS)
    """Expected log-seconds at the usual size."""
    variance: float = PRIOR_DEVIATION**2
    """Of the residual on the root scale."""
    size: float = 0.0
    """Usual log-size."""
    count: int = 0
    bins: list[float] = field(default_factory=lambda: [0.0] * BINS)
    calls: float = 0.0
    failed: float = 0.0
    mixed: tuple[tuple[float, float], ...] = ()
    """(ratio to the expected latency, probability); made from the bins every few calls."""
    mixed_for: int = 0

    @property
    def deviation(self) -> float:
        """Standard deviation of a residual, what isn't known of the location included."""
        return math.sqrt(self.variance * (1.0 + 15.0 / max(1, self.count)))


@dataclass(slots=True)
class Channel(Now):
    """All classes on one channel, and what they have in common."""

    pairs: dict[str, Pair] = field(default_factory=dict[str, Pair])
    slope: float = 0.0
    """Log-seconds per log-size."""
    slope_xx: float = 0.0
    slope_xy: float = 0.0
    bins: list[float] = field(default_factory=lambda: [0.0] * BINS)
    weight: float = 0.0
    calls: float = 0.0
    failed: float = 0.0
    recent: deque[Seen] = field(default_factory=lambda: deque[Seen](maxlen=RECENT))
    flying: dict[int, tuple[str, float, float, float]] = field(
        default_factory=dict[int, tuple[str, float, float, float]]
    )
    """Ticket -> class, log-size, start, budget."""
    pending: deque[tuple[float, Seen]] = field(default_factory=deque[tuple[float, Seen]])
    """Latencies that become usual when their time has come and nothing spoke against it."""
    pending_ends: deque[tuple[float, Seen]] = field(default_factory=deque[tuple[float, Seen]])
    """The same for outcomes."""
    looked: float = float("-inf")

    @property
    def usual_failing(self) -> float:
        return (self.failed + FAILED_PRIOR) / (self.calls + CALLS_PRIOR)

    @property
    def troubled(self) -> bool:
        """Something is unusual on it, in one class or in all."""
        return self.slow or self.fails or any(each.slow or each.fails for each in self.pairs.values())

    def expected(self, pair: Pair, log_size: float) -> float:
        """Log-seconds of a call of that size, as usual."""
        return pair.location + self.slope * (log_size - pair.size)

    def absorb(self, pair: Pair, log_size: float, log_seconds: float) -> None:
        """Count a latency as usual."""
        ratio = log_seconds - self.expected(pair, log_size)
        residual = root(ratio)
        pair.count += 1
        weight = max(1.0 / (pair.count + 1), FORGET)
        bound = 3.0 * math.sqrt(pair.variance)
        held = min(bound, max(-bound, residual)) if pair.count > 8 else residual
        off = log_size - pair.size
        if pair.count > 3:
            self.slope_xx = self.slope_xx * SLOPE_KEEP + off * off / pair.variance
            self.slope_xy = self.slope_xy * SLOPE_KEEP + off * (held + self.slope * off) / pair.variance
            self.slope = self.slope_xy / (self.slope_xx + SLOPE_RIDGE)
        pair.location += weight * held
        pair.size += weight * off
        if pair.count > 1:
            pair.variance = max(0.01, (1.0 - weight) * (pair.variance + weight * held * held))
        place = min(BINS - 1, max(0, int((ratio - LOWEST) / WIDTH)))
        pair.bins[place] += 1.0
        self.bins[place] += 1.0
        self.weight += 1.0
        if pair.count > CLASS_BINS_MOST and pair.count % 300 == 0:
            pair.bins = [each / 2.0 for each in pair.bins]
        if self.weight > CHANNEL_BINS_MOST:
            self.bins = [each / 2.0 for each in self.bins]
            self.weight /= 2.0

    def absorb_end(self, pair: Pair, ok: bool) -> None:
        """Count an outcome as usual."""
        pair.calls = pair.calls * 0.999 + 1.0
        pair.failed = pair.failed * 0.999 + (not ok)
        self.calls = self.calls * FAILURES_KEEP + 1.0
        self.failed = self.failed * FAILURES_KEEP + (not ok)

    def shape(self, pair: Pair) -> tuple[tuple[float, float], ...]:
        """The distribution of the latency over the expected one: no family is assumed."""
        every = 8 if pair.count < 100 else 25
        if not pair.mixed or abs(pair.count - pair.mixed_for) >= every:
            deviation = max(0.15, math.sqrt(pair.variance))
            bell = [math.exp(-0.5 * ((LOWEST + (each + 0.5) * WIDTH) / deviation) ** 2) for each in range(BINS)]
            bell_weight = SMOOTH_WEIGHT / sum(bell)
            pooled_weight = POOLED_WEIGHT / self.weight if self.weight > 20 else 0.0
            weights = [
                own + pooled_weight * pooled + bell_weight * smooth
                for own, pooled, smooth in zip(pair.bins, self.bins, bell, strict=True)
            ]
            total = sum(weights)
            pair.mixed = tuple(
                (middle, each / total) for middle, each in zip(MIDDLES, weights, strict=True) if each > 1e-4 * total
            )
            pair.mixed_for = pair.count
        return pair.mixed
