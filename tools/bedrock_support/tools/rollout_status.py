"""get_rollout_status: how far the rollout of the system that this server is a worker of has come."""

from __future__ import annotations

from typing import Protocol

import anyio
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import SupportTool, ToolContext, ToolInput
from bedrock_support.tools.envelope import Result

LOOK_EVERY = 0.5
_LEFT = 2.0
"""Seconds of the call's time that are not waited."""


class RolloutStatusInput(ToolInput):
    """Arguments of get_rollout_status."""

    wait_s: float = Field(default=0, ge=0, le=45, description="watch for so long, with progress, or until it is over")


class RolloutSeen(Result):
    """One rollout, as its record says."""

    id: str
    state: str
    phase: str
    under_way: bool
    done: int
    total: int
    now: list[str] = Field(description="steps under way")
    failed: list[str] = Field(description="checks that did not hold")


class RolloutStatus(Result):
    """The newest rollout; none where there was none yet."""

    rollout: RolloutSeen | None = None


class RolloutLook(Protocol):
    """Reads the record. None where there is no rollout yet."""

    async def look(self) -> RolloutSeen | None: ...


def get_rollout_status(system: RolloutLook) -> SupportTool[RolloutStatusInput, RolloutStatus]:
    """The tool."""

    async def run(ctx: ToolContext, given: RolloutStatusInput) -> RolloutStatus:
        until = ctx.clock.now() + min(given.wait_s, max(0.0, ctx.remaining() - _LEFT))
        told, shown = None, -1.0
        while True:
            seen = await system.look()
            if seen is not None and seen != told:
                # By the protocol each notification tells of more than the last, and what is new may be no step.
                told, shown = seen, max(float(seen.done), shown + 0.01)
                await ctx.progress(shown, seen.total, f"{seen.phase}: {', '.join(seen.now) or seen.state}")
            if seen is None or not seen.under_way or ctx.clock.now() >= until:
                return RolloutStatus(rollout=seen)
            await anyio.sleep(LOOK_EVERY)

    return SupportTool(
        name="get_rollout_status",
        title="How far a rollout is",
        description="Rollout, deployment: its phase, steps done and under way, what failed; with wait_s it watches.",
        input_model=RolloutStatusInput,
        output_model=RolloutStatus,
        run=run,
        op_class=lambda _: OperationClass.BACKGROUND,
        reads_files=lambda _: False,
        summary=_summary,
        open_world=False,
    )


def _summary(result: RolloutStatus) -> str:
    seen = result.rollout
    if seen is None:
        return "There was no rollout yet."
    said = f"Rollout {seen.id}: {seen.state} in {seen.phase}, {seen.done} of {seen.total} steps done."
    now = f" Now: {', '.join(seen.now)}." if seen.now else ""
    failed = f" Did not hold: {', '.join(seen.failed)}." if seen.failed else ""
    return f"{said}{now}{failed}"
