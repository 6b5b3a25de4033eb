"""How soon gray failures are seen, how often one is seen that isn't there, and how soon it is over.

Once by calls alone, and once with the probes that a doubt sets off; beside both, what no test could do better by
calls alone. Virtual time, one call a second. Run: python -m benchmarks.gray [--trials 1000] [--calm 20]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from math import ceil, comb

from bedrock_support.routing.model import Attempt, Failure, FailureKind, ModelRole, OperationClass, RouteName
from bedrock_support.telemetry.confirming import PACE, Confirmer
from bedrock_support.telemetry.gray import GrayDetector
from tests.fakes import FakeClock

CALM, WARM, ASKED = 10_000, 200, 20
SIGMA, FAILS, FAILING = 0.4, 0.005, 0.3
"""Calm traffic: spread of log seconds and share of failures; one call a second. FAILING: the failure looked for."""
MODELS = {
    "a": (ModelRole.STANDARD, OperationClass.STANDARD, 1.0),
    "b": (ModelRole.DEEP, OperationClass.BACKGROUND, 3.0),
}
_ROLES = {role: name for name, (role, _, _) in MODELS.items()}


class Traffic:
    """Two models of the direct route, asked in turn, one call a second; with `probing`, what a doubt sets off."""

    def __init__(self, seed: int, *, probing: bool = False, calm: float = FAILS) -> None:
        self.random, self.clock = random.Random(seed), FakeClock()  # noqa: S311 - seeded traffic
        self.detector = GrayDetector(self.clock)
        self.confirmer = Confirmer(detector=self.detector, clock=self.clock, ask=self._never)
        self.probing, self.usual = probing, calm
        self._fails = dict.fromkeys(MODELS, calm)
        """Share of failures of each model now."""

    async def _never(self, _: ModelRole) -> None:
        raise AssertionError("here the traffic itself sends what is due")

    def call(self, model: str = "a", slower: float = 1.0, fails: float | None = None) -> bool:
        """One call; True when any key is in alarm after it."""
        self.clock.time += 1.0
        self._fails[model] = self.usual if fails is None else fails
        self._attempt(model, slower, probe=False)
        if self.probing:
            now = self.clock.time
            while self.clock.time < now + 1.0 - PACE and (role := self.confirmer.due()) is not None:
                self._attempt(_ROLES[role], 0.3, probe=True)
                self.clock.time += PACE
            self.clock.time = now
        return bool(self.detector.alarms())

    def _attempt(self, model: str, slower: float, *, probe: bool) -> None:
        role, op_class, usual = MODELS[model]
        failed = self.random.random() < self._fails[model]
        self.detector.record(
            Attempt(
                route=RouteName.DIRECT,
                number=1,
                seconds=self.random.lognormvariate(0.0, SIGMA) * slower * usual,
                op_class=OperationClass.BACKGROUND if probe else op_class,
                budget=1000.0,
                model="" if failed else model,
                role=role,
                probe=probe,
                failure=Failure(kind=FailureKind.UNAVAILABLE, message="") if failed else None,
            )
        )

    def calm(self, calls: int) -> int:
        """False alarms in calm traffic of both models: times that the alarm went up."""
        states = [self.call("ab"[number % 2]) for number in range(calls)]
        return sum(now and not before for before, now in zip([False, *states], states, strict=False))


def trial(seed: int, *, slower: float = 1.0, fails: float = FAILS, probing: bool = False) -> tuple[int, int, int]:
    """Calls of the failing model until the alarm, probes beside them, and seconds from its recovery until all is over.

    999: never.
    """
    traffic = Traffic(seed, probing=probing)
    while traffic.calm(WARM):
        pass
    sent = traffic.confirmer.sent
    first = next((n for n in range(1, 200) if traffic.call("b", slower, fails)), 999)
    sent = traffic.confirmer.sent - sent
    back = next((n for n in range(1, 200) if not traffic.call("b")), 999)
    return first, sent, back


def bound(false: float, calm: float = FAILS) -> float:
    """The most of FAILING that any test of ASKED calls alone can find with `false` alarms in CALM calls (Neyman and
    Pearson): 10,000 calls are 500 times ASKED, and each has its share of the false alarms."""
    left, found = false * ASKED / CALM, 0.0
    for failures in range(ASKED, -1, -1):
        ways = comb(ASKED, failures)
        chance = ways * calm**failures * (1 - calm) ** (ASKED - failures)
        share = min(1.0, left / chance)
        found += share * ways * FAILING**failures * (1 - FAILING) ** (ASKED - failures)
        left -= share * chance
        if left <= 0:
            break
    return found


def lines(trials: int, calm: int) -> Iterator[str]:
    for probing in (False, True):
        title = "with probes" if probing else "by calls alone"
        runs = [Traffic(seed, probing=probing) for seed in range(calm)]
        false = [each.calm(CALM) for each in runs]
        sent = sum(each.confirmer.sent for each in runs) / (calm * CALM)
        none = sum(not each for each in false) / calm
        yield f"{title}: {sum(false)} alarms in {calm} x {CALM} calm calls, none in {none:.0%} of them"
        yield f"{title}: {sent:.1%} probes for each calm call"
        for name, slower, fails in (("5x slower", 5.0, FAILS), ("30 % fail", 1.0, FAILING)):
            found = [trial(seed, slower=slower, fails=fails, probing=probing) for seed in range(trials)]
            seen, back = sorted(each[0] for each in found), sorted(each[2] for each in found)
            within, healed = sum(n <= ASKED for n in seen) / trials, sum(n <= 30 for n in back) / trials
            at = ceil(0.95 * trials) - 1
            extra = sorted(each[1] for each in found)
            said = f", probes p50 {extra[trials // 2]} p95 {extra[at]}" if probing else ""
            calls = f"p50 {seen[trials // 2]}, p95 {seen[at]} calls to the alarm"
            yield f"{title}: {name}, {calls}, {within:.1%} in {ASKED}{said}"
            yield f"{title}: {name}, p50 {back[trials // 2]}, p95 {back[at]} s to recover, {healed:.1%} in 30 s"
    for false in (0.01, 0.05, 0.1):
        yield f"bound: {false:g} false alarms in {CALM} calls let {bound(false):.1%} be found in {ASKED} calls alone"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--calm", type=int, default=20)
    told = parser.parse_args()
    for line in lines(told.trials, told.calm):
        print(line, flush=True)


if __name__ == "__main__":
    main()
