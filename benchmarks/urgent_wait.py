"""How long an emergency waits for a place on a saturated route: our Line beside a plain first-come queue.

Run: python -m benchmarks.urgent_wait [--calls 1000] [--json]
Both get as many places and the same load, drawn anew for each round from the same seed: workers of every lower
urgency that hold a place for a while and at once ask for the next. Emergencies arrive one by one, then in bursts that
are larger than what Line keeps free for them, so that work less urgent is stopped, as dispatch stops questions:
critical ones last, and once only. Rounds are interleaved. The baseline is `anyio.CapacityLimiter`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass
from random import Random
from time import perf_counter

import anyio

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.limit import AdaptiveLimit
from bedrock_support.routing.line import Line
from bedrock_support.routing.model import Priority

SEED = 20261123
PLACES = 32
WAITING = 96
"""Workers beyond the places: what always waits."""
HOLD = 0.04
"""Mean seconds for which a place is held, exponentially distributed."""
WARM = 0.3
"""Seconds of load before the first emergency."""
EVERY = 0.012
"""Mean seconds between two emergencies; a burst of n comes after n times as long."""
BURSTS = (1, 20)
ROUNDS = 10
BAR = 0.1
"""What Line's 99th percentile may be of the baseline's."""
LOAD = (Priority.LOW,) * 5 + (Priority.MEDIUM,) * 2 + (Priority.HIGH, Priority.CRITICAL)
Place = Callable[[Priority, bool], AbstractAsyncContextManager[None]]
"""A place for work of that priority, which may be stopped or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Waiting of emergencies, in milliseconds."""

    calls: int
    p50: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Both sides under emergencies that arrive so many at once."""

    burst: int
    ours: Waits
    baseline: Waits
    ratio: float
    """Line's 99th percentile over the baseline's."""

    @property
    def kept(self) -> bool:
        return self.ratio <= BAR


def ours() -> Place:
    """Places of Line, with an adaptive limit that nothing has cut."""
    clock = SystemClock()
    line = Line(PLACES, AdaptiveLimit(PLACES, clock), clock)

    @asynccontextmanager
    async def place(priority: Priority, stoppable: bool) -> AsyncGenerator[None]:
        with anyio.CancelScope() as scope:
            held = await line.enter(priority, scope.cancel if stoppable else None)
            try:
                yield
            finally:
                line.leave(held)

    return place


def baseline() -> Place:
    """Places in order of arrival."""
    limiter = anyio.CapacityLimiter(PLACES)

    @asynccontextmanager
    async def place(priority: Priority, stoppable: bool) -> AsyncGenerator[None]:
        del priority, stoppable
        token = object()
        await limiter.acquire_on_behalf_of(token)
        try:
            yield
        finally:
            limiter.release_on_behalf_of(token)

    return place


async def measured(place: Place, calls: int, burst: int, seed: int) -> list[float]:
    """Seconds that each of `calls` emergencies waited."""
    chance = Random(seed)  # noqa: S311 - a load, no secret
    waits: list[float] = []

    async def work(priority: Priority) -> None:
        spared = False
        while True:
            stopped = True
            async with place(priority, not spared):
                await anyio.sleep(chance.expovariate(1 / HOLD))
                stopped = False
            spared = stopped and priority is Priority.CRITICAL

    async def emergency(hold: float) -> None:
        asked = perf_counter()
        async with place(Priority.EMERGENCY, False):
            waits.append(perf_counter() - asked)
            await anyio.sleep(hold)

    async with anyio.create_task_group() as load:
        for number in range(PLACES + WAITING):
            load.start_soon(work, LOAD[number % len(LOAD)])
        await anyio.sleep(WARM)
        async with anyio.create_task_group() as urgent:
            for number in range(calls):
                if number % burst == 0:
                    await anyio.sleep(chance.expovariate(1 / (EVERY * burst)))
                urgent.start_soon(emergency, chance.expovariate(1 / HOLD))
        load.cancel_scope.cancel()
    return waits


async def compared(calls: int, burst: int) -> Scene:
    """Both sides in turn, round by round."""
    waits: dict[Callable[[], Place], list[float]] = {ours: [], baseline: []}
    each = math.ceil(calls / ROUNDS)
    for number in range(ROUNDS):
        for side, found in waits.items():
            found += await measured(side(), each, burst, SEED + number)
    us, them = _waits(waits[ours]), _waits(waits[baseline])
    return Scene(burst=burst, ours=us, baseline=them, ratio=us.p99 / them.p99)


def _waits(seconds: Sequence[float]) -> Waits:
    inorder = sorted(each * 1000 for each in seconds)
    return Waits(calls=len(inorder), p50=at(inorder, 0.5), p99=at(inorder, 0.99), most=inorder[-1])


def at(inorder: Sequence[float], share: float) -> float:
    """The value that `share` of the sorted values don't pass; nearest rank."""
    return inorder[max(0, math.ceil(share * len(inorder)) - 1)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Emergency waiting time on a saturated route")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    scenes = [anyio.run(compared, given.calls, burst) for burst in BURSTS]
    if given.json:
        print(json.dumps([asdict(each) | {"kept": each.kept} for each in scenes], indent=1))
        return
    print(f"{PLACES} places, {WAITING} waiting, held {HOLD * 1000:g} ms on average, {given.calls} emergencies each")
    for scene in scenes:
        for name, side in (("line", scene.ours), ("fifo", scene.baseline)):
            print(f"in bursts of {scene.burst:2}  {name}: p50 {side.p50:8.2f} ms  p99 {side.p99:8.2f} ms")
        print(f"p99 ratio {scene.ratio:.4f}, at most {BAR}: {'PASS' if scene.kept else 'MISSED'}")


if __name__ == "__main__":
    main()
