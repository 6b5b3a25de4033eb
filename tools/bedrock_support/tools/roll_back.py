"""roll_back: a rollback of the system that this server is a worker of, once its user has confirmed it."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.approval import Act, NotApproved
from bedrock_support.tools.base import SupportTool, ToolContext, ToolInput

Level = Literal["immediate", "partial", "full"]
DOES: dict[Level, str] = {
    "immediate": "switches support mode, intelligent routing and the direct fallback off in every worker",
    "partial": "replaces every worker by one that cannot reach AWS Bedrock",
    "full": "replaces everything by one worker with the configuration and flags that were good last",
}
UNDO = "a rollout: bedrock-support rollout start; what was before stands in the record of the rollback"


class Rollbacks(Protocol):
    """The system that this server is a worker of."""

    async def target(self) -> str:
        """What a rollback would change, as it is now; see approval.digest."""
        ...

    async def begin(self, level: Level) -> str:
        """Start it in a process of its own, which outlives this worker; where its record is to be seen."""
        ...


class RollBackInput(ToolInput):
    """Arguments of roll_back."""

    level: Level
    reason: str = Field(min_length=1, max_length=300, description="why, for who confirms it")
    apply: bool = Field(default=False, description="do it; else only say what it would do")


class RollBackResult(BaseModel):
    """What came of it. A rollback that was begun ends by itself, verified or not: get_rollout_status, or `follow`."""

    model_config = ConfigDict(frozen=True)

    status: Literal["planned", "begun", "refused"]
    level: Level
    does: str
    target: str = Field(description="the state that it would change; an approval names it")
    why: str = ""
    follow: str = ""


def roll_back(system: Rollbacks) -> SupportTool[RollBackInput, RollBackResult]:
    """The tool."""

    async def run(ctx: ToolContext, given: RollBackInput) -> RollBackResult:
        does = f"{DOES[given.level]}, for everybody who uses this server"
        act = Act(
            action=f"roll_back.{given.level}",
            target=await system.target(),
            question=f"Roll back, level {given.level}? It {does}. Reason given by the agent: {given.reason}",
            undo=UNDO,
        )
        about: dict[str, Any] = {"level": given.level, "does": does, "target": act.target}
        if not given.apply:
            return RollBackResult(status="planned", **about)
        try:
            permit = await ctx.approve(act)
        except NotApproved as error:
            why = f"{error}. By hand: bedrock-support rollout rollback {given.level}"
            return RollBackResult(status="refused", why=why, **about)
        follow = await system.begin(given.level)
        await permit.ended("begun")
        return RollBackResult(status="begun", follow=follow, **about)

    return SupportTool(
        name="roll_back",
        title="Roll the system back",
        description=(
            "Rollback, emergency, undo a rollout: with apply=true asks for approval, then rolls back. immediate: no "
            "model is asked; partial: without Bedrock; full: the last good configuration."
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
    if result.status == "planned":
        return f"Nothing is done yet. The {result.level} rollback {result.does}. Call again with apply=true to do it."
    if result.status == "refused":
        return f"Nothing was rolled back: {result.why}."
    return f"The {result.level} rollback has begun, in a process of its own. Follow it by: {result.follow}"
