"""The sequential tests behind gray failures: CUSUM on log-likelihood ratios (Page 1954), against a learnt past."""

from __future__ import annotations

from math import log, sqrt

FACTOR = 5.0
"""The slowdown looked for."""
FAILING = 0.3
"""The share of failures looked for."""
ALARM, CLEAR = 9.0, 4.0
"""Sums of log-likelihood ratios: a call of chance passes ALARM about once in exp(9) calls at most."""
SURE = 11.0
"""The same where probes were sent on suspicion: evidence that was looked for can be had until it is beyond doubt."""
LEARN = 20
"""Good calls that make a first baseline; without them nothing is ever slow."""
STEP = 4.0
"""The most that one latency counts: real ones have longer tails than a normal distribution."""
SPREAD = 0.25
"""The least spread of log seconds that a baseline may claim."""
ADAPT = 0.02
"""Weight of a call in the baseline of latencies. Calls that look suspicious don't change it."""
FAILED, CALLS = 5.0, 1000.0
"""What is believed of failures before any call: one in 200, as firmly as if so many calls had shown it."""
MEMORY = 2000.0
"""Calls that the belief rests on at most; older ones fade."""


class Slowness:
    """Log seconds, normal around the past's mean, against the same FACTOR times slower."""

    def __init__(self) -> None:
        self.good = 0
        self.mean = 0.0
        self.sum = 0.0
        self.since: float | None = None
        self._square = 0.0
        """Variance of log seconds."""

    def add(self, value: float, wall: float) -> None:
        """Take in the log of one good call's seconds."""
        if self.good >= LEARN:
            spread, shift = max(SPREAD, sqrt(self._square)), log(FACTOR)
            ratio = shift / spread**2 * (value - self.mean - shift / 2)
            self._weigh(max(-STEP, min(STEP, ratio)), wall)
            if self.since is not None or self.sum >= ALARM / 4:
                return
        self.good += 1
        weight = max(ADAPT, 1 / self.good)
        away = value - self.mean
        self.mean += weight * away
        self._square = (1 - weight) * (self._square + weight * away**2)

    def _weigh(self, ratio: float, wall: float) -> None:
        self.sum = max(0.0, self.sum + (ratio if self.since is None else -ratio))
        if self.since is None and self.sum >= ALARM:
            self.since, self.sum = wall, 0.0
        elif self.since is not None and self.sum >= CLEAR:
            self.since, self.sum = None, 0.0


class Flakiness:
    """Failures at the past's rate, which is a belief and no certainty (beta-binomial), against FAILING.

    Since the belief moves with each failure that is weighed, a past of few calls accuses nobody by itself. Calls
    enter the past once the suspicion that they raised is over, failures and all; those before an alarm never do.
    """

    def __init__(self) -> None:
        self.sum = 0.0
        self.since: float | None = None
        self.probed = 0
        """Probes weighed since the sum was last nought."""
        self._failed, self._calls = FAILED, CALLS
        self._new_failed = self._new_calls = 0

    @property
    def rate(self) -> float:
        """The usual share of failures, as far as it is known."""
        return self._failed / self._calls

    def add(self, failed: bool, wall: float, probe: bool = False) -> None:
        """Take in one call."""
        usual = (self._failed + self._new_failed) / (self._calls + self._new_calls)
        if self.since is not None:
            self._heal(failed)
            return
        self.sum += log(FAILING / usual) if failed else log((1 - FAILING) / (1 - usual))
        self.probed += probe
        self._new_failed += failed
        self._new_calls += 1
        if self.sum <= 0.0:
            self._learn()
        elif self.sum >= (SURE if self.probed else ALARM):
            self.since = wall
            self._restart()

    def _heal(self, failed: bool) -> None:
        ratio = log(self.rate / FAILING) if failed else log((1 - self.rate) / (1 - FAILING))
        self.sum = max(0.0, self.sum + ratio)
        if self.sum >= CLEAR:
            self.since = None
            self._restart()

    def _learn(self) -> None:
        self._failed += self._new_failed
        self._calls += self._new_calls
        if self._calls > MEMORY:
            self._failed, self._calls = self._failed * MEMORY / self._calls, MEMORY
        # A past as bad as what is looked for couldn't be told from it.
        self._failed = min(self._failed, self._calls * FAILING / 3)
        self._restart()

    def _restart(self) -> None:
        self.sum, self.probed, self._new_failed, self._new_calls = 0.0, 0, 0, 0
