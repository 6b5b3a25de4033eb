"""The gated log-normal estimator: slow means, and a shift that counts only where it is significant.

Latencies are taken for log-normal. A channel's last 10 residuals within 15 s move all its classes when they are more
than 3 standard errors off, a class's last 6 within 60 s move it alone, and 2 failures that are a fifth of the last 12
ends within 15 s replace the failure rate; while any of it holds, the long-run means stand still. Size is not used.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.estimate import Estimate, Weights
from benchmarks.estimators import Flight, Peer

SHIFT_WITHIN, GRAY_WITHIN, FAIL_WITHIN = 15.0, 60.0, 15.0
MEMORY = 1 / 400
KNOWN = 8
"""Ends of a pair before its residuals count."""


@dataclass(slots=True)
class GatedPair:
    """State of a channel and class of the gated log-normal estimator."""

    n: int = 0
    mu: float = math.log(0.7)
    var: float = 0.25
    failures: int = 0
    residuals: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=6))
    """Of the last ends: when, residual, residual in standard deviations."""
    ends: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=12))
    flagged: bool = False
    alone: bool = False


def significant(residuals: Sequence[tuple[float, float, float]], least: int) -> float | None:
    """Mean residual when it is further than 3 standard errors from 0, of at least so many."""
    if len(residuals) < least or abs(sum(each[2] for each in residuals)) <= 3 * math.sqrt(len(residuals)):
        return None
    return sum(each[1] for each in residuals) / len(residuals)


class GatedLogNormal(Peer):
    """Per channel and class a log-normal latency and a failure rate, with gates for what is unusual now."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._pairs: dict[tuple[str, str], GatedPair] = {}
        self._pooled: dict[str, deque[tuple[float, float, float]]] = {}

    def _of(self, channel: str, op_class: str) -> GatedPair:
        return self._pairs.setdefault((channel, op_class), GatedPair())

    def _pool(self, channel: str) -> deque[tuple[float, float, float]]:
        return self._pooled.setdefault(channel, deque(maxlen=10))

    def learn(self, flight: Flight, seconds: float, ok: bool) -> None:
        pair, now = self._of(flight.channel, flight.op_class), self.clock.now()
        pair.ends.append((now, ok))
        if not pair.flagged:
            pair.n += 1
            pair.failures += not ok
        if not ok:
            return
        sd = math.sqrt(pair.var)
        residual = math.log(seconds) - pair.mu
        if pair.n >= KNOWN:
            seen = (now, residual, max(-4.0, min(6.0, residual / sd)))
            pair.residuals.append(seen)
            self._pool(flight.channel).append(seen)
        if not pair.flagged or pair.n < KNOWN:
            weight = max(1 / (pair.n + 1), MEMORY)
            step = max(-3 * sd, min(3 * sd, residual))
            pair.mu += weight * step
            pair.var = max(0.02, (1 - weight) * (pair.var + weight * step * step))

    def estimate(
        self, channel: str, op_class: str, size: float, budget: float, *, usd: float | None, weights: Weights
    ) -> Estimate:
        pair, now = self._of(channel, op_class), self.clock.now()
        pooled = significant([each for each in self._pool(channel) if now - each[0] <= SHIFT_WITHIN], 3)
        shift, flagged = pooled or 0.0, pooled is not None
        own = significant([each for each in pair.residuals if now - each[0] <= GRAY_WITHIN], 2)
        pair.alone = own is not None and abs(own - shift) > 0.3
        if own is not None and pair.alone:
            shift, flagged = own, True
        failing = (pair.failures + 0.02) / (pair.n + 4)
        ends = [ok for at, ok in pair.ends if now - at <= FAIL_WITHIN]
        failed = ends.count(False)
        if failed >= 2 and failed >= 0.2 * len(ends):
            failing, flagged = (failed + 0.02) / (len(ends) + 2), True
        pair.flagged = flagged
        return _weigh(pair, shift, failing, budget, usd, weights)

    def calls(self, channel: str, op_class: str) -> int:
        return self._of(channel, op_class).n

    def class_alone(self, channel: str, op_class: str) -> bool:
        return self._of(channel, op_class).alone


def _weigh(
    pair: GatedPair, shift: float, failing: float, budget: float, usd: float | None, weights: Weights
) -> Estimate:
    middle, sd = pair.mu + shift, math.sqrt(pair.var)
    reach = (math.log(budget) - middle) / sd
    in_time = _phi(reach)
    seconds = math.exp(middle + pair.var / 2) * _phi(reach - sd) + budget * (1 - in_time)
    return Estimate(
        p_success=(1 - failing) * in_time,
        seconds=seconds,
        p95_seconds=math.exp(middle + 1.645 * sd),
        usd=usd,
        utility=weights.success * (1 - failing) * in_time - weights.usd * (usd or 0.0) - weights.ms * seconds * 1000.0,
        samples=float(pair.n),
        flagged=pair.flagged,
    )


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
