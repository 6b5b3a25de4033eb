"""How often the router takes the best route, judged ex ante in worlds whose truth is known, beside its peers.

    python -m benchmarks.routing_quality [--seeds 5] [--seconds 600] [--rate 20] [--families shapes]
        [--policies all] [--difficulty alternate|both|easy|hard] [--json]

--families: names separated by commas, `shapes` (seven families of latency under every kind of event), `situations`
(one kind of event, drift, size, cost or near ties each), `all` of these, `seen` or `held-out` (six further families
each, see `further_families.py`; the learner was tuned with an eye to the first six only). Every seed is one world; in
`hard` ones latencies lie near the deadlines, and `alternate` makes the odd seeds hard. Every learner runs in the
product's replay, with its router, its health and its probe policy, and sees only what it chose or probed.

A decision is optimal (ODR) when the expected utility of the route taken, success in time - 60/USD - 0.02/s under the
true state of the moment, is at most 0.01 below the best feasible one's. The rates count decisions with two feasible
routes only; `all` adds those with one. `calm` and `event` are the times without and with an event on any route, `cold`
the first 200 decisions. `regret` is normalised: 0 the oracle, 1 always wrong. `us` is processor time per decision of
the whole replay: estimates, router, health, probes and learning. `min` is the worst world's ODR.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from benchmarks.further_families import FURTHER, HELD_OUT, SEEN, further_world
from benchmarks.policies import NAMES, policy
from benchmarks.situations import SHAPES, SITUATIONS, random_world
from benchmarks.tally import EPSILONS, Tally

CORES = 2
HARD: dict[str, Callable[[int], Sequence[bool]]] = {
    "alternate": lambda seed: (bool(seed % 2),),
    "both": lambda seed: (False, True),
    "easy": lambda seed: (False,),
    "hard": lambda seed: (True,),
}
"""Difficulties in which a seed is played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One world, and who decides in it."""

    family: str
    seed: int
    hard: bool
    rate: float
    seconds: float
    policies: Sequence[str]


def play(job: Job) -> dict[str, Tally]:
    """Every policy through the same world."""
    draw = further_world if job.family in FURTHER else random_world
    world = draw(job.family, job.seed, rate=job.rate, seconds=job.seconds, hard=job.hard)
    rows = list(world.rows())
    truths = [world.utilities(row) for row in rows]
    eventful = [world.eventful(row.t) for row in rows]
    found: dict[str, Tally] = {}
    for name in job.policies:
        decider, tally = policy(name, world), Tally()
        began = time.process_time()
        decisions = [decider.decide(row, truth) for row, truth in zip(rows, truths, strict=True)]
        tally.cpu_seconds = time.process_time() - began
        for row, truth, (chosen, probes), busy in zip(rows, truths, decisions, eventful, strict=True):
            tally.add(row, truth, chosen, probes, eventful=busy)
        found[name] = tally
    return found


@dataclass(slots=True)
class Result:
    """All worlds of one family for one policy."""

    total: Tally
    worst: float = 1.0

    def add(self, tally: Tally) -> None:
        self.total.merge(tally)
        self.worst = min(self.worst, tally.optimal.rate)


Table = dict[tuple[str, bool], dict[str, Result]]


def measure(jobs: Sequence[Job], *, cores: int = CORES) -> Table:
    """Results by family and difficulty, then by policy."""
    table: Table = {}
    # Fresh processes: a fork would carry over whatever threads the caller has.
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        for job, tallies in zip(jobs, pool.map(play, jobs), strict=True):
            results = table.setdefault((job.family, job.hard), {})
            for name, tally in tallies.items():
                results.setdefault(name, Result(Tally())).add(tally)
    return table


def summed(table: Table) -> dict[str, Result]:
    """Every world together."""
    total: dict[str, Result] = {}
    for results in table.values():
        for name, result in results.items():
            into = total.setdefault(name, Result(Tally()))
            into.total.merge(result.total)
            into.worst = min(into.worst, result.worst)
    return total


def figures(result: Result) -> dict[str, Any]:
    """What is printed, by name; rates are shares."""
    tally = result.total
    low, high = tally.optimal.interval()
    return {
        "n": tally.decisions,
        "single_share": tally.single / max(1, tally.decisions),
        "forbidden": tally.forbidden,
        **{f"odr_{epsilon:g}": count.rate for epsilon, count in zip(EPSILONS, tally.overall, strict=True)},
        "odr_interval": [low, high],
        "odr_all": tally.everything.rate,
        "calm": tally.calm.rate,
        "event": tally.event.rate,
        "cold": tally.cold.rate,
        "min": result.worst,
        "normalised_regret": tally.normalised,
        "mean_regret": tally.regret / max(1, tally.decisions),
        "slo": tally.in_time / max(1, tally.decisions),
        "probes": tally.probes / max(1, tally.decisions),
        "us": 1e6 * tally.cpu_seconds / max(1, tally.decisions),
    }


HEAD = (
    f"{'':18} {'ODR':>6} {'all':>6} {'calm':>6} {'event':>6} {'cold':>6} {'min':>6} "
    f"{'regret':>7} {'slo':>6} {'probes':>6} {'us':>5}"
)


def lines(title: str, results: dict[str, Result]) -> list[str]:
    """A block of the printed table; rates in percent."""
    count = next(iter(results.values())).total
    said = [f"{title}: {count.decisions} decisions, {count.decisions - count.single} between two routes", HEAD]
    for name, result in results.items():
        shown = figures(result)
        rates = " ".join(
            f"{'-':>6}" if shown[each] != shown[each] else f"{100 * shown[each]:6.1f}"
            for each in ("odr_0.01", "odr_all", "calm", "event", "cold", "min")
        )
        said.append(
            f"{name:18} {rates} {shown['normalised_regret']:7.4f} {100 * shown['slo']:6.1f} "
            f"{100 * shown['probes']:6.1f} {shown['us']:5.0f}"
        )
    return said


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--families", default="shapes")
    parser.add_argument("--policies", default="all")
    parser.add_argument("--difficulty", choices=tuple(HARD), default="alternate")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args(argv)
    groups = {
        "shapes": SHAPES,
        "situations": tuple(SITUATIONS)[len(SHAPES) :],
        "all": tuple(SITUATIONS),
        "seen": SEEN,
        "held-out": HELD_OUT,
    }
    families = groups.get(wanted.families) or tuple(wanted.families.split(","))
    policies = NAMES if wanted.policies == "all" else tuple(wanted.policies.split(","))
    for given, known in ((families, {*SITUATIONS, *FURTHER}), (policies, NAMES)):
        if unknown := [each for each in given if each not in known]:
            sys.stderr.write(f"routing_quality: {', '.join(unknown)}: unknown; there are {', '.join(sorted(known))}\n")
            return 2
    seeds = range(wanted.first_seed, wanted.first_seed + wanted.seeds)
    jobs = [
        Job(family=family, seed=seed, hard=hard, rate=wanted.rate, seconds=wanted.seconds, policies=policies)
        for family in families
        for seed in seeds
        for hard in HARD[wanted.difficulty](seed)
    ]
    table = measure(jobs)
    if wanted.json:
        rows = [
            {"family": family, "hard": hard, "policy": name, **figures(result)}
            for (family, hard), results in table.items()
            for name, result in results.items()
        ]
        rows += [{"family": "every", "policy": name, **figures(result)} for name, result in summed(table).items()]
        print(json.dumps(rows))
        return 0
    for (family, hard), results in table.items():
        print("\n".join(lines(f"{family}{', hard' if hard else ''}", results)), end="\n\n")
    print("\n".join(lines("every world", summed(table))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
