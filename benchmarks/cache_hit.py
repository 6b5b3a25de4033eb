"""What an answer from memory costs through the whole server, and which part of that is whose.

Run: python -m benchmarks.cache_hit [--calls 300]
A real server over stdio (`bedrock-support serve`, store and audit trail on disk, the simulated Bedrock behind it) is
asked the same by the official client again and again: that is the call as a client sees it. Most of it is reading the
log anew and the protocol; so the server is also built in this process and only the question to a model is timed:
`judge` (gate with redaction and audit trail on disk, decision, cache, sealing, ledger), in it `optimizer` (key, look,
answer in the question's own words), and `audit` (the wait for the trail's two records, which a disk decides). Beside
the times as the clock has them stands the processor time of the whole process per question, which other work on the
machine doesn't change.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import anyio
from mcp import Client, StdioServerParameters

from bedrock_support.routing.model import Decision, Operation, OperationClass, Outcome
from bedrock_support.routing.optimizer import PerformanceOptimizer
from bedrock_support.server.settings import load
from bedrock_support.server.wiring import House, build
from bedrock_support.tools.judging import system_prompt
from benchmarks.cache_traffic import brief, lines
from benchmarks.fallback_time import TimedCaller
from benchmarks.wire import environment, listening

BAR_MS = 1.0
INCIDENT, EVIDENCE = 7, 12
"""The incident of the question, and how many times its three lines stand in the brief (about 4 kB)."""
T = TypeVar("T")


class Watch:
    """Times of one part, in milliseconds."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.cpu: list[float] = []

    async def over(self, work: Awaitable[T]) -> T:
        began, cpu = time.perf_counter(), time.process_time()
        try:
            return await work
        finally:
            self.took.append((time.perf_counter() - began) * 1e3)
            self.cpu.append((time.process_time() - cpu) * 1e3)

    def told(self) -> str:
        ranked = sorted(self.took)
        late = ranked[-(-99 * len(ranked) // 100) - 1]
        return f"p50 {median(ranked):.3f} ms, p99 {late:.3f} ms, processor p50 {median(self.cpu):.3f} ms"


class TimedOptimizer(PerformanceOptimizer):
    """The optimizer, timed."""

    watch = Watch()

    async def run(
        self,
        decision: Decision,
        ask: Callable[[Decision], Awaitable[Outcome]],
        renew: Callable[[], bool] | None = None,
    ) -> Outcome:
        return await self.watch.over(super().run(decision, ask, renew))


def question(number: int, base: Operation, chance: Any) -> Operation:
    """The same incident again, with new times and ids."""
    evidence = [line for at in range(EVIDENCE) for line in lines(INCIDENT + at, chance, 600 + number + at)]
    return replace(base, id=f"op-{number}", brief=brief(evidence, chance))


async def inside(calls: int, settings: dict[str, str]) -> None:
    """The question alone, in this process."""
    from random import Random

    chance = Random(7)  # noqa: S311 - a load, no secret
    server: House = build(load(settings))
    timed = TimedOptimizer(**{name: getattr(server.saving.optimizer, name) for name in PerformanceOptimizer.__slots__})
    manager = replace(server.manager, optimizer=timed)
    caller = TimedCaller(0.01)
    judge, audit = Watch(), Watch()
    hits = length = 0
    async with server.running():
        for number in range(calls + 1):
            now = manager.clock.now()
            base = Operation(
                id="",
                op_class=OperationClass.STANDARD,
                tool="triage_incident",
                system=system_prompt(),
                brief="",
                evidence_digest="0" * 64,
                deadline=now + 30,
            )
            asked = question(number, base, chance)
            length = len(asked.brief)
            outcome = await judge.over(manager.judge(asked, caller))
            hits += outcome.cached is not None
            if server.audit is not None and outcome.decision is not None:
                clearance = outcome.decision.clearance
                await audit.over(manager.compliance.settle(outcome, clearance, "benchmark"))
    await server.aclose()
    for watch in (judge, timed.watch, audit):
        del watch.took[:1], watch.cpu[:1]  # asked, not remembered
    print(f"question alone, {hits} of {calls + 1} from memory, brief of {length} characters")
    print(f"  judge (ours: gate, audit trail, decision, cache, sealing): {judge.told()}")
    print(f"  optimizer (ours: key, look, the question's own words): {timed.watch.told()}")
    if audit.took:
        print(f"  audit (the wait for one record on disk; judge waits for two): {audit.told()}")
    for name, watch in (("optimizer", timed.watch), ("judge", judge)):
        print(f"  {name} p50 <= {BAR_MS:g} ms: {'PASS' if median(watch.took) <= BAR_MS else 'MISSED'}")


async def outside(calls: int, settings: dict[str, str], folder: Path) -> None:
    """The whole call, by the official client over stdio."""
    log = folder / "shop.log"
    log.write_text("\n".join(f"2026-11-23T14:{n // 60:02}:{n % 60:02}Z ERROR shop down {n % 7}" for n in range(120)))
    target = StdioServerParameters(
        command=sys.executable, args=["-m", "bedrock_support.server", "serve", "--root", str(folder)], env=settings
    )
    whole = Watch()
    hits = 0
    async with Client(target) as client:
        for _ in range(calls + 1):
            found = await whole.over(client.call_tool("triage_incident", {"path": "shop.log"}))
            content: dict[str, Any] = found.structured_content or {}
            model: dict[str, Any] = content.get("model") or {}
            hits += model.get("cached_age_s") is not None
    del whole.took[:1], whole.cpu[:1]
    print(f"triage_incident by the official client over stdio, {hits} of {calls + 1} from memory: {whole.told()}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300)
    calls: int = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as name, listening("sandbox", "--port", "0", env=environment()) as (url, _):
        folder = Path(name)
        settings = environment() | {
            "ENABLE_PERFORMANCE_OPTIMIZATION": "true",
            "BEDROCK_SUPPORT_STORE": str(folder / "store"),
            "BEDROCK_SUPPORT_AUDIT": str(folder / "audit"),
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
        }
        anyio.run(inside, calls, settings)
        anyio.run(outside, max(20, calls // 5), settings, folder)


if __name__ == "__main__":
    main()
