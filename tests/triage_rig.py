"""What the tests of triage_incident share: a judge, a log of an incident, and one call of the tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Carrier,
    Failure,
    FailureKind,
    Operation,
    OperationClass,
    Outcome,
    Reply,
)
from bedrock_support.tools.base import ToolContext
from bedrock_support.tools.triage import TRIAGE, TriageInput, TriageResult

RULES = shipped().rules
ANSWER = {
    "summary": "The pool was shrunk. E99 says more.",
    "causes": [
        {"title": "Pool too small", "evidence_ids": ["E1"], "confidence": 0.8, "disproof": "pool size unchanged"},
        {"title": "Invented", "evidence_ids": ["E99"], "confidence": 0.9},
    ],
    "next_steps": ["Restore the pool size"],
}


def nothing() -> list[Any]:
    return []


@dataclass
class FakeJudge:
    """Ends every question as it was told to."""

    ends: Mapping[str, Any]
    asked: list[Operation] = field(default_factory=nothing)

    async def __call__(self, operation: Operation) -> Outcome:
        self.asked.append(operation)
        return Outcome(operation=operation, **self.ends)


@dataclass
class Steps:
    """Remembers progress."""

    told: list[tuple[float, float, str]] = field(default_factory=nothing)

    async def __call__(self, done: float, total: float, message: str) -> None:
        self.told.append((done, total, message))


class RunningClock(SystemClock):
    """Every look at it costs time, so that budgets end early without waiting."""

    def __init__(self, step: float) -> None:
        self._now, self._step = 0.0, step

    def now(self) -> float:
        self._now += self._step
        return self._now


def resolved(root: Path | None) -> tuple[Path, ...]:
    return (root.resolve(),) if root else ()


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def failing() -> FakeJudge:
    return FakeJudge({"failure": Failure(kind=FailureKind.UNCONFIGURED, message="no route", mend="Set a region")})


def answering(text: str, **more: Any) -> FakeJudge:
    return FakeJudge({"reply": Reply(text=text, model="eu.fast", carrier=Carrier.BEDROCK, **more)})


async def run(
    root: Path | None,
    judge: FakeJudge | None = None,
    op_class: OperationClass = OperationClass.STANDARD,
    clock: SystemClock | None = None,
    steps: Steps | None = None,
    seconds: float = 30,
    **given: Any,
) -> TriageResult:
    clock = clock or SystemClock()
    now = clock.now()
    ctx = ToolContext(
        call_id="c" * 32,
        roots=resolved(root),
        clock=clock,
        op_class=op_class,
        rule=RULES[op_class],
        started=now,
        deadline=now + seconds,
        workers=anyio.CapacityLimiter(2),
        progress=steps or Steps(),
        judge=judge or failing(),
    )
    return await TRIAGE.run(ctx, TriageInput(operation_class=op_class, **given))


def incident(minutes: int = 60) -> list[str]:
    """A service whose pool is shrunk by a reload at minute 40; noise all along."""
    lines: list[str] = []
    for minute in range(minutes):
        for second in range(0, 60, 5):
            stamp = f"2026-03-01T10:{minute:02d}:{second:02d}Z"
            lines.append(f"{stamp} INFO api request {minute * 7919 + second:08x} took {second} ms")
            lines.append(f"{stamp} ERROR mail could not send newsletter to user{second}")
            if minute == 40 and second == 30:
                lines.append(f"{stamp} INFO config reloaded from /etc/app.yaml, pool size 50 -> 5")
            if minute > 40 or (minute == 40 and second > 40):
                lines.append(f"{stamp} ERROR db connection pool exhausted after {second} s")
                lines.append(f"{stamp} ERROR api GET /orders/{second} HTTP/1.1 503 failed")
    return lines
