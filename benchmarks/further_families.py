"""The further families, drawn by a seed: what is special about each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from statistics import NormalDist
from types import MappingProxyType

from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import OperationClass, RouteName
from benchmarks.further import TICK, Course, FurtherWorld, Law, episodes
from benchmarks.latencies import Shape, log_normal, shape, shifted_exponential, uniform, weibull

_NORMAL = NormalDist()


def log_logistic(k: float) -> Shape:
    """A polynomial tail without an edge anywhere."""
    return shape(f"log-logistic({k})", lambda p: (p / (1 - p)) ** (1 / k))


def log_student(scale: float) -> Shape:
    """Log-latency by Student's t with two degrees of freedom: outliers on both sides, at most 50 times off."""

    def quantile(p: float) -> float:
        t = (2 * p - 1) / math.sqrt(2 * p * (1 - p))
        return math.exp(max(-3.9, min(3.9, scale * t)))

    return shape(f"log-student({scale})", quantile)


def inverse_gaussian_like(skew: float) -> Shape:
    """A sinh-arcsinh bell: a short left side and a long right one, with no simple logarithm."""
    return shape(
        f"skewed({skew})",
        lambda p: (
            1 + 0.35 * math.sinh(_NORMAL.inv_cdf(p) * 0.6 + skew) - 0.35 * math.sinh(skew) if p > 0.02 else 0.45 + p * 5
        ),
    )


@dataclass(slots=True)
class Draft:
    """A world in the making: the usual draws, which a family then changes."""

    random: Random
    ticks: int
    hard: bool
    shapes: dict[RouteName, Shape]
    other: Shape
    ratio: dict[RouteName, float]
    courses: dict[RouteName, Course]
    sized: dict[RouteName, Callable[[float], float]]
    busy: list[bool]
    pace: list[float] = field(default_factory=list[float])
    size_sd: float = 0.9

    def struck(self, share_both: float) -> tuple[RouteName, ...]:
        """Whom the next trouble hits."""
        return tuple(RouteName) if self.random.random() < share_both else (self.random.choice(tuple(RouteName)),)

    def marks(self, ticks: range) -> None:
        for tick in ticks:
            self.busy[tick] = True


def switching(draft: Draft) -> None:
    """Each route is fast or slow by itself, memoryless, all the time."""
    random = draft.random
    for route in RouteName:
        draft.shapes[route] = log_logistic(random.uniform(3, 5))
        course, slow, tick = draft.courses[route], False, 0
        factor = random.uniform(2, 5)
        while tick < draft.ticks:
            lasts = int(random.expovariate(1 / (20 if slow else 45)) / TICK) + 1
            span = range(tick, min(draft.ticks, tick + lasts))
            if slow:
                draft.marks(span)
                for each in span:
                    course.slow[each] = factor
            slow, tick = not slow, tick + lasts


def ramps(draft: Draft) -> None:
    """Brown-outs that come and go by and by."""
    random = draft.random
    for route in RouteName:
        draft.shapes[route] = weibull(random.uniform(1.6, 3))
    for span in episodes(random, draft.ticks, (30, 80), (20, 80)):
        height, edge = random.uniform(3, 9), random.uniform(8, 15) / TICK
        draft.marks(span)
        for route in draft.struck(0.2):
            for tick in span:
                share = min(1.0, (tick - span.start) / edge, (span.stop - tick) / edge)
                draft.courses[route].slow[tick] *= 1 + (height - 1) * share


def cold_start(draft: Draft) -> None:
    """After each deployment, the first included, a route is slow and failing and warms up by and by."""
    random = draft.random
    for route in RouteName:
        draft.shapes[route] = log_logistic(random.uniform(2.5, 4))
        course, at = draft.courses[route], 0
        course.fail_seconds = random.choice((0.05, 1.0))
        while at < draft.ticks:
            height, fails, warm = random.uniform(2, 6), random.uniform(0, 0.4), random.uniform(8, 25)
            for tick in range(at, min(draft.ticks, at + int(80 / TICK))):
                left = math.exp(-(tick - at) * TICK / warm)
                course.slow[tick], course.fails[tick] = 1 + height * left, fails * left
            draft.marks(range(at, min(draft.ticks, at + int(2 * warm / TICK))))
            at += int(random.uniform(100, 260) / TICK)


def cache_flush(draft: Draft) -> None:
    """Most calls hit a cache; now and then it is emptied, and fills again."""
    random = draft.random
    for route in RouteName:
        hits = random.uniform(0.5, 0.8)
        draft.shapes[route] = log_normal(0.15)
        draft.ratio[route] = random.uniform(4, 9)
        course = draft.courses[route] = Course.even(draft.ticks, second=1 - hits)
        for span in episodes(random, draft.ticks, (30, 70), (60, 140)):
            draft.marks(span)
            for tick in span:
                course.second[tick] = 1 - hits * max(0.0, (tick - span.start) / len(span)) ** 2


def affine_size(draft: Draft) -> None:
    """A fixed part and one for each character, other ones on each route, and a dearer tier for what is long."""
    random = draft.random
    draft.size_sd = 1.3
    for route in RouteName:
        draft.shapes[route] = inverse_gaussian_like(random.uniform(0.3, 0.8))
        fixed, edge, tier = random.uniform(0.2, 0.9), random.uniform(2, 6), random.uniform(1, 1.8)

        def sized(ratio: float, fixed: float = fixed, edge: float = edge, tier: float = tier) -> float:
            return (fixed + (1 - fixed) * min(ratio, 40.0)) * (tier if ratio > edge else 1.0)

        draft.sized[route] = sized
    for span in episodes(random, draft.ticks, (15, 60), (30, 120)):
        draft.marks(span)
        height = random.uniform(2, 6)
        for route in draft.struck(0.2):
            for tick in span:
                draft.courses[route].slow[tick] *= height


def failing_bursts(draft: Draft) -> None:
    """Failures come in bursts of a few seconds, half of them on both routes and not equally bad."""
    random = draft.random
    for route in RouteName:
        draft.courses[route].fail_seconds = random.choice((0.03, 0.8, None))
    for span in episodes(random, draft.ticks, (4, 15), (15, 60)):
        draft.marks(span)
        for route in draft.struck(0.5):
            share = random.uniform(0.3, 1)
            for tick in span:
                draft.courses[route].fails[tick] = share


def wandering(draft: Draft) -> None:
    """Log-latency wanders around home without rest, on each route by itself."""
    random = draft.random
    for route in RouteName:
        draft.shapes[route] = weibull(random.uniform(1.2, 2.5))
        level, sd, memory = random.gauss(0, 0.4), random.uniform(0.25, 0.5), random.uniform(30, 90)
        keep = math.exp(-TICK / memory)
        for tick in range(draft.ticks):
            level = keep * level + math.sqrt(1 - keep * keep) * random.gauss(0, sd)
            draft.courses[route].slow[tick] = math.exp(level)
            draft.busy[tick] = draft.busy[tick] or abs(level) > 1.3 * sd


def loaded(draft: Draft) -> None:
    """Arrivals swell and ebb, and a route slows by how full it is; at its peak it turns some away."""
    random = draft.random
    period = random.uniform(90, 240)
    draft.pace = [1 + 0.8 * math.sin(2 * math.pi * tick * TICK / period) for tick in range(draft.ticks)]
    for route in RouteName:
        draft.shapes[route] = shifted_exponential(random.uniform(0.3, 0.7))
        course, room = draft.courses[route], random.uniform(2.0, 3.5)
        course.fail_seconds = 0.02
        for tick, pace in enumerate(draft.pace):
            use = pace / room
            course.slow[tick] = (1 - 1 / room) / (1 - use)
            course.fails[tick] = max(0.0, use - 0.75) * 1.5
            draft.busy[tick] = draft.busy[tick] or use > 0.7


def leaking(draft: Draft) -> None:
    """Latency climbs until the route is restarted, which takes seconds in which nothing is answered."""
    random = draft.random
    for route in RouteName:
        draft.shapes[route] = uniform(random.uniform(0.3, 0.6))
        course, at = draft.courses[route], int(random.uniform(-60, 0) / TICK)
        course.fail_seconds = random.choice((0.02, 3.0))
        while at < draft.ticks:
            lasts, height, down = random.uniform(60, 150) / TICK, random.uniform(2, 4), random.uniform(3, 8) / TICK
            for tick in range(max(0, at), min(draft.ticks, at + int(lasts))):
                course.slow[tick] = height ** ((tick - at) / lasts)
                draft.busy[tick] = draft.busy[tick] or tick - at > 0.7 * lasts
            for tick in range(max(0, at + int(lasts)), min(draft.ticks, at + int(lasts + down))):
                course.fails[tick] = 1.0
                draft.busy[tick] = True
            at += int(lasts + down)


def retry_ladder(draft: Draft) -> None:
    """Hidden retries upstream: an answer at once or one full pause later, which in trouble is the rule."""
    random = draft.random
    draft.other = uniform(0.06)
    for route in RouteName:
        draft.shapes[route] = uniform(0.15)
        draft.ratio[route] = random.uniform(3, 7)
        usual = random.uniform(0.02, 0.15)
        course = draft.courses[route] = Course.even(draft.ticks, second=usual)
        for span in episodes(random, draft.ticks, (20, 60), (40, 140)):
            draft.marks(span)
            second, fails = random.uniform(0.4, 0.95), random.choice((0.0, 0.15))
            for tick in span:
                course.second[tick], course.fails[tick] = second, fails


def large_only(draft: Draft) -> None:
    """What goes wrong goes wrong for long requests alone."""
    random = draft.random
    edge = random.uniform(900, 2500)
    for route in RouteName:
        draft.shapes[route] = log_logistic(random.uniform(3, 5))
        draft.courses[route].strikes = lambda op_class, size: size > edge
        draft.courses[route].fail_seconds = random.choice((0.1, None))
    for span in episodes(random, draft.ticks, (20, 60), (30, 120)):
        draft.marks(span)
        slow, fails = random.choice(((random.uniform(3, 8), 0.0), (1.5, random.uniform(0.3, 0.9))))
        for route in draft.struck(0.15):
            for tick in span:
                draft.courses[route].slow[tick], draft.courses[route].fails[tick] = slow, fails


def crowds(draft: Draft) -> None:
    """Requests come in crowds, latencies have outliers on both sides, and some hang in outages."""
    random = draft.random
    crowd = [2.6 if tick * TICK % 10 < 3 else 0.3 for tick in range(draft.ticks)]
    draft.pace = crowd
    for route in RouteName:
        draft.shapes[route] = log_student(random.uniform(0.15, 0.35))
        draft.courses[route].fail_seconds = 35.0
    for span in episodes(random, draft.ticks, (10, 50), (30, 120)):
        draft.marks(span)
        for route in draft.struck(0.25):
            hangs = random.uniform(0.15, 0.9)
            for tick in span:
                draft.courses[route].fails[tick] = hangs


FURTHER: Mapping[str, Callable[[Draft], None]] = MappingProxyType(
    {
        "switching": switching,
        "ramps": ramps,
        "cold-start": cold_start,
        "cache-flush": cache_flush,
        "affine-size": affine_size,
        "failing-bursts": failing_bursts,
        "wandering": wandering,
        "loaded": loaded,
        "leaking": leaking,
        "retry-ladder": retry_ladder,
        "large-only": large_only,
        "crowds": crowds,
    }
)
SEEN, HELD_OUT = tuple(FURTHER)[:6], tuple(FURTHER)[6:]
"""Families that were looked at while the learner was tuned, and those kept for its judgement."""


def further_world(
    name: str, seed: int, *, rate: float = 20.0, seconds: float = 600.0, hard: bool = False
) -> FurtherWorld:
    """A world of that family, the same for the same arguments; `hard` as in `random_world`. KeyError for others."""
    random = Random(f"further {name} {seed} {hard}")  # noqa: S311 - a fixed world
    ticks = int(seconds / TICK) + 1
    medians: dict[RouteName, dict[OperationClass, float]] = {route: {} for route in RouteName}
    for op_class in OperationClass:
        deadline = shipped().rules[op_class].deadline
        lowest, highest = (0.05 * deadline, 0.35 * deadline) if hard else (0.4, 4.0)
        middle = math.exp(random.uniform(math.log(lowest), math.log(highest)))
        for route in RouteName:
            medians[route][op_class] = middle * math.exp(random.gauss(0.0, 0.35))
    powers = {route: random.choice((0.0, 0.2, 0.5)) for route in RouteName}
    draft = Draft(
        random=random,
        ticks=ticks,
        hard=hard,
        shapes={route: log_normal(0.4) for route in RouteName},
        other=log_normal(0.3),
        ratio=dict.fromkeys(RouteName, 1.0),
        courses={route: Course.even(ticks) for route in RouteName},
        sized={route: lambda ratio, power=power: ratio**power for route, power in powers.items()},
        busy=[False] * ticks,
    )
    FURTHER[name](draft)
    laws = {
        route: Law(
            shape=draft.shapes[route],
            other=draft.other,
            ratio=draft.ratio[route],
            medians=medians[route],
            sized=draft.sized[route],
            fails=random.uniform(0.0, 0.012),
            usd=random.uniform(0.00005, 0.0008),
            course=draft.courses[route],
        )
        for route in RouteName
    }
    return FurtherWorld(
        name=name,
        seed=seed,
        rate=rate,
        seconds=seconds,
        laws=laws,
        mix={op_class: math.exp(random.gauss(0.0, 0.8)) for op_class in OperationClass},
        size_sd=draft.size_sd,
        pace=draft.pace,
        busy=draft.busy,
    )
