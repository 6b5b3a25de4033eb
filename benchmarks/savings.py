"""What the optimizer saves, item by item, on the replay of benchmarks.cache_traffic.

Run: python -m benchmarks.savings [--asks 3000]
Every ask carries the product's own instructions. Four ways are priced for the same asks with the product's table and
its estimate of tokens: one big model (Opus 5.5) without any cache; with the answer cache; with the model that the
product chooses; with prompt caching, where a prefix is read again within five minutes as the sandbox keeps it. An ask
comes every twenty seconds of replayed time; an answer has 400 tokens, and no answer needs a step up. Prints PASS when
at least 70 % is saved against the first way.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

import anyio
import anyio.to_thread

from bedrock_support.routing.bedrock import wire
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.length import text_tokens
from bedrock_support.routing.model import Attempt, Carrier, Decision, Outcome, Reply, RouteName, Usage
from bedrock_support.routing.optimizing.store import Store
from bedrock_support.routing.prices import price_of
from bedrock_support.server.sandbox.prefixes import Kept, Prefixes
from bedrock_support.tools.judging import system_prompt
from benchmarks.cache_traffic import (
    EXPONENT,
    INCIDENTS,
    NEW_EVERY,
    OPUS,
    SEED,
    brief,
    decided,
    lines,
    remembering,
)

EVERY = 20.0
"""Seconds of replayed time between two asks."""
ANSWER = 400
BAR = 0.7
MODELS = BedrockSettings().models


def usd(model: str, usage: Usage) -> float:
    """What it costs; the table must know it."""
    price = price_of(model)
    cost = price.usd(usage) if price is not None else None
    assert cost is not None
    return cost


class Bill:
    """The four sums, and the stand-in for a model that adds to them."""

    def __init__(self) -> None:
        self.big = self.cached = self.chosen = self.prompt = 0.0
        self.now = 0.0
        self._prefixes = Prefixes()

    def plain(self, decision: Decision) -> Usage:
        """Tokens of a question without prompt caching."""
        asked = decision.operation
        return Usage(input_tokens=text_tokens(asked.system) + text_tokens(asked.brief), output_tokens=ANSWER)

    async def ask(self, decision: Decision) -> Outcome:
        """One call of the model that was chosen."""
        model, usage = MODELS[decision.operation.model_role], self.plain(decision)
        self.cached += usd(OPUS, usage)
        self.chosen += usd(model, usage)
        kept = self._prefixes.look(model, wire.body(decision.operation, model), self.now)
        assert isinstance(kept, Kept)
        part = replace(
            usage,
            input_tokens=max(0, usage.input_tokens - kept.read - kept.written),
            cache_read_tokens=kept.read,
            cache_write_tokens=kept.written,
        )
        cost = usd(model, part)
        self.prompt += cost
        tried = Attempt(
            route=RouteName.DIRECT, number=1, seconds=2.0, op_class=decision.operation.op_class, budget=9.0, usd=cost
        )
        answer = Reply(text='{"summary": "see E1"}', model=model, carrier=Carrier.BEDROCK, simulated=True)
        return Outcome(operation=decision.operation, decision=decision, attempts=(tried,), reply=answer)


async def replay(asks: int, folder: Path) -> tuple[Bill, int]:
    """The sums, and how many asks were answered from memory."""
    chance, bill, hits = Random(SEED), Bill(), 0  # noqa: S311 - a load, no secret
    store = Store(folder)
    optimizer = remembering(store)
    weights = [1.0 / rank**EXPONENT for rank in range(1, INCIDENTS + 1)]
    for number in range(asks):
        bill.now = number * EVERY
        incident = 1000 + number if number % NEW_EVERY == 0 else chance.choices(range(INCIDENTS), weights)[0]
        one = decided(brief(lines(incident, chance, chance.randrange(40_000)), chance))
        asked = replace(one.operation, system=system_prompt())
        one = replace(one, clearance=replace(one.clearance, operation=asked))
        bill.big += usd(OPUS, bill.plain(one))
        hits += (await optimizer.run(one, bill.ask)).cached is not None
    await anyio.to_thread.run_sync(store.close)
    return bill, hits


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asks", type=int, default=3000)
    asks: int = parser.parse_args().asks
    with tempfile.TemporaryDirectory() as folder:
        bill, hits = anyio.run(replay, asks, Path(folder))
    print(f"{asks} asks, {hits / asks:.1%} answered from memory; one big model, no cache: {bill.big:.4f} USD")
    before = bill.big
    for name, after in (("answer cache", bill.cached), ("model choice", bill.chosen), ("prompt caching", bill.prompt)):
        print(
            f"{name}: {before:.4f} -> {after:.4f} USD, saves {(before - after) / bill.big:.1%} of the first sum, "
            f"{1 - after / before:.1%} of what was left"
        )
        before = after
    saved = 1 - bill.prompt / bill.big
    print(f"saved in all: {saved:.1%} (bar {BAR:.0%}) {'PASS' if saved >= BAR else 'FAIL'}")


if __name__ == "__main__":
    main()
