"""Replays recorded requests through the router: what it would have chosen, seeing only what it chose or probed.

    python benchmarks/replay.py IN.jsonl OUT.jsonl

A row of IN: {"i": 0, "t": 12.5, "class": "standard", "size": 1200, "direct": {"ms": 850, "ok": true},
"mcp": {"ms": 1200, "ok": true}, "cost": {"direct": 0.0004, "mcp": 0.0}}, in order of t (seconds). An optional
"deadline_ms" replaces the class's own deadline. A row of OUT: {"i": 0, "chosen": "mcp", "probed": ["direct"]}.

Router, learner and health are the product's own, on a virtual clock. An outcome becomes known when the request would
have ended, not before. A probe is the same request on the route that was not chosen, by learning/probes.py: no server
runs that policy yet, it only asks the direct route something small while that is in trouble.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bedrock_support.routing.estimate import Estimate, Weights
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.learning.probes import ProbePolicy
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Clearance,
    Conditions,
    Failure,
    FailureKind,
    Operation,
    OperationClass,
    RouteCondition,
    RouteName,
)
from bedrock_support.routing.router import IntelligentRouter
from bedrock_support.telemetry.health import HybridHealthMonitor

WEIGHTS = Weights()


class RowError(ValueError):
    """A row can't be used; the message names line, field, value and mend."""


class VirtualClock:
    """A clock that the rows move."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time


@dataclass(frozen=True, slots=True)
class Row:
    """One request and what either route would have made of it."""

    i: Any
    t: float
    op_class: OperationClass
    size: float
    seconds: dict[RouteName, float]
    ok: dict[RouteName, bool]
    usd: dict[RouteName, float]
    deadline: float


@dataclass(order=True, slots=True)
class _Pending:
    at: float
    order: int
    ticket: int = field(compare=False)
    attempt: Attempt = field(compare=False)


class Replay:
    """The product's routing on a virtual clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.learner = RouteLearner(self.clock)
        self.health = HybridHealthMonitor(self.clock)
        self.router = IntelligentRouter(shipped())
        self.policy = ProbePolicy(self.learner, self.clock)
        self._pending: list[_Pending] = []
        self._sent = 0

    def decide(self, row: Row) -> tuple[RouteName, list[RouteName]]:
        """The route chosen and those probed; afterwards the row's outcomes are under way."""
        while self._pending and self._pending[0].at <= row.t:
            self._end(heapq.heappop(self._pending))
        self.clock.time = max(self.clock.time, row.t)
        operation = Operation(
            id=str(row.i),
            op_class=row.op_class,
            tool="replay",
            system="",
            brief="",
            evidence_digest="",
            deadline=row.t + row.deadline,
        )
        estimates = {route: self._estimate(route, row) for route in RouteName}
        conditions = Conditions(routes={route: self._condition(route, estimates[route]) for route in RouteName})
        clearance = Clearance(operation=operation, routes=frozenset(RouteName))
        plan = self.router.decide(clearance, conditions, decision_id=str(row.i)).plan
        chosen = plan[0]
        self._send(chosen, row)
        self.policy.decided()
        probed = [route for route in plan[1:] if self._probe(route, row, estimates, chosen)]
        return chosen, probed

    def _estimate(self, route: RouteName, row: Row) -> Estimate:
        return self.learner.estimate(
            route.value, row.op_class.value, row.size, row.deadline, usd=row.usd[route], weights=WEIGHTS
        )

    def _condition(self, route: RouteName, estimate: Estimate) -> RouteCondition:
        seen = self.health.condition(route)
        return RouteCondition(health=seen.health, samples=seen.samples, note=seen.note, estimate=estimate)

    def _probe(self, route: RouteName, row: Row, estimates: dict[RouteName, Estimate], chosen: RouteName) -> bool:
        behind = estimates[chosen].utility - estimates[route].utility
        flagged = estimates[route].flagged
        if not self.policy.due(route.value, row.op_class.value, behind=behind, flagged=flagged):
            return False
        self.policy.probed(route.value, row.op_class.value)
        self._send(route, row)
        return True

    def _send(self, route: RouteName, row: Row) -> None:
        seconds, ok = row.seconds[route], row.ok[route]
        failure = None if ok else Failure(kind=FailureKind.UNAVAILABLE, message="failed in the recording")
        attempt = Attempt(
            route=route, number=1, seconds=seconds, op_class=row.op_class, budget=row.deadline, failure=failure
        )
        self._sent += 1
        ticket = self.learner.started(route.value, row.op_class.value, row.size, row.deadline)
        heapq.heappush(self._pending, _Pending(row.t + seconds, self._sent, ticket, attempt))

    def _end(self, pending: _Pending) -> None:
        self.clock.time = max(self.clock.time, pending.at)
        self.learner.ended(pending.ticket, seconds=pending.attempt.seconds, ok=pending.attempt.failure is None)
        self.health.record(pending.attempt)


def rows(lines: Iterable[str]) -> Iterator[Row]:
    """Rows of a recording, one at a time. Raises RowError."""
    last = float("-inf")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = parse(line, number)
        if row.t < last:
            raise RowError(f"line {number}: t = {row.t}: before the row above it ({last}). Sort the rows by t")
        last = row.t
        yield row


def parse(line: str, number: int) -> Row:
    """One row. Raises RowError."""
    try:
        given = json.loads(line)
    except ValueError:
        raise RowError(f"line {number}: not JSON: {line[:80]!r}. Give one JSON object per line") from None
    if not isinstance(given, dict):
        raise RowError(f"line {number}: {line[:80]!r} is no object. Give one JSON object per line")
    data: dict[str, Any] = given  # pyright: ignore[reportUnknownVariableType] - narrowed field by field below
    try:
        op_class = OperationClass(data.get("class"))
    except ValueError:
        known = ", ".join(OperationClass)
        raise RowError(f"line {number}: class = {data.get('class')!r}: no such class. Use one of {known}") from None
    outcomes = {route: data.get(route.value) for route in RouteName}
    for route, outcome in outcomes.items():
        if not isinstance(outcome, dict) or not isinstance(outcome.get("ok"), bool):  # pyright: ignore[reportUnknownMemberType]
            raise RowError(f'line {number}: {route} = {outcome!r}: give {{"ms": number, "ok": true or false}}')
    cost: Any = data.get("cost") or {}
    default = shipped().rules[op_class].deadline * 1000
    return Row(
        i=data.get("i", number - 1),
        t=_number(data.get("t"), "t", number),
        op_class=op_class,
        size=_number(data.get("size", 1), "size", number),
        seconds={route: _number(outcomes[route]["ms"], f"{route}.ms", number) / 1000 for route in RouteName},  # pyright: ignore[reportOptionalSubscript]
        ok={route: outcomes[route]["ok"] for route in RouteName},  # pyright: ignore[reportOptionalSubscript]
        usd={route: _number(cost.get(route.value, 0.0), f"cost.{route}", number) for route in RouteName},
        deadline=_number(data.get("deadline_ms", default), "deadline_ms", number) / 1000,
    )


def _number(value: Any, name: str, line: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        raise RowError(f"line {line}: {name} = {value!r}: give a number from 0")
    return float(value)


def main(argv: list[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path, metavar="IN.jsonl")
    parser.add_argument("decisions", type=Path, metavar="OUT.jsonl")
    wanted = parser.parse_args(argv)
    replay, chosen, probes = Replay(), Counter[RouteName](), 0
    began = time.process_time()
    try:
        with wanted.recording.open(encoding="utf-8") as given, wanted.decisions.open("w", encoding="utf-8") as out:
            for row in rows(given):
                route, probed = replay.decide(row)
                chosen[route] += 1
                probes += len(probed)
                out.write(json.dumps({"i": row.i, "chosen": route.value, "probed": [each.value for each in probed]}))
                out.write("\n")
    except (RowError, OSError) as error:
        sys.stderr.write(f"replay: {error}\n")
        return 2
    total = chosen.total()
    shares = ", ".join(f"{route} {count / total:.1%}" for route, count in sorted(chosen.items()))
    spent = (time.process_time() - began) / max(1, total) * 1e6
    print(f"{total} rows: {shares or 'none'}; probes {probes / max(1, total):.1%}; {spent:.0f} us CPU per row")
    return 0


if __name__ == "__main__":
    sys.exit(main())
