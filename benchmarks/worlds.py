"""Worlds whose truth is known, for judging decisions by what could be expected and not by how they ended.

A world draws requests and what either route would make of each, and knows for every request the probability of an
answer in time and the expected time: the ex-ante truth that a decision is measured against.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from bedrock_support.routing.estimate import Weights
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import OperationClass, RouteName
from benchmarks.latencies import Shape
from benchmarks.replay import Row

WEIGHTS = Weights()
SIZE = 1000.0
"""The median size, in characters; medians of latency and costs hold for it."""
KINDS = ("brown-out", "partial", "outage-fast", "outage-slow", "hang", "gray", "throttle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens to routes for a while."""

    kind: str
    start: float
    stop: float
    routes: tuple[RouteName, ...]
    slow: float = 1.0
    """Factor on every latency."""
    fails: float = 0.0
    """Share that fails; the worst of events and the usual share holds."""
    fail_seconds: float | None = None
    """How long a failure takes; None as long as the answer would have."""
    op_class: OperationClass | None = None
    """The only class it happens to."""

    def hits(self, t: float, route: RouteName, op_class: OperationClass) -> bool:
        """Whether a request sent at `t` suffers it."""
        return self.start <= t < self.stop and route in self.routes and self.op_class in (None, op_class)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How latency wanders: its logarithm grows by `slope` per second and swings by `swing` once in `period` seconds."""

    slope: float = 0.0
    swing: float = 0.0
    period: float = 300.0

    def factor(self, t: float) -> float:
        return math.exp(self.slope * t + self.swing * math.sin(2 * math.pi * t / self.period))


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One route."""

    shape: Shape
    medians: Mapping[OperationClass, float]
    """Seconds at the median size."""
    growth: float = 0.0
    """Power of size that latency grows with; when `linear`, the share of latency that is in proportion to size."""
    linear: bool = False
    fails: float = 0.005
    usd: float = 0.0004
    """At the median size; half of it grows with size."""
    drift: Drift = field(default_factory=Drift)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What one request would meet on one route."""

    middle: float
    """Seconds that the shape's 1 stands for."""
    fails: float
    fail_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Two routes, a stream of requests and what happens meanwhile."""

    name: str
    seed: int
    rate: float
    """Requests per second, at random."""
    seconds: float
    sides: Mapping[RouteName, Side]
    mix: Mapping[OperationClass, float]
    """Weights of the classes."""
    size_sd: float = 0.9
    """Standard deviation of the logarithm of size."""
    events: Sequence[Event] = ()

    def state(self, t: float, op_class: OperationClass, size: float, route: RouteName, *, late: float = 0.0) -> State:
        """The system as it is for a request sent at `t`; `late`: with the events of so many usual medians earlier."""
        side = self.sides[route]
        middle = side.medians[op_class] * side.drift.factor(t)
        ratio = size / SIZE
        middle *= 1 - side.growth + side.growth * ratio if side.linear else ratio**side.growth
        fails, fail_seconds = side.fails, None
        known = t - late * middle
        for event in self.events:
            if event.hits(known, route, op_class):
                middle *= event.slow
                if event.fails > fails:
                    fails, fail_seconds = event.fails, event.fail_seconds
        return State(middle=middle, fails=fails, fail_seconds=fail_seconds)

    def truth(
        self, t: float, op_class: OperationClass, size: float, route: RouteName, deadline: float, *, late: float = 0.0
    ) -> tuple[float, float]:
        """P(success in time) and E[min(latency, deadline)] in seconds."""
        state = self.state(t, op_class, size, route, late=late)
        in_time, seconds = self.sides[route].shape.within(state.middle, deadline)
        failed = seconds if state.fail_seconds is None else min(state.fail_seconds, deadline)
        return (1 - state.fails) * in_time, (1 - state.fails) * seconds + state.fails * failed

    def utilities(self, row: Row, *, late: float = 0.0) -> dict[RouteName, float]:
        """Expected utility of each route that the class may take, by the product's own weights."""
        found: dict[RouteName, float] = {}
        for route in RouteName:
            if route in shipped().rules[row.op_class].may:
                p, seconds = self.truth(row.t, row.op_class, row.size, route, row.deadline, late=late)
                found[route] = WEIGHTS.success * p - WEIGHTS.usd * row.usd[route] - WEIGHTS.ms * seconds * 1000
        return found

    def eventful(self, t: float) -> bool:
        """Whether anything is happening to any route."""
        return any(event.start <= t < event.stop for event in self.events)

    def rows(self) -> Iterator[Row]:
        """The requests, in order of time; the same for the same seed."""
        random = Random(f"{self.name} {self.seed}")  # noqa: S311 - a fixed world
        classes, weights = list(self.mix), list(self.mix.values())
        t, number = random.expovariate(self.rate), 0
        while t < self.seconds:
            op_class = random.choices(classes, weights)[0]
            size = SIZE * math.exp(random.gauss(0.0, self.size_sd))
            seconds: dict[RouteName, float] = {}
            ok: dict[RouteName, bool] = {}
            for route, side in self.sides.items():
                state = self.state(t, op_class, size, route)
                ok[route] = random.random() >= state.fails
                latency = side.shape.draw(random.random()) * state.middle
                seconds[route] = latency if ok[route] or state.fail_seconds is None else state.fail_seconds
            yield Row(
                i=number,
                t=t,
                op_class=op_class,
                size=size,
                seconds=seconds,
                ok=ok,
                usd={route: side.usd * (0.5 + 0.5 * size / SIZE) for route, side in self.sides.items()},
                deadline=shipped().rules[op_class].deadline,
            )
            t, number = t + random.expovariate(self.rate), number + 1
