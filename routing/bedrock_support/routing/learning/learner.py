"""RouteLearner: latency and success of each channel and class, from the attempts themselves."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.learning.estimate import Estimate, Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    channel: str
    op_class: str
    size: float
    seconds: float
    ok: bool
    at: float


@dataclass(slots=True)
class _Pair:
    n: int = 0
    mu: float = math.log(0.7)
    var: float = 0.25
    failed: float = 0.0
    recent: deque[tuple[float, bool]] = field(default_factory=lambda: deque[tuple[float, bool]](maxlen=12))


class RouteLearner:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pairs: OrderedDict[tuple[str, str], _Pair] = OrderedDict()
        self._flying: OrderedDict[int, tuple[str, str, float]] = OrderedDict()
        self._ticket = 0

    def started(self, channel: str, op_class: str, size: float) -> int:
        self._ticket += 1
        self._flying[self._ticket] = (channel, op_class, size)
        while len(self._flying) > 4096:
            self._flying.popitem(last=False)
        return self._ticket

    def ended(self, ticket: int, *, seconds: float, ok: bool | None) -> None:
        found = self._flying.pop(ticket, None)
        if found is None or ok is None:
            return
        channel, op_class, size = found
        self.observe(
            Observation(channel=channel, op_class=op_class, size=size, seconds=seconds, ok=ok, at=self._clock.now())
        )

    def observe(self, observation: Observation) -> None:
        key = observation.channel, observation.op_class
        pair = self._pairs.setdefault(key, _Pair())
        self._pairs.move_to_end(key)
        while len(self._pairs) > 2048:
            self._pairs.popitem(last=False)
        pair.n += 1
        pair.recent.append((observation.at, observation.ok))
        if not observation.ok:
            pair.failed += 1
            return
        weight = max(1 / (pair.n + 1), 1 / 400)
        error = math.log(max(observation.seconds, 1e-4)) - pair.mu
        pair.mu += weight * error
        pair.var = max(0.02, (1 - weight) * (pair.var + weight * error * error))

    def estimate(
        self, channel: str, op_class: str, size: float, budget: float, *, usd: float | None, weights: Weights
    ) -> Estimate:
        pair = self._pairs.get((channel, op_class)) or _Pair()
        now = self._clock.now()
        recent = [ok for at, ok in pair.recent if now - at <= 15]
        failures = recent.count(False)
        q = (pair.failed + 0.02) / (pair.n + 4)
        flagged = failures >= 2 and failures >= 0.2 * len(recent)
        if flagged:
            q = (failures + 0.02) / (len(recent) + 2)
        sd = math.sqrt(pair.var)
        w = (math.log(max(budget, 1e-3)) - pair.mu) / sd
        p = (1 - q) * _phi(w)
        seconds = math.exp(pair.mu + pair.var / 2) * _phi(w - sd) + budget * (1 - _phi(w))
        return Estimate(
            p_success=p,
            seconds=seconds,
            p95_seconds=math.exp(pair.mu + 1.645 * sd),
            usd=usd,
            utility=weights.success * p - weights.usd * (usd or 0.0) - weights.ms * seconds * 1000,
            samples=float(pair.n),
            flagged=flagged,
        )

    def probes_due(self, channels: Sequence[str]) -> tuple[str, ...]:
        return ()

    def probed(self, channel: str) -> None: ...


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
