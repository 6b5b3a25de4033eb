"""Worlds drawn by a seed: seven families of latency under all events, and situations of one kind each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import OperationClass, RouteName
from benchmarks.latencies import families
from benchmarks.worlds import KINDS, Drift, Event, Side, World

BOTH = tuple(RouteName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What sets a world apart from the usual ones."""

    family: str = "mixed"
    kinds: Sequence[str] = KINDS
    """Kinds of event; none at all where it is empty."""
    together: float = 0.15
    """Share of the events that strike both routes."""
    apart: float = 0.35
    """Standard deviation of the logarithm by which the routes' medians differ."""
    growths: Sequence[float] = (0.0, 0.2, 0.5)
    linear: bool = False
    size_sd: float = 0.9
    usd: tuple[float, float] = (0.00005, 0.0008)
    """Lowest and highest price at the median size."""
    slope: float = 0.0
    """Largest drift of a route: growth of log-latency per second."""
    swing: float = 0.0


SHAPES = tuple(families())
SITUATIONS = {name: Situation(family=name) for name in SHAPES} | {
    "brown-out": Situation(kinds=("brown-out",)),
    "partial": Situation(kinds=("partial",)),
    "outage-fast": Situation(kinds=("outage-fast",)),
    "outage-slow": Situation(kinds=("outage-slow",)),
    "hang": Situation(kinds=("hang",)),
    "gray": Situation(kinds=("gray",)),
    "throttle": Situation(kinds=("throttle",)),
    "correlated": Situation(together=1.0),
    "drift-linear": Situation(kinds=(), slope=1.2 / 600),
    "drift-sine": Situation(kinds=(), swing=0.6),
    "size": Situation(growths=(0.0, 0.5, 0.9), linear=True, size_sd=1.2),
    "cost": Situation(usd=(0.0005, 0.006)),
    "near-ties": Situation(apart=0.03, growths=(0.2,), usd=(0.0003, 0.00035)),
}
"""By name; the first seven are named for their family."""


def random_world(name: str, seed: int, *, rate: float = 20.0, seconds: float = 600.0, hard: bool = False) -> World:
    """A world of the situation `name`, the same for the same arguments.

    With `hard`, medians are 5 to 35 % of the class's deadline, so that slow answers come too late; else 0.4 to 4 s,
    which seldom does. Raises KeyError where there is no such situation.
    """
    situation = SITUATIONS[name]
    random = Random(f"{name} {seed} {hard}")  # noqa: S311 - a fixed world
    medians: dict[RouteName, dict[OperationClass, float]] = {route: {} for route in RouteName}
    for op_class in OperationClass:
        deadline = shipped().rules[op_class].deadline
        lowest, highest = (0.05 * deadline, 0.35 * deadline) if hard else (0.4, 4.0)
        middle = math.exp(random.uniform(math.log(lowest), math.log(highest)))
        for route in RouteName:
            medians[route][op_class] = middle * math.exp(random.gauss(0.0, situation.apart))
    sides = {
        route: Side(
            shape=random.choice(families()[situation.family]),
            medians=medians[route],
            growth=random.choice(situation.growths),
            linear=situation.linear and route is RouteName.MCP,
            fails=random.uniform(0.0, 0.012),
            usd=random.uniform(*situation.usd),
            drift=Drift(
                slope=random.uniform(-situation.slope, situation.slope),
                swing=situation.swing * random.choice((-1, 1)),
                period=random.uniform(200, 400),
            ),
        )
        for route in RouteName
    }
    return World(
        name=name,
        seed=seed,
        rate=rate,
        seconds=seconds,
        sides=sides,
        mix={op_class: math.exp(random.gauss(0.0, 0.8)) for op_class in OperationClass},
        size_sd=situation.size_sd,
        events=_events(situation, random, seconds),
    )


def _events(situation: Situation, random: Random, seconds: float) -> list[Event]:
    """One after the other: 15 to 60 s each, with 20 to 120 s between."""
    found: list[Event] = []
    t = random.uniform(30, 60)
    while situation.kinds and t < seconds:
        stop = t + random.uniform(15, 60)
        routes = BOTH if random.random() < situation.together else (random.choice(BOTH),)
        found.append(_event(random.choice(situation.kinds), t, stop, routes, random))
        t = stop + random.uniform(20, 120)
    return found


def _event(kind: str, start: float, stop: float, routes: tuple[RouteName, ...], random: Random) -> Event:
    slow, fails, fail_seconds, op_class = 1.0, 0.0, None, None
    match kind:
        case "brown-out":
            slow = random.uniform(3, 10)
        case "partial":
            fails, fail_seconds = random.uniform(0.2, 0.6), random.choice((0.05, None))
        case "outage-fast":
            fails, fail_seconds = 1.0, 0.05
        case "outage-slow":
            fails, fail_seconds = 1.0, 2.0
        case "hang":
            fails, fail_seconds = 1.0, 30.0
        case "gray":
            op_class = random.choice(list(OperationClass))
            slow, fails = random.uniform(4, 8), random.choice((0.0, 0.5))
        case "throttle":
            fails, fail_seconds = random.uniform(0.3, 0.9), 0.02
        case _:
            raise ValueError(f"no such kind of event: {kind}")
    return Event(
        kind=kind,
        start=start,
        stop=stop,
        routes=routes,
        slow=slow,
        fails=fails,
        fail_seconds=fail_seconds,
        op_class=op_class,
    )
