"""Urgent calls on a server under load while Bedrock fails in every way it can.

Run: python -m benchmarks.under_fire [--runs 1000] [--seed 20261123] [--json]
One server over streamable HTTP, the sandbox in a process of its own, fifty calls under way through real MCP clients,
and beside them background calls without end, which keep places on the direct route taken and its line full. No other
route is open. The sandbox's fault changes every few hundred milliseconds, over all kinds. A run passes when its result
came in time, with the evidence and a judgement or the reason why there is none; judged means there was a judgement.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from time import perf_counter

import anyio
from mcp import Client

from benchmarks.fire import FILE, LIMITS, LOG, Fire, Run
from benchmarks.fire_rig import connected, cpu, guard
from benchmarks.urgent_wait import at
from benchmarks.wire import environment, listening

SEED = 20261123
CLIENTS = 5
FLOOD_CLIENTS = 6
"""A client opens a hundred connections at the most."""
LOOK_EVERY = 1.0
LAG_EVERY = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much of everything."""

    runs: int = 1000
    at_once: int = 50
    flood: int = 300
    """Background calls under way beside the measured ones: almost as many as there are places and places in line."""
    head_start: float = 4.0
    """Seconds of background calls before the first measured one."""
    ramp: float = 0.0
    """Seconds over which the first calls are spread; 0 sends them all in the same instant."""
    most_seconds: float = 240.0
    """A measurement that takes longer is cut off; urgent calls that have not ended by then are missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one class."""

    op_class: str
    n: int
    p50: float
    p99: float
    most: float
    """Seconds from the client's call to its result."""
    late: int
    wrong: int
    """Results without evidence, or with neither judgement nor reason."""
    judged: int
    unfinished: int
    """Calls that had not ended when the measurement was cut off."""

    @property
    def passed(self) -> bool:
        return self.n > 0 and not self.late and not self.wrong and not self.unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole measurement."""

    rows: Sequence[Row]
    faults: int
    """Changes of the sandbox's behaviour."""
    kinds: int
    """Different faults among them."""
    route: Sequence[Mapping[str, object]]
    """The direct route's guard, once a second: breaker, limit, busy, waiting."""
    seconds: float
    flooded: int
    """Background calls beside the measured ones that ended."""
    client_lag: float
    """Longest time for which this process kept its own calls waiting, in seconds: part of every figure above."""
    server_cpu: float
    """Share of one processor that the server used."""
    wrong: Mapping[str, int]
    reasons: Mapping[str, int]


async def measure(server: str, pid: int, sandbox: str, scale: Scale, seed: int) -> Report:
    """The load and its report."""
    route: list[Mapping[str, object]] = []

    async def look(client: Client) -> None:
        while True:
            await anyio.sleep(LOOK_EVERY)
            route.append(await guard(client))

    lags = [0.0]

    async def lag() -> None:
        while True:
            before = perf_counter()
            await anyio.sleep(LAG_EVERY)
            lags.append(perf_counter() - before - LAG_EVERY)

    async with connected(server, CLIENTS) as urgent, connected(server, FLOOD_CLIENTS) as flood:
        fire = Fire(urgent, sandbox, Random(seed))  # noqa: S311 - a load, no secret
        took, scope = 0.0, anyio.CancelScope()
        used = cpu(pid)
        async with anyio.create_task_group() as group:
            group.start_soon(fire.storm)
            group.start_soon(fire.background, flood, scale.flood)
            await anyio.sleep(scale.head_start)
            group.start_soon(look, flood[0])
            group.start_soon(lag)
            began, used = perf_counter(), cpu(pid)
            scope.deadline = anyio.current_time() + scale.most_seconds
            with scope:
                await fire.load(scale.runs, scale.at_once, scale.ramp)
            took = perf_counter() - began
            used = cpu(pid) - used
            group.cancel_scope.cancel()
        return Report(
            rows=[row(name, fire.runs, fire.unfinished[name]) for name in (*LIMITS, "standard", "background")],
            faults=len(fire.faults),
            kinds=len(set(fire.faults) - {"None"}),
            route=route,
            seconds=took,
            flooded=fire.flooded,
            client_lag=max(lags),
            server_cpu=used / took,
            wrong=Counter(each.wrong for each in fire.runs if each.wrong),
            reasons=Counter(each.reason.partition(";")[0][:90] for each in fire.runs if each.reason),
        )


def row(op_class: str, runs: Sequence[Run], unfinished: int) -> Row:
    """One class of all runs."""
    mine = [each for each in runs if each.op_class == op_class]
    inorder = sorted(each.seconds for each in mine) or [float("nan")]
    return Row(
        op_class=op_class,
        n=len(mine),
        p50=at(inorder, 0.5),
        p99=at(inorder, 0.99),
        most=inorder[-1],
        late=sum(not each.in_time for each in mine),
        wrong=sum(bool(each.wrong) for each in mine),
        judged=sum(each.judged for each in mine),
        unfinished=unfinished,
    )


def run(scale: Scale, seed: int) -> Report:
    """Start everything, measure, end everything."""
    with (
        tempfile.TemporaryDirectory() as folder,
        listening("sandbox", "--port", "0", env=environment()) as (sandbox, _),
    ):
        root = Path(folder).resolve()
        (root / FILE).write_text(LOG, encoding="utf-8")
        # The calling agent's model is ruled out, so that all work, and the background's too, wants the direct route.
        env = environment(sandbox) | {"BEDROCK_SUPPORT_CALLER_MODEL": "false"}
        with listening("serve", "--transport", "http", "--port", "0", "--root", str(root), env=env) as (server, pid):
            return anyio.run(measure, server, pid, sandbox, scale, seed)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Urgent calls under load and faults")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    scale = Scale(runs=given.runs)
    report = run(scale, given.seed)
    if given.json:
        print(json.dumps(asdict(report) | {"passed": [each.passed for each in report.rows]}, indent=1))
    else:
        tell(report, scale, given.seed)


def tell(report: Report, scale: Scale, seed: int) -> None:
    """The report in words."""
    print(
        f"{scale.runs} runs, {scale.at_once} at once, {scale.flood} background calls beside them, "
        f"{report.seconds:.0f} s, seed {seed}; "
        f"{report.faults} changes of fault, {report.kinds} kinds"
    )
    print(
        f"{report.flooded} background calls ended beside them; longest lag of this client {report.client_lag:.2f} s; "
        f"the server used {report.server_cpu:.0%} of a processor"
    )
    for name in ("breaker", "limit", "busy", "waiting"):
        print(f"direct route, once a second, {name}: {' '.join(str(each.get(name)) for each in report.route)}")
    for each in report.rows:
        print(
            f"{each.op_class:14} n {each.n:4}  p50 {each.p50:6.2f} s  p99 {each.p99:6.2f} s  max {each.most:6.2f} s  "
            f"late {each.late}  wrong {each.wrong}  judged {each.judged}  "
            f"unfinished {each.unfinished}"
        )
    for name, counted in (("wrong", report.wrong), ("no model", report.reasons)):
        for words, times in sorted(counted.items(), key=lambda item: -item[1])[:12]:
            print(f"  {name} x{times}: {words}")
    for each in report.rows:
        if each.op_class in LIMITS:
            words = "PASS" if each.passed else "MISSED"
            print(f"{each.op_class} within {LIMITS[each.op_class]:g} s in all runs: {words}")


if __name__ == "__main__":
    main()
