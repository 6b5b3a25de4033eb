"""How often a question is answered from memory, what that saves, and whether a question ever gets another's answer.

Run: python -m benchmarks.cache_traffic [--asks 5000] [--pairs 10000] [--json]
Incidents are drawn by Zipf's law (exponent 1.1, 60 incidents, seed 20261123); each ask is of one incident again, with
new times, request and trace ids and evidence in another order, but for every twelfth, which is of an incident that
nobody asked about. Questions go through the product's optimizer with a store on disk; the model behind it is a stand-in
that prices each call with the product's table. Near-miss pairs differ in one digit, one host or one severity.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from time import perf_counter
from uuid import UUID

import anyio
import anyio.to_thread

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Carrier,
    Clearance,
    Conditions,
    Decision,
    ModelRole,
    Operation,
    OperationClass,
    Outcome,
    Reply,
    RouteName,
    Usage,
)
from bedrock_support.routing.optimizer import PerformanceOptimizer
from bedrock_support.routing.optimizing.answers import Answers
from bedrock_support.routing.optimizing.canonical import canonical
from bedrock_support.routing.optimizing.flight import Flights
from bedrock_support.routing.optimizing.store import Store
from bedrock_support.routing.prices import price_of
from bedrock_support.routing.router import IntelligentRouter

SEED = 20261123
INCIDENTS, EXPONENT, NEW_EVERY = 60, 1.1, 12
SONNET, OPUS = "eu.anthropic.claude-sonnet-5-5", "eu.anthropic.claude-opus-5-5"
ERRORS = ("connection refused", "deadline exceeded", "out of memory", "permission denied", "no space left on device")
CLOCK = SystemClock()
ROUTER = IntelligentRouter(shipped())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of the traffic."""

    asks: int
    repeats: int
    """Asks of an incident that was asked about before."""
    hits: int
    hit_rate: float
    false_hits: int
    """Near-miss pairs with one key."""
    pairs: int
    usd: float
    usd_without_cache: float
    usd_one_big_model: float
    saved: float
    """Share saved against one big model and no cache."""
    get_us: float
    """Median of a look into the store on disk, in microseconds."""
    ask_ms: float
    """Median of a hit through the optimizer, in milliseconds."""


def lines(incident: int, chance: Random, base: int) -> list[str]:
    """The evidence of an incident as it looks when it is read at minute `base`."""
    host, error, size = incident % 17, ERRORS[incident % len(ERRORS)], 100 + incident
    at = f"2026-11-{1 + base // 1440 % 28:02}T{base // 60 % 24:02}:{base % 60:02}"
    return [
        f"{at}:{second:02}Z ERROR shop-{host}.internal {error} after {size} ms "
        f"request_id={chance.getrandbits(48):012x} trace={UUID(int=chance.getrandbits(128))}"
        for second in (1, 4, 9)
    ]


def brief(evidence: list[str], chance: Random) -> str:
    """The question as a tool words it."""
    quotes = [json.dumps({"id": f"E{n}", "quote": line}) for n, line in enumerate(evidence, 1)]
    chance.shuffle(quotes)
    mark = f"{chance.getrandbits(64):016x}"
    return "\n".join(["Triage this incident.", f"<evidence-{mark}>", *quotes, f"</evidence-{mark}>"])


def decided(text: str) -> Decision:
    """The decision on it."""
    operation = Operation(
        id="bench",
        op_class=OperationClass.STANDARD,
        tool="triage_incident",
        system="You judge incidents. " * 20,
        brief=text,
        evidence_digest="0" * 64,
        deadline=CLOCK.now() + 30,
        model_role=ModelRole.STANDARD,
    )
    cleared = Clearance(operation=operation, routes=frozenset(RouteName))
    return ROUTER.decide(cleared, Conditions(routes={}), decision_id="d")


def usage(text: str) -> Usage:
    """Tokens that a model would bill for it."""
    return Usage(input_tokens=len(text) // 4 + 100, output_tokens=400)


def priced(model: str, text: str) -> float:
    price = price_of(model)
    assert price is not None
    cost = price.usd(usage(text))
    assert cost is not None
    return cost


async def ask(decision: Decision) -> Outcome:
    """The stand-in for the model."""
    cost = priced(SONNET, decision.operation.brief)
    tried = Attempt(
        route=RouteName.DIRECT, number=1, seconds=2.0, op_class=decision.operation.op_class, budget=9.0, usd=cost
    )
    answer = Reply(text='{"summary": "see E1"}', model=SONNET, carrier=Carrier.BEDROCK, simulated=True)
    return Outcome(operation=decision.operation, decision=decision, attempts=(tried,), reply=answer)


def remembering(store: Store) -> PerformanceOptimizer:
    """An optimizer that gives answers again, and does nothing else."""
    threads = anyio.CapacityLimiter(4)
    return PerformanceOptimizer(
        answers=Answers(store, CLOCK),
        flights=Flights(store, "bench", threads),
        budgets=None,
        spending=None,
        matrix=shipped(),
        clock=CLOCK,
        worst_usd=lambda _: None,
        would_cost=lambda _: None,
        threads=threads,
        version="bench",
    )


async def traffic(asks: int, folder: Path) -> dict[str, float]:
    """The replay."""
    chance = Random(SEED)  # noqa: S311 - a load, no secret
    store = Store(folder)
    optimizer = remembering(store)
    weights = [1.0 / rank**EXPONENT for rank in range(1, INCIDENTS + 1)]
    seen: set[int] = set()
    sums = {"repeats": 0.0, "hits": 0.0, "usd": 0.0, "without": 0.0, "big": 0.0}
    took: list[float] = []
    for number in range(asks):
        new = number % NEW_EVERY == 0
        incident = 1000 + number if new else chance.choices(range(INCIDENTS), weights)[0]
        sums["repeats"] += incident in seen
        seen.add(incident)
        text = brief(lines(incident, chance, chance.randrange(40_000)), chance)
        began = perf_counter()
        outcome = await optimizer.run(decided(text), ask)
        if outcome.cached is not None:
            sums["hits"] += 1
            took.append(perf_counter() - began)
        sums["usd"] += sum(each.usd or 0.0 for each in outcome.attempts)
        sums["without"] += priced(SONNET, text)
        sums["big"] += priced(OPUS, text)
    await anyio.to_thread.run_sync(store.close)
    return sums | {"ask_ms": sorted(took)[len(took) // 2] * 1e3}


def look_seconds(folder: Path) -> float:
    """Median of a look into the store on disk."""
    store = Store(folder)
    store.set("look", b"x" * 3000, 60)
    looks: list[float] = []
    for _ in range(5000):
        began = perf_counter()
        store.get("look")
        looks.append(perf_counter() - began)
    store.close()
    return sorted(looks)[2500]


def false_hits(pairs: int) -> int:
    """Pairs of questions that differ in what matters and yet come down to the same."""
    chance = Random(SEED + 1)  # noqa: S311
    wrong = 0
    for _ in range(pairs):
        evidence = lines(chance.randrange(INCIDENTS), chance, chance.randrange(40_000))
        at = chance.randrange(len(evidence))
        how = chance.choice(("digit", "host", "severity"))
        if how == "digit":
            head, _, tail = evidence[at].partition(" after ")
            number, _, rest = tail.partition(" ms")
            place = chance.randrange(len(number))
            digit = chance.choice([each for each in "0123456789" if each != number[place]])
            changed = f"{head} after {number[:place]}{digit}{number[place + 1 :]} ms{rest}"
        elif how == "host":
            changed = evidence[at].replace("shop-", "stop-")
        else:
            changed = evidence[at].replace("ERROR", chance.choice(("WARN", "FATAL")))
        other = [changed if n == at else line for n, line in enumerate(evidence)]
        wrong += canonical(brief(evidence, chance), {}).text == canonical(brief(other, chance), {}).text
    return wrong


def measure(asks: int, pairs: int) -> Found:
    """Everything."""
    with tempfile.TemporaryDirectory() as folder:
        told = anyio.run(traffic, asks, Path(folder))
        look = look_seconds(Path(folder))
    return Found(
        asks=asks,
        repeats=int(told["repeats"]),
        hits=int(told["hits"]),
        hit_rate=told["hits"] / asks,
        false_hits=false_hits(pairs),
        pairs=pairs,
        usd=told["usd"],
        usd_without_cache=told["without"],
        usd_one_big_model=told["big"],
        saved=1.0 - told["usd"] / told["big"],
        get_us=look * 1e6,
        ask_ms=told["ask_ms"],
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asks", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.asks, given.pairs)
    if given.json:
        print(json.dumps(asdict(found), indent=1))
        return
    print(f"{found.asks} asks, {found.repeats} of them repeats: {found.hit_rate:.1%} answered from memory")
    print(f"{found.false_hits} of {found.pairs} near-miss pairs have one key")
    print(
        f"spent {found.usd:.4f} USD; without the cache {found.usd_without_cache:.4f}; one big model and no cache "
        f"{found.usd_one_big_model:.4f}: saved {found.saved:.1%}"
    )
    print(f"a look into the store: {found.get_us:.1f} us; a hit through the optimizer: {found.ask_ms:.2f} ms (medians)")


if __name__ == "__main__":
    main()
