"""Many processes ask the same at once, and many spend from one budget at once.

Run: python -m benchmarks.cache_race [--processes 4] [--tasks 64]
First every task asks one question through the product's optimizer over one store on disk: exactly one may reach the
model, a stand-in that takes half a second. Then every task asks a question of its own under a budget that is worth a
quarter of them: what was spent may never be more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import Attempt, Carrier, Decision, Outcome, Reply, RouteName
from bedrock_support.routing.optimizer import PerformanceOptimizer
from bedrock_support.routing.optimizing.answers import Answers
from bedrock_support.routing.optimizing.budget import Budget, Budgets
from bedrock_support.routing.optimizing.flight import Flights
from bedrock_support.routing.optimizing.store import Store
from benchmarks.cache_traffic import decided

COST = 0.01
CLOCK = SystemClock()
LIMIT = 120.0
"""Seconds that a process may take."""


async def one_process(folder: Path, name: str, tasks: int, total: int) -> None:
    """All tasks of one process; each call of the model is a line in a file of its own."""
    answers, money = Store(folder / "answers"), Store(folder / "money", most_bytes=None)
    threads = anyio.CapacityLimiter(4)
    calls = {"same": 0, "own": 0}

    def optimizer(budgets: Budgets | None) -> PerformanceOptimizer:
        return PerformanceOptimizer(
            answers=Answers(answers, CLOCK),
            flights=Flights(answers, name, threads),
            budgets=budgets,
            spending=None,
            matrix=shipped(),
            clock=CLOCK,
            worst_usd=lambda _: COST,
            would_cost=lambda _: COST,
            threads=threads,
            version="race",
        )

    async def run(kind: str, asked: PerformanceOptimizer, text: str) -> None:
        async def ask(decision: Decision) -> Outcome:
            billed = RouteName.DIRECT in decision.plan
            calls[kind] += billed
            await anyio.sleep(0.5 if kind == "same" else 0.01)
            tried = Attempt(
                route=RouteName.DIRECT if billed else RouteName.MCP,
                number=1,
                seconds=0.5,
                op_class=decision.operation.op_class,
                budget=9.0,
                usd=COST if billed else 0.0,
            )
            answer = Reply(text="one answer", model="m", carrier=Carrier.BEDROCK, simulated=True)
            return Outcome(operation=decision.operation, decision=decision, attempts=(tried,), reply=answer)

        await asked.run(decided(text), ask)

    async with anyio.create_task_group() as group:
        same = optimizer(None)
        for _ in range(tasks):
            group.start_soon(run, "same", same, "why did shop-1 fail?")
    async with anyio.create_task_group() as group:
        own = optimizer(Budgets(money, [Budget(usd=total * COST / 4)], CLOCK))
        for number in range(tasks):
            group.start_soon(run, "own", own, f"why did {name} fail {number} times?")
    (folder / f"{name}.told").write_text(f"{calls['same']} {calls['own']}", encoding="utf-8")
    answers.close()
    money.close()


def race(processes: int, tasks: int) -> tuple[int, float, float]:
    """Calls of the model for one question, and what was spent of which budget, in USD."""
    total = processes * tasks
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.cache_race", "--folder", folder, "--tasks", str(tasks)]
        running = [
            subprocess.Popen([*command, "--name", f"p{number}", "--processes", str(processes)])
            for number in range(processes)
        ]
        try:
            for each in running:
                if each.wait(LIMIT):
                    raise RuntimeError(f"a process ended with {each.returncode}")
        finally:
            for each in running:
                each.kill()
                each.wait()
        told = [path.read_text(encoding="utf-8").split() for path in Path(folder).glob("*.told")]
        budget = Budget(usd=total * COST / 4)
        store = Store(Path(folder) / "money", most_bytes=None)
        (account,) = Budgets(store, [budget], CLOCK).accounts("local")
        store.close()
    return sum(int(same) for same, _ in told), account.spent + account.held, budget.usd


def main() -> None:
    """Race and print; ends with 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--name", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder is not None:
        anyio.run(one_process, given.folder, given.name, given.tasks, given.processes * given.tasks)
        return
    calls, spent, budget = race(given.processes, given.tasks)
    print(f"{given.processes} processes x {given.tasks} tasks: {calls} model calls for one question (bar 1)")
    print(f"spent {spent:.2f} of {budget:.2f} USD: {'no overshoot' if spent <= budget else 'OVERSHOT'}")
    sys.exit(0 if calls == 1 and spent <= budget else 1)


if __name__ == "__main__":
    main()
