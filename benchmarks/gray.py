"""How soon gray failures are seen, how often one is seen that isn't there, and how soon it is over.

Run: python benchmarks/gray.py
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from math import ceil
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bedrock_support.routing.model import Attempt, Failure, FailureKind, OperationClass, RouteName
from bedrock_support.telemetry.gray import GrayDetector
from tests.fakes import FakeClock

TRIALS, CALM, WARM = 200, 10_000, 200
SIGMA, FAILS = 0.4, 0.005
"""Calm traffic: spread of log seconds and share of failures; one call a second."""


class Traffic:
    """Two models of one route, asked in turn, one call a second."""

    def __init__(self, seed: int) -> None:
        self.random, self.clock = random.Random(seed), FakeClock()  # noqa: S311 - seeded traffic
        self.detector = GrayDetector(self.clock)

    def call(self, model: str = "a", slower: float = 1.0, fails: float = FAILS) -> bool:
        """One call; True when any key is in alarm after it."""
        self.clock.time += 1.0
        failed = self.random.random() < fails
        failure = Failure(kind=FailureKind.UNAVAILABLE, message="") if failed else None
        self.detector.record(
            Attempt(
                route=RouteName.DIRECT,
                number=1,
                seconds=self.random.lognormvariate(0.0, SIGMA) * slower * (3.0 if model == "b" else 1.0),
                op_class=OperationClass.STANDARD if model == "a" else OperationClass.BACKGROUND,
                budget=1000.0,
                model=model,
                failure=failure,
            )
        )
        return bool(self.detector.alarms())

    def calm(self, calls: int) -> int:
        """False alarms in calm traffic of both models: times that the alarm went up."""
        states = [self.call("ab"[number % 2]) for number in range(calls)]
        return sum(now and not before for before, now in zip([False, *states], states, strict=False))


def trial(seed: int, *, slower: float = 1.0, fails: float = FAILS) -> tuple[int, int]:
    """Calls of the failing model until the alarm, and seconds from its recovery until the alarm is over; 999: never."""
    traffic = Traffic(seed)
    while traffic.calm(WARM):
        pass
    first = next((n for n in range(1, 200) if traffic.call("b", slower, fails)), 999)
    back = next((n for n in range(1, 200) if not traffic.call("b")), 999)
    return first, back


def lines() -> Iterator[str]:
    false = sum(Traffic(seed).calm(CALM) for seed in range(10))
    yield f"calm: {false} alarms in 10 x {CALM} calls"
    for name, found in (
        ("5x slower", [trial(seed, slower=5.0) for seed in range(TRIALS)]),
        ("30 % fail", [trial(seed, fails=0.3) for seed in range(TRIALS)]),
    ):
        seen, back = sorted(each[0] for each in found), sorted(each[1] for each in found)
        within, healed = sum(n <= 20 for n in seen) / TRIALS, sum(n <= 30 for n in back) / TRIALS
        at = ceil(0.95 * TRIALS) - 1
        yield f"{name}: p50 {seen[TRIALS // 2]}, p95 {seen[at]} calls to the alarm, {within:.1%} within 20"
        yield f"{name}: p50 {back[TRIALS // 2]}, p95 {back[at]} s to recover at one call a second, {healed:.1%} in 30 s"


if __name__ == "__main__":
    for line in lines():
        print(line)
