"""Worlds of twelve further families, unlike those that the learner was first built against: nothing here is a step.

Speed and failures follow a course in time, a value for every quarter of a second: they ramp, switch, wander, climb
until a restart, come in bursts. Shares of a second hump change, sizes matter in other ways than by a power, arrivals
are uneven. The truth is as exact as in `worlds.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import OperationClass, RouteName
from benchmarks.latencies import Shape
from benchmarks.replay import Row
from benchmarks.worlds import SIZE, WEIGHTS

TICK = 0.25
"""Seconds for which a course holds one value."""


def always(op_class: OperationClass, size: float) -> bool:
    """Every request."""
    return True


@dataclass(slots=True, kw_only=True)
class Course:
    """What happens to one route, by tick."""

    slow: list[float]
    """Factor on every latency."""
    fails: list[float]
    """Share that fails beside the usual."""
    fail_seconds: float | None = None
    """How long such a failure takes; None as long as the answer would have."""
    second: list[float]
    """Share of the second hump."""
    strikes: Callable[[OperationClass, float], bool] = always
    """Which requests it happens to; the others are as usual."""

    @staticmethod
    def even(ticks: int, *, second: float = 0.0) -> Course:
        """Nothing happens."""
        return Course(slow=[1.0] * ticks, fails=[0.0] * ticks, second=[second] * ticks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One route."""

    shape: Shape
    other: Shape
    """The second hump's shape,"""
    ratio: float
    """and its middle beside the first one's."""
    medians: Mapping[OperationClass, float]
    sized: Callable[[float], float]
    """Factor on latency of a size over the median size."""
    fails: float
    usd: float
    course: Course


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherWorld:
    """Two routes, uneven arrivals, and the truth of both; asked like a `World`."""

    name: str
    seed: int
    rate: float
    """Requests per second on average."""
    seconds: float
    laws: Mapping[RouteName, Law]
    mix: Mapping[OperationClass, float]
    size_sd: float = 0.9
    pace: list[float] = field(default_factory=list[float])
    """Factor on the rate, by tick; none where it is even."""
    busy: list[bool] = field(default_factory=list[bool])
    """Ticks in which something happens."""

    def _moment(
        self, t: float, op_class: OperationClass, size: float, law: Law, late: float = 0.0
    ) -> tuple[float, float, float]:
        """Middle, failures of the course, and the second hump's share."""
        course, middle = law.course, law.medians[op_class] * law.sized(size / SIZE)
        tick = max(0, min(int((t - late * middle) / TICK), len(course.slow) - 1))
        if not course.strikes(op_class, size):
            return middle, 0.0, course.second[0]
        return middle * course.slow[tick], course.fails[tick], course.second[tick]

    def truth(
        self, t: float, op_class: OperationClass, size: float, route: RouteName, deadline: float, *, late: float = 0.0
    ) -> tuple[float, float]:
        """P(success in time) and E[min(latency, deadline)] in seconds; `late` as in `World.state`."""
        law = self.laws[route]
        middle, extra, second = self._moment(t, op_class, size, law, late)
        p, seconds = law.shape.within(middle, deadline)
        if second:
            p2, seconds2 = law.other.within(middle * law.ratio, deadline)
            p, seconds = (1 - second) * p + second * p2, (1 - second) * seconds + second * seconds2
        usual = (1 - law.fails) * p
        if not extra:
            return usual, seconds
        failed = seconds if law.course.fail_seconds is None else min(law.course.fail_seconds, deadline)
        return (1 - extra) * usual, (1 - extra) * seconds + extra * failed

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
        return self.busy[min(int(t / TICK), len(self.busy) - 1)]

    def _arrivals(self, random: Random) -> Iterator[float]:
        most = max(self.pace, default=1.0)
        t = random.expovariate(self.rate * most)
        while t < self.seconds:
            if not self.pace or random.random() * most < self.pace[min(int(t / TICK), len(self.pace) - 1)]:
                yield t
            t += random.expovariate(self.rate * most)

    def _drawn(self, t: float, op_class: OperationClass, size: float, law: Law, random: Random) -> tuple[float, bool]:
        middle, extra, second = self._moment(t, op_class, size, law)
        hump, times = (law.other, law.ratio) if random.random() < second else (law.shape, 1.0)
        latency = hump.draw(random.random()) * middle * times
        if random.random() < extra:
            return (latency if law.course.fail_seconds is None else law.course.fail_seconds), False
        return latency, random.random() >= law.fails

    def rows(self) -> Iterator[Row]:
        """The requests, in order of time; the same for the same seed."""
        random = Random(f"{self.name} {self.seed} rows")  # noqa: S311 - a fixed world
        classes, weights = list(self.mix), list(self.mix.values())
        for number, t in enumerate(self._arrivals(random)):
            op_class = random.choices(classes, weights)[0]
            size = SIZE * math.exp(random.gauss(0.0, self.size_sd))
            drawn = {route: self._drawn(t, op_class, size, law, random) for route, law in self.laws.items()}
            yield Row(
                i=number,
                t=t,
                op_class=op_class,
                size=size,
                seconds={route: each[0] for route, each in drawn.items()},
                ok={route: each[1] for route, each in drawn.items()},
                usd={route: law.usd * (0.5 + 0.5 * size / SIZE) for route, law in self.laws.items()},
                deadline=shipped().rules[op_class].deadline,
            )


def episodes(random: Random, ticks: int, lasts: tuple[float, float], pause: tuple[float, float]) -> Sequence[range]:
    """Ticks of spans of so many seconds with so many between them."""
    found: list[range] = []
    t = random.uniform(*pause)
    while t / TICK < ticks:
        stop = t + random.uniform(*lasts)
        found.append(range(int(t / TICK), min(ticks, int(stop / TICK))))
        t = stop + random.uniform(*pause)
    return found
