"""roll_back: a rollback of the system that this server is a worker of, once its user has confirmed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind, OperationClass
from bedrock_support.tools.base import SupportTool, ToolContext, ToolInput

Level = Literal["immediate", "partial", "full"]
DOES: dict[Level, str] = {
    "immediate": "switches support mode, intelligent routing and the direct fallback off in every worker",
    "partial": "replaces every worker by one that cannot reach AWS Bedrock",
    "full": "replaces everything by one worker with the configuration and flags that were good last",
}
Begin = Callable[[Level], Awaitable[str]]
"""Starts the rollback in a process of its own, which outlives this worker; where its record is to be seen."""


class RollBackInput(ToolInput):
    """Arguments of roll_back."""

    level: Level
    reason: str = Field(min_length=1, max_length=300, description="why, for the user who confirms it")


class RollBackResult(BaseModel):
    """What came of it. A rollback that was begun ends by itself, verified or not: see `follow`."""

    model_config = ConfigDict(frozen=True)

    status: Literal["begun", "refused"]
    level: Level
    why: str = ""
    follow: str = ""


def roll_back(begin: Begin) -> SupportTool[RollBackInput, RollBackResult]:
    """The tool."""

    async def run(ctx: ToolContext, given: RollBackInput) -> RollBackResult:
        question = (
            f"Roll back, level {given.level}? It {DOES[given.level]}, for everybody who uses this server. "
            f"Reason given by the agent: {' '.join(given.reason.split())}"
        )
        try:
            if not await ctx.approve(question):
                return RollBackResult(status="refused", level=given.level, why="the user did not confirm it")
        except RouteError as error:
            why = "nobody confirmed it in time" if error.kind is FailureKind.NOT_APPROVED else str(error)
            mend = f"use a client with elicitation, or: bedrock-support rollout rollback {given.level}"
            return RollBackResult(status="refused", level=given.level, why=f"{why}; {mend}")
        return RollBackResult(status="begun", level=given.level, follow=await begin(given.level))

    return SupportTool(
        name="roll_back",
        title="Roll the system back",
        description=(
            "Rollback, emergency, undo a rollout: asks the user, then rolls back. immediate: no model is asked; "
            "partial: without Bedrock; full: the last good configuration."
        ),
        input_model=RollBackInput,
        output_model=RollBackResult,
        run=run,
        op_class=lambda _: OperationClass.STANDARD,
        reads_files=lambda _: False,
        summary=_summary,
        read_only=False,
        idempotent=False,
        open_world=False,
    )


def _summary(result: RollBackResult) -> str:
    if result.status == "refused":
        return f"Nothing was rolled back: {result.why}."
    return f"The {result.level} rollback has begun, in a process of its own. Follow it by: {result.follow}"
