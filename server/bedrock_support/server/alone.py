"""A tool's context where there is no client and no model: for commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import Operation, OperationClass, Outcome, Refusal
from bedrock_support.tools.approval import Approve, nobody
from bedrock_support.tools.base import ToolContext

CALL_SECONDS = 120.0
"""For a whole command: the tools bound their analysis far below that."""


def alone(
    roots: tuple[Path, ...],
    *,
    seconds: float = CALL_SECONDS,
    asked: Callable[[str], None] | None = None,
    approve: Approve = nobody,
) -> ToolContext:
    """Asks no model; `asked` is told the question that one would have been asked."""

    async def judge(operation: Operation) -> Outcome:
        if asked is not None:
            asked(operation.brief)
        return Outcome(
            operation=operation, refusal=Refusal(operation=operation, reason="this command asks none", mend="")
        )

    clock = SystemClock()
    now = clock.now()
    return ToolContext(
        call_id=SystemEntropy().token(),
        roots=roots,
        clock=clock,
        op_class=OperationClass.STANDARD,
        rule=shipped().rules[OperationClass.STANDARD],
        started=now,
        deadline=now + seconds,
        workers=anyio.CapacityLimiter(2),
        progress=_silent,
        judge=judge,
        approve=approve,
    )


async def _silent(done: float, total: float, message: str) -> None:
    """Progress that nobody watches: output is for programs as much as for people."""
