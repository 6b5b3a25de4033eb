"""Finding the newest regime in a short history: since when has a route been slower, or failing, and by how much.

A window of fixed length either reacts late or takes chance for change. Here the history is split where the two
sides differ most, again and again, until no split is worth it: what is left is the newest stretch that agrees with
itself (binary segmentation; Scott and Knott 1974, with the likelihood ratio as its measure).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

SPLIT_SLOW = 13.0
"""Squared standard deviations that a split in latency must explain."""
SPLIT_FAILED = 4.0
"""Log-likelihood that a split in outcomes must gain."""
SLOW_SIGNS, CLASS_SIGNS = 3.0, 3.3
"""Standard errors by which the newest stretch of a channel, and of one class, must differ from the usual."""
FEW, FEW_SIGNS = 5, 0.6
"""Standard errors more that a stretch of fewer calls than FEW must differ by."""
USUAL_SIGNS = 2.0
"""A stretch within so many standard errors of the usual is the usual."""
FAILED_SIGNS = 6.3
"""Log-likelihood by which the newest outcomes must differ from the usual failure rate."""
_LOW, _HIGH = -5.0, 8.0
"""Bounds of one call's say, in standard deviations."""


def root(log_ratio: float) -> float:
    """A logarithm of a ratio on the cube-root scale, where log-normal, gamma and Weibull latencies all look normal.

    Source: Wilson and Hilferty 1931 (for the gamma family).
    """
    return 3.0 * (math.exp(min(log_ratio, 4.0) / 3.0) - 1.0)


def unroot(value: float) -> float:
    """The inverse of root."""
    return 3.0 * math.log(1.0 + max(-2.5, value) / 3.0)


def divergence(share: float, usual: float) -> float:
    """Kullback-Leibler divergence of a failure share from the usual one, in nats per call."""
    usual = min(1.0 - 1e-4, max(1e-4, usual))
    found = share * math.log(share / usual) if share > 0 else 0.0
    return found + ((1.0 - share) * math.log((1.0 - share) / (1.0 - usual)) if share < 1 else 0.0)


def newest_shift(items: Sequence[tuple[float, float]], base: float, signs: float = SLOW_SIGNS) -> tuple[float, int]:
    """Log-shift of latency in the newest stretch of `items`, and how many calls that stretch has.

    Args:
        items: residual on the root scale and its standard deviation, newest first.
        base: log-shift that is taken to hold unless the items say otherwise.
        signs: standard errors by which they must do so.
    """
    count = len(items)
    if count < 3:
        return base, count
    sums = [0.0]
    for residual, deviation in items:
        sums.append(sums[-1] + min(_HIGH, max(_LOW, residual / deviation)))
    count = _newest_stretch(sums, count)
    newest = items[:count]
    expected = root(base)
    spread = math.sqrt(count)
    differs = sum(min(_HIGH, max(_LOW, (each - expected) / deviation)) for each, deviation in newest) / spread
    if abs(differs) < signs + (FEW_SIGNS if count < FEW else 0.0):
        return base, count
    if base and abs(sums[count]) / spread < USUAL_SIGNS:
        return 0.0, count
    weights = [1.0 / (deviation * deviation) for _, deviation in newest]
    mean = sum(each * weight for (each, _), weight in zip(newest, weights, strict=True)) / sum(weights)
    return unroot(mean), count


def _newest_stretch(sums: Sequence[float], count: int) -> int:
    while count >= 4:
        total, best, at = sums[count], 0.0, 0
        for size in range(2, count - 1):
            gap = sums[size] / size - (total - sums[size]) / (count - size)
            gain = gap * gap * size * (count - size) / count
            if gain > best:
                best, at = gain, size
        if best <= SPLIT_SLOW:
            break
        count = at
    return count


def newest_failures(succeeded: Sequence[bool], base: float) -> tuple[float, int]:
    """Failure rate of the newest stretch of outcomes (newest first), and how many calls that stretch has.

    `base` is the usual rate, which is returned unless the stretch clearly fails more.
    """
    count = len(succeeded)
    failed = [0]
    for each in succeeded:
        failed.append(failed[-1] + (not each))
    while count > 1 and failed[count]:
        total = failed[count]
        whole, best, at = _likelihood(total, count), 0.0, 0
        for size in range(1, count):
            gain = _likelihood(failed[size], size) + _likelihood(total - failed[size], count - size) - whole
            if gain > best:
                best, at = gain, size
        if best <= SPLIT_FAILED:
            break
        count = at
    total = failed[count]
    if total < 2 or total / count <= base or count * divergence(total / count, base) <= FAILED_SIGNS:
        return base, count
    return (total + 0.6 * base) / (count + 0.6), count


def _likelihood(failed: int, count: int) -> float:
    """Of the best-fitting failure rate, as a logarithm."""
    if failed in (0, count):
        return 0.0
    share = failed / count
    return failed * math.log(share) + (count - failed) * math.log(1.0 - share)
