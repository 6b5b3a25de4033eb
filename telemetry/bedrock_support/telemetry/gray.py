"""Gray failure: a route, a model or a class that got slow or flaky against its own past while it still answers.

Two one-sided CUSUM tests for each key (Page 1954), on log-likelihood ratios: log latency, normal around the key's own
mean, against the same FACTOR times slower; failures at the key's own rate against FAILING.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import exp, log, sqrt

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Attempt
from bedrock_support.telemetry.track import verdict
from bedrock_support.telemetry.window import Verdict

FACTOR = 5.0
"""The slowdown looked for."""
FAILING = 0.3
"""The share of failures looked for."""
LEARN = 20
"""Good calls that make a first baseline; without them a key is never in alarm for being slow."""
ALARM, CLEAR = 9.0, 4.0
"""Sums of log-likelihood ratios: a call of chance passes ALARM about once in exp(9) calls at most."""
STEP = 4.0
"""The most that one latency counts: real ones have longer tails than a normal distribution."""
RARE = 0.005
"""The least failure rate and (below) spread that a baseline may claim."""
SPREAD = 0.25
ADAPT = 0.02
"""Weight of a call in the baseline. Calls that look suspicious don't change it."""
KEYS = 256
STALE = 60.0
"""Seconds without calls after which an alarm says nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrayAlarm:
    """One key in alarm."""

    key: str
    slow: bool
    """False: it fails more often than it used to."""
    since: float
    """Unix seconds."""
    usual: float
    """Seconds of a usual call, or the usual share of failures."""
    calls: int
    """Calls that the baseline was learnt from or compared with."""


class _Cusum:
    """One test both ways: up to the alarm, and back."""

    def __init__(self) -> None:
        self.sum = 0.0
        self.since: float | None = None

    def add(self, ratio: float, wall: float) -> None:
        signed = ratio if self.since is None else -ratio
        self.sum = max(0.0, self.sum + signed)
        if self.since is None and self.sum >= ALARM:
            self.since, self.sum = wall, 0.0
        elif self.since is not None and self.sum >= CLEAR:
            self.since, self.sum = None, 0.0

    @property
    def calm(self) -> bool:
        return self.since is None and self.sum < ALARM / 4


class _Key:
    def __init__(self) -> None:
        self.calls = 0
        self.good = 0
        self.mean = 0.0
        self.square = 0.0
        """Variance of log seconds."""
        self.rate = RARE
        self.last = 0.0
        self.slow, self.failing = _Cusum(), _Cusum()

    def add(self, seconds: float, failed: bool, wall: float) -> None:
        self.calls += 1
        if failed:
            ratio = log(FAILING / self.rate)
        else:
            ratio = log((1 - FAILING) / (1 - self.rate))
            self._latency(log(max(seconds, 1e-4)), wall)
        self.failing.add(ratio, wall)
        if self.failing.calm:
            self.rate = min(FAILING / 3, max(RARE, self.rate + ADAPT * (failed - self.rate)))

    def _latency(self, value: float, wall: float) -> None:
        if self.good >= LEARN:
            spread, shift = max(SPREAD, sqrt(self.square)), log(FACTOR)
            ratio = shift / spread**2 * (value - self.mean - shift / 2)
            self.slow.add(max(-STEP, min(STEP, ratio)), wall)
            if not self.slow.calm:
                return
        self.good += 1
        weight = max(ADAPT, 1 / self.good)
        away = value - self.mean
        self.mean += weight * away
        self.square = (1 - weight) * (self.square + weight * away**2)


class GrayDetector:
    """An AttemptSink that compares every (route, model) and (route, class) with its own past. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys: OrderedDict[str, _Key] = OrderedDict()

    def record(self, attempt: Attempt) -> None:
        """Take in one attempt. What was throttled, cancelled or never the route's fault counts for nothing."""
        found = verdict(attempt)
        if found is None or found is Verdict.THROTTLED:
            return
        names = [f"{attempt.route.value}:class:{attempt.op_class.value}"]
        if attempt.model:
            names.append(f"{attempt.route.value}:model:{attempt.model}")
        for name in names:
            key = self._keys.setdefault(name, _Key())
            self._keys.move_to_end(name)
            key.add(attempt.seconds, found is Verdict.FAILED, self._clock.wall())
            key.last = self._clock.now()
        while len(self._keys) > KEYS:
            self._keys.popitem(last=False)

    def alarms(self) -> tuple[GrayAlarm, ...]:
        """Keys in alarm now; one without calls for STALE seconds is unknown, and left out."""
        found: list[GrayAlarm] = []
        oldest = self._clock.now() - STALE
        for name, key in self._keys.items():
            if key.last <= oldest:
                continue
            for test, slow, usual in ((key.slow, True, exp(key.mean)), (key.failing, False, key.rate)):
                if test.since is not None:
                    found.append(GrayAlarm(key=name, slow=slow, since=test.since, usual=usual, calls=key.calls))
        return tuple(found)
