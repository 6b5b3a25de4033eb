"""What one direct call costs us beside transport, model and redaction: the processor time that is our own work.

Run: python -m benchmarks.own_work [--rounds 40] [--json]
The pipeline as the server runs it (gate, decision, optimizer, dispatch, guard, learner, health, ledger, seal; no
traces, no audit trail, as in against_litellm), in front of a client that answers at once. The question is the same, so
that the gate looks through it once; all else happens with each call. Time is that of the loop's thread, without the
collector of garbage. On a shared machine a thread's own time grows with its neighbours: each round is therefore also
told as a multiple of a fixed loop run right before it, and that loop's best time is told too.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from dataclasses import replace

import anyio
import anyio.lowlevel

from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.model import Carrier, ModelRole, Operation, Outcome, Reply, Usage
from bedrock_support.server.wiring import build
from benchmarks.figures import ratio
from benchmarks.ours_side import CLOCK, NoCaller, operation, settings
from benchmarks.sides import ANSWER, BRIEF, MODEL

BAR = 150.0
"""Microseconds, design 7."""
WARM, CALLS, AT_ONCE = 300, 128, 16
STEPS = 20_000
"""Of the fixed loop: about a millisecond on a quiet machine."""
REPLY = Reply(
    text=ANSWER,
    model=MODEL,
    carrier=Carrier.BEDROCK,
    stop_reason="end_turn",
    usage=Usage(input_tokens=400, output_tokens=300),
    simulated=True,
)


class Answering(DirectBedrockClient):
    """Bedrock that answers at once."""

    async def send(self, operation: Operation) -> Reply:
        await anyio.lowlevel.checkpoint()
        return REPLY


def fixed() -> float:
    """Seconds of the fixed loop."""
    began, kept = time.thread_time(), 0
    for number in range(STEPS):
        kept += number * number % 7
    return time.thread_time() - began


async def measured(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds for one call, and of the fixed loop before it, round by round."""
    house, caller = build(settings("http://127.0.0.1:9")), NoCaller()
    manager = replace(house.manager, direct=Answering(BedrockSettings(models={ModelRole.FAST: MODEL}), CLOCK))
    calls: list[float] = []
    loops: list[float] = []

    def asked(count: int) -> list[Operation]:
        return [replace(operation(False), brief=BRIEF) for _ in range(count)]

    async def worker(operations: list[Operation]) -> None:
        while operations:
            outcome: Outcome = await manager.judge(operations.pop(), caller)
            if outcome.reply is None:
                raise RuntimeError(f"no answer: {outcome.failure or outcome.refusal}")

    await worker(asked(WARM))
    for _ in range(rounds):
        operations = asked(CALLS)  # made by the tool, before the call begins
        gc.collect()
        gc.disable()
        loops.append(fixed())
        began = time.thread_time()
        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(worker, operations)
        calls.append((time.thread_time() - began) / CALLS)
        gc.enable()
    await house.aclose()
    return calls, loops


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Our own work for one direct call")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    calls, loops = anyio.run(measured, wanted.rounds)
    each = ratio(calls, loops)
    best = min(loops)
    told = {
        "least_us": min(calls) * 1e6,
        "median_us": statistics.median(calls) * 1e6,
        "loop_least_us": best * 1e6,
        "loop_median_us": statistics.median(loops) * 1e6,
        "calls_in_loops": {"value": each.value, "low": each.low, "high": each.high},
        "at_the_loops_best_us": each.value * best * 1e6,
        "bar_us": BAR,
        "passes": each.value * best * 1e6 <= BAR,
    }
    if wanted.json:
        print(json.dumps(told, indent=2))
        return 0
    print(f"own work for one call: least {told['least_us']:.0f} us, median {told['median_us']:.0f} us of thread time")
    print(f"fixed loop: least {told['loop_least_us']:.0f} us, median {told['loop_median_us']:.0f} us")
    print(f"a call is {each.value:.3f} (95 % {each.low:.3f} to {each.high:.3f}) of the fixed loop beside it")
    print(f"at the loop's best: {told['at_the_loops_best_us']:.0f} us, at most {BAR:.0f}: ", end="")
    print("PASS" if told["passes"] else "MISSED")
    return 0


if __name__ == "__main__":
    sys.exit(main())
