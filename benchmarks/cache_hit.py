"""What an answer from memory costs, and which part of that is whose: the wire and the SDK, the tool, and ours.

Run: python -m benchmarks.cache_hit [--calls 200]
First the question alone, in this process, with store and audit trail on disk: `judge` (gate with redaction, decision,
cache, both audit records durable in one transaction, sealing, ledger), in it `trail` (the wait for that transaction:
SQLite, a signature, a sync of the disk) and `optimizer` (key, look, the answer in the question's own words); `ours` is
judge without trail, which any disk decides. 6 kB of evidence are asked about in three ways: the very same evidence
again; the same incident with new times and ids on every line; and that with its lines in another order. Times are the
clock's, and the processor's of the whole process.

Then whole calls by the official client, which has a model of its own, in memory, over stdio and over HTTP.
In turn, so that other work on the machine touches all alike: `ping` (the SDK and the wire, no call), a call that does
nothing (get_operation of a handle that isn't there), detect_implementation_gaps without a model, and the same with the
question answered from memory. The difference of the last two, pair by pair, is what the remembered answer costs on top.

A fixed loop of arithmetic is timed before and after: on a quiet machine it takes about a millisecond, and figures of a
slower one grow with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, TypeVar

import anyio
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.types import CreateMessageRequestParams, CreateMessageResult, TextContent

from bedrock_support.routing.compliance import ComplianceValidator
from bedrock_support.routing.model import Clearance, Decision, Operation, OperationClass, Outcome, Refusal
from bedrock_support.routing.optimizer import PerformanceOptimizer
from bedrock_support.server.settings import load
from bedrock_support.server.wiring import House, build
from bedrock_support.tools.judging import system_prompt
from benchmarks.cache_traffic import brief, lines
from benchmarks.fallback_time import TimedCaller
from benchmarks.own_work import fixed
from benchmarks.wire import environment, listening

BAR_MS = 1.0
INCIDENT, EVIDENCE = 7, 12
"""The incident of the question, and how many times its three lines stand in the brief (about 6 kB)."""
WAYS = ("the same evidence", "new times and ids", "and in another order")
TOOL = "detect_implementation_gaps"
GAPS = "def charge(order):\n    raise NotImplementedError\n\n\ndef refund(order):\n    pass  # TODO\n"
WARM = 5
SETTLED = 3.0
"""Seconds after which a server that has just started has loaded what it loads behind its first calls."""
T = TypeVar("T")


@dataclass(slots=True)
class Watch:
    """Times of one part, in milliseconds."""

    took: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])

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


def question(number: int, base: Operation, way: str) -> Operation:
    """The same incident again."""
    anew = 0 if way == WAYS[0] else number % 800
    told = Random(7 + anew)  # noqa: S311 - a load, no secret
    order = Random(7 + anew * (way == WAYS[2]))  # noqa: S311
    evidence = [line for at in range(EVIDENCE) for line in lines(INCIDENT + at, told, 600 + anew + at)]
    return replace(base, id=f"op-{number}", brief=brief(evidence, order))


async def alone(calls: int, settings: dict[str, str]) -> None:
    """The question alone, in this process."""
    server: House = build(load(settings))
    timed = TimedOptimizer(**{name: getattr(server.saving.optimizer, name) for name in PerformanceOptimizer.__slots__})
    manager = replace(server.manager, optimizer=timed)
    caller = TimedCaller(0.01)
    async with server.running():
        await server.warm()
        await anyio.sleep(SETTLED)
        for way in WAYS:
            judge, trail, timed.watch.took, timed.watch.cpu = Watch(), Watch(), [], []

            async def remember(
                outcome: Outcome | None, clearance: Clearance, caller: str, trail: Watch = trail
            ) -> Refusal | None:
                return await trail.over(ComplianceValidator.remember(manager.compliance, outcome, clearance, caller))

            manager.compliance.remember = remember
            hits = length = 0
            for number in range(calls + WARM):
                base = Operation(
                    id="",
                    op_class=OperationClass.STANDARD,
                    tool="triage_incident",
                    system=system_prompt(),
                    brief="",
                    evidence_digest="0" * 64,
                    deadline=manager.clock.now() + 30,
                )
                asked = question(number, base, way)
                length = len(asked.brief)
                outcome = await judge.over(manager.judge(asked, caller))
                hits += outcome.cached is not None
            # The last ones: the first were asked, not remembered.
            told = {"judge": judge, "trail": trail, "optimizer": timed.watch}
            ours = Watch(
                *(
                    [one - other for one, other in zip(whole[-calls:], part[-calls:], strict=True)]
                    for whole, part in ((judge.took, trail.took), (judge.cpu, trail.cpu))
                )
            )
            print(f"{way}, {hits} of {calls + WARM} from memory, brief of {length} characters")
            for name, each in told.items():
                print(f"  {name}: {Watch(each.took[-calls:], each.cpu[-calls:]).told()}")
            print(f"  ours: {ours.told()}")
            for name, each in (("judge", judge), ("ours", ours)):
                within = median(each.took[-calls:]) <= BAR_MS
                print(f"  {name} p50 <= {BAR_MS:g} ms: {'PASS' if within else 'MISSED'}")
    await server.aclose()


async def sampled(
    context: ClientRequestContext,
    params: CreateMessageRequestParams,
) -> CreateMessageResult:
    """The client's own model, asked once: one that can't be asked would be handed each question anew."""
    text = json.dumps({"summary": "charge matters most", "causes": []})
    return CreateMessageResult(role="assistant", model="of the client", content=TextContent(type="text", text=text))


@asynccontextmanager
async def connected(transport: str, settings: dict[str, str], folder: Path) -> AsyncGenerator[Client]:
    """The official client, and a server of its own."""
    root = ["--root", str(folder / "project")]
    if transport == "memory":
        server = build(load(settings, roots=(folder / "project",)))
        async with server.running(), Client(server.server, mode="legacy", sampling_callback=sampled) as client:
            await server.warm()
            yield client
        await server.aclose()
    elif transport == "stdio":
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "bedrock_support.server", "serve", *root], env=settings
        )
        async with Client(command, mode="legacy", sampling_callback=sampled) as client:
            yield client
    else:
        with listening("serve", "--transport", "http", "--port", "0", *root, env=settings) as (url, _):
            async with Client(url, mode="legacy", sampling_callback=sampled) as client:
                yield client


async def whole(transport: str, calls: int, settings: dict[str, str], folder: Path) -> None:
    """Whole calls over one transport."""
    ping, nothing, plain, remembered = Watch(), Watch(), Watch(), Watch()
    hits = 0
    async with connected(transport, settings, folder) as client:
        await client.call_tool(TOOL, {"path": ".", "judge": True})
        await anyio.sleep(SETTLED)
        for _ in range(calls + WARM):
            await ping.over(client.send_ping())  # pyright: ignore[reportDeprecated] - of the older revisions
            await nothing.over(client.call_tool("get_operation", {"operation_id": "none"}))
            await plain.over(client.call_tool(TOOL, {"path": ".", "judge": False}))
            found = await remembered.over(client.call_tool(TOOL, {"path": ".", "judge": True}))
            content: dict[str, Any] = found.structured_content or {}
            model: dict[str, Any] = content.get("model") or {}
            hits += model.get("cached_age_s") is not None
    for watch in (ping, nothing, plain, remembered):
        del watch.took[:WARM], watch.cpu[:WARM]
    ours = median(one - other for one, other in zip(remembered.took, plain.took, strict=True))
    print(f"{transport}, {hits} of {calls + WARM} from memory")
    print(f"  ping (SDK and wire): p50 {median(ping.took):.3f} ms")
    print(f"  a call that does nothing: p50 {median(nothing.took):.3f} ms")
    print(f"  {TOOL} without a model: p50 {median(plain.took):.3f} ms")
    print(f"  {TOOL} with the remembered answer: p50 {median(remembered.took):.3f} ms")
    print(f"  the remembered answer on top: p50 {ours:.3f} ms {'PASS' if ours <= BAR_MS else 'MISSED'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--part", choices=("alone", "memory", "stdio", "http"), help="one of the measurements")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", message="ping is removed")
    calls: int = given.calls
    print(f"fixed loop: least {min(fixed() for _ in range(50)) * 1e3:.2f} ms")
    with tempfile.TemporaryDirectory() as name, listening("sandbox", "--port", "0", env=environment()) as (url, _):
        folder = Path(name)
        (folder / "project").mkdir()
        (folder / "project" / "shop.py").write_text(GAPS)
        for part in [given.part] if given.part else ["alone", "memory", "stdio", "http"]:
            settings = environment() | {
                "ENABLE_PERFORMANCE_OPTIMIZATION": "true",
                "BEDROCK_SUPPORT_STORE": str(folder / part),
                "BEDROCK_SUPPORT_AUDIT": str(folder / f"{part}-audit"),
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
                "AWS_ACCESS_KEY_ID": "sandbox",
                "AWS_SECRET_ACCESS_KEY": "sandbox",
            }
            if part == "alone":
                anyio.run(alone, calls, settings)
            else:
                anyio.run(whole, part, max(20, calls // 4), settings, folder)
    print(f"fixed loop: least {min(fixed() for _ in range(50)) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
