"""Peers of the product's learner, behind the part of its interface that router and probe policy use.

Each learns from the same ends and is asked by the same replay; none ever sees the truth. Sizes are in characters, times
in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.estimate import Estimate, Weights


class Estimator(Protocol):
    """What IntelligentRouter's replay and ProbePolicy ask of a learner."""

    def started(self, channel: str, op_class: str, size: float, budget: float) -> int: ...
    def ended(self, ticket: int, *, seconds: float, ok: bool | None) -> None: ...
    def estimate(
        self, channel: str, op_class: str, size: float, budget: float, *, usd: float | None, weights: Weights
    ) -> Estimate: ...
    def calls(self, channel: str, op_class: str) -> int: ...
    def class_alone(self, channel: str, op_class: str) -> bool: ...
    def promising(self, channel: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Flight:
    """An attempt under way."""

    channel: str
    op_class: str
    budget: float


class Peer:
    """What the peers share: tickets, and answers to the probe policy for those that have no better ones."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._flights: dict[int, Flight] = {}
        self._last = 0
        self._ok: dict[str, bool] = {}

    def started(self, channel: str, op_class: str, size: float, budget: float) -> int:
        """An attempt is under way; the ticket is for `ended`."""
        self._last += 1
        self._flights[self._last] = Flight(channel, op_class, budget)
        return self._last

    def ended(self, ticket: int, *, seconds: float, ok: bool | None) -> None:
        """The attempt ended; None says nothing."""
        flight = self._flights.pop(ticket)
        if ok is not None:
            self._ok[flight.channel] = ok
            self.learn(flight, max(seconds, 1e-4), ok)

    def learn(self, flight: Flight, seconds: float, ok: bool) -> None:
        """Take in an end."""
        raise NotImplementedError

    def class_alone(self, channel: str, op_class: str) -> bool:
        """Whether the class is in trouble alone; those that keep no such count say no."""
        return False

    def promising(self, channel: str) -> bool:
        """Whether the newest end on the channel was a good one."""
        return self._ok.get(channel, False)


def weighed(
    p_success: float, seconds: float, usd: float | None, weights: Weights, *, samples: float, flagged: bool
) -> Estimate:
    """An estimate with its utility; the 95th percentile, which nothing here asks for, is left at the mean."""
    return Estimate(
        p_success=p_success,
        seconds=seconds,
        p95_seconds=seconds,
        usd=usd,
        utility=weights.success * p_success - weights.usd * (usd or 0.0) - weights.ms * seconds * 1000.0,
        samples=samples,
        flagged=flagged,
    )


@dataclass(slots=True)
class _Means:
    n: int = 0
    in_time: float = 0.99
    seconds: float = 1.0


class Ewma(Peer):
    """Exponentially weighted means, per channel and class, of success in time and of seconds up to the deadline.

    With fewer than 1/alpha ends it is the plain mean. Flagged, so that it is probed like trouble, while more than a
    fifth fails.
    """

    def __init__(self, clock: Clock, *, alpha: float = 0.05) -> None:
        super().__init__(clock)
        self._alpha = alpha
        self._means: dict[tuple[str, str], _Means] = {}

    def _of(self, channel: str, op_class: str) -> _Means:
        return self._means.setdefault((channel, op_class), _Means())

    def learn(self, flight: Flight, seconds: float, ok: bool) -> None:
        means = self._of(flight.channel, flight.op_class)
        means.n += 1
        weight = max(1.0 / (means.n + 1), self._alpha)
        means.in_time += weight * ((ok and seconds <= flight.budget) - means.in_time)
        means.seconds += weight * (min(seconds, flight.budget) - means.seconds)

    def estimate(
        self, channel: str, op_class: str, size: float, budget: float, *, usd: float | None, weights: Weights
    ) -> Estimate:
        means = self._of(channel, op_class)
        return weighed(means.in_time, means.seconds, usd, weights, samples=float(means.n), flagged=means.in_time < 0.8)

    def calls(self, channel: str, op_class: str) -> int:
        return self._of(channel, op_class).n


BIN = 0.1
"""Width of the histogram's bins in log-seconds."""


@dataclass(slots=True)
class _Decayed:
    n: int = 0
    at: float = 0.0
    ok: float = 2.0
    failed: float = 0.02
    bins: dict[int, float] = field(default_factory=lambda: {-4: 0.5, 2: 0.5})


class DecayedHistogram(Peer):
    """A histogram of log-latency and counts of good and bad ends, per channel and class, halved every `half` seconds.

    The prior, 0.7 and 1.3 s with a weight of one and two good ends, decays with the rest.
    """

    def __init__(self, clock: Clock, *, half: float = 60.0) -> None:
        super().__init__(clock)
        self._half = half
        self._all: dict[tuple[str, str], _Decayed] = {}

    def _of(self, channel: str, op_class: str) -> _Decayed:
        return self._all.setdefault((channel, op_class), _Decayed(at=self.clock.now()))

    def learn(self, flight: Flight, seconds: float, ok: bool) -> None:
        kept, now = self._of(flight.channel, flight.op_class), self.clock.now()
        keep, kept.at, kept.n = 0.5 ** ((now - kept.at) / self._half), now, kept.n + 1
        kept.ok, kept.failed = kept.ok * keep + ok, kept.failed * keep + (not ok)
        kept.bins = {each: weight * keep for each, weight in kept.bins.items() if weight * keep > 1e-4}
        if ok or not kept.bins:
            place = math.floor(math.log(seconds) / BIN)
            kept.bins[place] = kept.bins.get(place, 0.0) + 1.0

    def estimate(
        self, channel: str, op_class: str, size: float, budget: float, *, usd: float | None, weights: Weights
    ) -> Estimate:
        kept = self._of(channel, op_class)
        total = sum(kept.bins.values())
        last = math.floor(math.log(budget) / BIN)
        in_time = seconds = 0.0
        for place, weight in kept.bins.items():
            edge = weight / total
            in_time += edge if place < last else 0.5 * edge if place == last else 0.0
            seconds += edge * min(budget, math.exp((place + 0.5) * BIN))
        failing = kept.failed / (kept.ok + kept.failed)
        return weighed((1 - failing) * in_time, seconds, usd, weights, samples=float(kept.n), flagged=failing > 0.2)

    def calls(self, channel: str, op_class: str) -> int:
        return self._of(channel, op_class).n
