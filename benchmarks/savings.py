"""What the optimizer saves, item by item and class by class, on a replay of support traffic.

Run: python -m benchmarks.savings [--asks 4000] [--every 6]
The distribution: seed 20261123, virtual time, so that answers grow old as `matrix.toml` says. Asks come by a Poisson
process, one every six seconds. Each is of a class by the shares in CLASSES, which also give the size of its evidence:
tokens by a log-normal law, cut at the class's own bound as ranking does. Of a class's asks one in twelve is of an
incident that nobody asked about, the rest are of 25 incidents by Zipf's law (1.1), with new times, ids and order of
evidence. Answers have as many tokens as a log-normal law with median 400 says (sigma 0.6), cut at the class's bound; of
the smallest models' answers 8 % lack something, of the middle ones' 3 %, and then the product's step up is paid too.

All of it goes to Bedrock: what agents' own models take over for free is not counted. The product's instructions are
part of each ask. Priced for the same asks with the product's table: one big model (Opus 5.5) without any cache; with
the answer cache; with the models that the product chooses, steps up included; with prompt caching, where a prefix is
read again within five minutes as the sandbox keeps it. Prints PASS when at least 70 % is saved against the first.
How good the smaller models' answers are, no replay can tell.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, replace
from random import Random

import anyio

from bedrock_support.routing.bedrock import wire
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.length import text_tokens
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
from bedrock_support.routing.optimizing.flight import Flights
from bedrock_support.routing.optimizing.memory import MemoryStore
from bedrock_support.routing.prices import price_of
from bedrock_support.server.sandbox.prefixes import Kept, Prefixes
from bedrock_support.tools.judging import system_prompt
from benchmarks.cache_traffic import EXPONENT, NEW_EVERY, OPUS, ROUTER, SEED, brief, lines

CLASSES = {
    OperationClass.EMERGENCY: (0.02, 900, 0.4),
    OperationClass.INFRASTRUCTURE: (0.08, 1500, 0.5),
    OperationClass.META_MONITOR: (0.08, 1500, 0.6),
    OperationClass.IMPLEMENTATION: (0.22, 2500, 0.5),
    OperationClass.KIRO_COMMUNICATION: (0.10, 500, 0.6),
    OperationClass.STANDARD: (0.35, 1600, 0.8),
    OperationClass.BACKGROUND: (0.15, 7000, 0.6),
}
"""Share of the asks, median tokens of evidence, sigma of its logarithm. Background asks are the deep ones."""
INCIDENTS = 25
"""Of each class."""
LACKING = {ModelRole.FAST: 0.08, ModelRole.STANDARD: 0.03, ModelRole.DEEP: 0.0}
ANSWER, ANSWER_SIGMA = 400, 0.6
BAR = 0.7
MODELS = BedrockSettings().models
RULES = shipped().rules


class Replayed:
    """A clock that the replay moves."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1.8e9 + self.time


@dataclass(slots=True)
class Sums:
    """Of one class, in USD."""

    asks: int = 0
    hits: int = 0
    tokens: int = 0
    big: float = 0.0
    cached: float = 0.0
    chosen: float = 0.0
    prompt: float = 0.0
    steps: int = 0
    step_usd: float = 0.0

    def add(self, other: Sums) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def usd(model: str, usage: Usage) -> float:
    """What it costs; the table must know it."""
    price = price_of(model)
    cost = price.usd(usage) if price is not None else None
    assert cost is not None
    return cost


class Replay:
    """The traffic, and the stand-in for the models."""

    def __init__(self) -> None:
        self.chance = Random(SEED)  # noqa: S311 - a load, no secret
        self.clock = Replayed()
        self.sums = {each: Sums() for each in CLASSES}
        self._prefixes = Prefixes()
        self._sizes: dict[tuple[OperationClass, int], int] = {}
        self._system = system_prompt()
        self._a_line = text_tokens(brief(lines(1, self.chance, 1), self.chance)) / 3

    def asked(self, number: int) -> Decision:
        """The next ask."""
        chance = self.chance
        op_class = chance.choices(list(CLASSES), [share for share, *_ in CLASSES.values()])[0]
        new = chance.random() < 1 / NEW_EVERY
        weights = [1.0 / rank**EXPONENT for rank in range(1, INCIDENTS + 1)]
        incident = 1000 + number if new else chance.choices(range(INCIDENTS), weights)[0]
        rule = RULES[op_class]
        _, middle, sigma = CLASSES[op_class]
        size = self._sizes.setdefault(
            (op_class, incident), min(rule.evidence_tokens, round(chance.lognormvariate(math.log(middle), sigma)))
        )
        base, threes = chance.randrange(30_000), max(1, round(size / self._a_line / 3))
        evidence = [line for at in range(threes) for line in lines(7 * incident + at, chance, base + at)]
        operation = Operation(
            id="bench",
            op_class=op_class,
            tool="triage_incident",
            system=self._system,
            brief=brief(evidence, chance),
            evidence_digest="0" * 64,
            deadline=self.clock.now() + rule.deadline,
            model_role=rule.role,
            max_tokens=rule.max_tokens,
        )
        cleared = Clearance(operation=operation, routes=frozenset({RouteName.DIRECT}))
        return ROUTER.decide(cleared, Conditions(routes={}), decision_id="d")

    async def ask(self, decision: Decision, long: int, sums: Sums) -> Outcome:
        """One call of the model that was chosen."""
        asked = decision.operation
        model = MODELS[asked.model_role]
        usage = Usage(
            input_tokens=text_tokens(asked.system) + text_tokens(asked.brief), output_tokens=min(long, asked.max_tokens)
        )
        step = any("a step up" in each for each in decision.model_choice)
        sums.cached += 0.0 if step else usd(OPUS, usage)
        sums.chosen += usd(model, usage)
        kept = self._prefixes.look(model, wire.body(asked, model), self.clock.now())
        assert isinstance(kept, Kept)
        part = replace(
            usage,
            input_tokens=max(0, usage.input_tokens - kept.read - kept.written),
            cache_read_tokens=kept.read,
            cache_write_tokens=kept.written,
        )
        cost = usd(model, part)
        sums.prompt += cost
        sums.steps += step
        sums.step_usd += cost if step else 0.0
        tried = Attempt(route=RouteName.DIRECT, number=1, seconds=2.0, op_class=asked.op_class, budget=9.0, usd=cost)
        cut = not step and self.chance.random() < LACKING[asked.model_role]
        answer = Reply(
            text='{"summary": "see E1"}',
            model=model,
            carrier=Carrier.BEDROCK,
            stop_reason="max_tokens" if cut else "end_turn",
            simulated=True,
        )
        return Outcome(operation=asked, decision=decision, attempts=(tried,), reply=answer)

    async def run(self, asks: int, every: float) -> None:
        """The replay."""
        store, threads = MemoryStore(self.clock, most=100_000), anyio.CapacityLimiter(4)
        optimizer = PerformanceOptimizer(
            answers=Answers(store, self.clock),
            flights=Flights(store, "bench", threads),
            budgets=None,
            spending=None,
            matrix=shipped(),
            clock=self.clock,
            worst_usd=lambda _: None,
            would_cost=lambda _: None,
            threads=threads,
            version="bench",
        )
        for number in range(asks):
            self.clock.time += self.chance.expovariate(1.0 / every)
            decision = self.asked(number)
            sums, asked = self.sums[decision.operation.op_class], decision.operation
            long = round(self.chance.lognormvariate(math.log(ANSWER), ANSWER_SIGMA))
            tokens = text_tokens(asked.brief)
            read = text_tokens(asked.system) + tokens
            sums.asks += 1
            sums.tokens += tokens
            sums.big += usd(OPUS, Usage(input_tokens=read, output_tokens=min(long, asked.max_tokens)))

            async def ask(chosen: Decision, long: int = long, sums: Sums = sums) -> Outcome:
                return await self.ask(chosen, long, sums)

            sums.hits += (await optimizer.run(decision, ask)).cached is not None


def told(replay: Replay) -> float:
    """Print all of it; the share saved."""
    whole = Sums()
    print("class                asks  tokens  from memory   big model USD    spent USD   saved   steps up")
    for op_class, each in replay.sums.items():
        whole.add(each)
        print(
            f"{op_class.value:19s} {each.asks:5d} {each.tokens / max(1, each.asks):7.0f} "
            f"{each.hits / max(1, each.asks):12.1%} "
            f"{each.big:15.4f} {each.prompt:12.4f} {1 - each.prompt / each.big:7.1%} {each.steps:6d}"
        )
    print(f"{whole.asks} asks, {whole.hits / whole.asks:.1%} from memory; one big model, no cache: {whole.big:.4f} USD")
    before = whole.big
    for name, after in (
        ("answer cache", whole.cached),
        (f"model choice (with {whole.steps} steps up)", whole.chosen),
        ("prompt caching", whole.prompt),
    ):
        print(
            f"{name}: {before:.4f} -> {after:.4f} USD, saves {(before - after) / whole.big:.1%} of the first sum, "
            f"{1 - after / before:.1%} of what was left"
        )
        before = after
    print(f"steps up cost {whole.step_usd:.4f} USD of it")
    return 1 - whole.prompt / whole.big


def main() -> None:
    """Measure and print; ends with 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asks", type=int, default=4000)
    parser.add_argument(
        "--every", type=float, default=6.0, help="seconds of replayed time between two asks, at the mean"
    )
    given = parser.parse_args()
    replay = Replay()
    anyio.run(replay.run, given.asks, given.every)
    saved = told(replay)
    print(f"saved in all: {saved:.1%} (bar {BAR:.0%}) {'PASS' if saved >= BAR else 'MISSED'}")
    sys.exit(0 if saved >= BAR else 1)


if __name__ == "__main__":
    main()
