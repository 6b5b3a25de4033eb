"""What keeping experience and decisions adds to a call, in processor time.

Run: python -m benchmarks.lasting_cost [--calls 2000]
A call is one attempt and one decision of the size that the ledger makes, taken in by the journal while its writer
runs as in a server, 200 calls a second. Told apart: what the call itself pays, on the loop (bar 10 us), and all that
the process pays, the thread that writes included. The loop's part is timed for itself, the whole by processor time
less that of the same loop without a journal.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import anyio.to_thread

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.lasting.file import LastingFile
from bedrock_support.routing.lasting.journal import Journal
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Carrier,
    Clearance,
    Conditions,
    Operation,
    OperationClass,
    Outcome,
    Reply,
    RouteCondition,
    RouteName,
)
from bedrock_support.routing.model import Health as State
from bedrock_support.routing.router import IntelligentRouter
from bedrock_support.server.ledger import DecisionLedger

BAR_US = 10.0
RATE = 200.0
TRIED = Attempt(
    route=RouteName.DIRECT, number=1, seconds=1.2, op_class=OperationClass.STANDARD, budget=29.0, channel="direct"
)


def entry() -> dict[str, object]:
    """A decision as the ledger keeps it."""
    operation = Operation(
        id="op",
        op_class=OperationClass.STANDARD,
        tool="triage_incident",
        system="",
        brief="b" * 4000,
        evidence_digest="0" * 64,
        deadline=30.0,
    )
    router = IntelligentRouter(shipped())
    seen = RouteCondition(health=State.HEALTHY, samples=20, note="20 attempts, none failed")
    decision = router.decide(
        Clearance(operation=operation, routes=frozenset(RouteName)),
        Conditions(routes=dict.fromkeys(RouteName, seen)),
        decision_id="d",
    )
    ledger = DecisionLedger()
    answer = Reply(text="a", model="m", carrier=Carrier.BEDROCK)
    outcome = Outcome(operation=operation, decision=decision, attempts=(TRIED,), reply=answer)
    ledger.add(outcome, router.explain(decision), 0.0)
    found = ledger.find("d")
    assert found is not None
    return found


async def paid(calls: int, journal: Journal | None) -> tuple[float, list[float]]:
    """Processor seconds of the whole process, and seconds that each call spent on the loop."""
    kept: Any = entry()
    on_loop: list[float] = []
    spent = 0.0
    async with anyio.create_task_group() as group:
        if journal is not None:
            group.start_soon(journal.run)
        began_cpu, began = time.process_time(), time.perf_counter()
        for number in range(calls):
            if number % 20 == 0:
                await anyio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            at = time.thread_time()
            if journal is not None:
                journal.attempt("standard", 4000.0, TRIED)
                journal.decision(f"d-{number}", 1.8e9, kept)
            on_loop.append(time.thread_time() - at)
        if journal is not None:
            await journal.flush()
        spent = time.process_time() - began_cpu
        group.cancel_scope.cancel()
    return spent, on_loop


async def measure(calls: int, folder: Path) -> tuple[float, float, float]:
    """Microseconds a call: median and mean on the loop, and of the whole process."""
    file = LastingFile(folder / "lasting.db")
    journal = Journal(file, SystemClock(), tenant="bench", setup="bench")
    await anyio.to_thread.run_sync(file.close)
    bare, nothing = await paid(calls, None)
    whole, on_loop = await paid(calls, journal)
    await journal.aclose()
    idle = median(nothing)
    return (
        (median(on_loop) - idle) * 1e6,
        sum(each - idle for each in on_loop) / calls * 1e6,
        (whole - bare) / calls * 1e6,
    )


def main() -> None:
    """Measure and print; ends with 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    calls: int = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as folder:
        usual, mean, whole = anyio.run(measure, calls, Path(folder))
    good = mean <= BAR_US
    print(f"{calls} calls, {RATE:g} a second: {usual:.2f} us on the loop at the median, {mean:.2f} us at the mean")
    print(f"the whole process, its writing thread included: {whole:.1f} us a call")
    print(f"bar {BAR_US:g} us on the loop: {'PASS' if good else 'MISSED'}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
