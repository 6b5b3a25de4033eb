"""get_operation: progress and result of a call that went on in the background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import InputError, SupportTool, ToolContext, ToolInput

_LEFT = 2.0
"""Seconds of the call's time that are not waited."""


class OperationInput(ToolInput):
    """Arguments of get_operation."""

    operation_id: str = Field(max_length=64)
    wait_s: float = Field(default=20, ge=0, le=45)


class OperationResult(BaseModel):
    """While it runs, how far it is; afterwards exactly what the tool would have returned."""

    model_config = ConfigDict(extra="allow", frozen=True)

    status: str
    words: str = Field(exclude=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """How far an operation is."""

    id: str
    tool: str
    seconds: float
    done: float
    total: float
    message: str
    result: Mapping[str, Any] | None
    """Structured result of the tool; None while it runs."""
    text: str
    failed: bool


class Watch(Protocol):
    """Looks at an operation of `owner`, waiting `wait` seconds for its end; None where there is none of theirs."""

    async def __call__(self, owner: str, key: str, wait: float) -> Progressed | None: ...


def get_operation(watch: Watch) -> SupportTool[OperationInput, OperationResult]:
    """The tool, over what still runs."""

    async def run(ctx: ToolContext, given: OperationInput) -> OperationResult:
        seen = await watch(ctx.caller, given.operation_id, min(given.wait_s, max(0.0, ctx.remaining() - _LEFT)))
        if seen is None:
            mend = "It ended more than 30 minutes ago, the server restarted, or it isn't yours: call its tool again"
            raise InputError("operation_id", given.operation_id, "there is no such operation", mend)
        if seen.failed:
            raise InputError("operation_id", given.operation_id, f"{seen.tool} failed: {seen.text}", "Call it again")
        if seen.result is not None:
            return OperationResult.model_validate({"status": "ok", **seen.result, "words": seen.text})
        progress = {"done": seen.done, "total": seen.total, "message": seen.message}
        running = {"operation_id": seen.id, "tool": seen.tool, "seconds": seen.seconds, "progress": progress}
        words = f"{seen.tool} runs for {seen.seconds:.0f} s: {seen.message or 'working'}. Call get_operation again."
        return OperationResult.model_validate({"status": "running", **running, "words": words})

    return SupportTool(
        name="get_operation",
        title="Progress or result of a long call",
        description=(
            "Status running, operation_id: waits for a call that goes on in the background; gives its progress, or "
            "the result that the tool would have given."
        ),
        input_model=OperationInput,
        output_model=OperationResult,
        run=run,
        op_class=lambda _: OperationClass.BACKGROUND,
        reads_files=lambda _: False,
        summary=lambda result: result.words,
        open_world=False,
    )
