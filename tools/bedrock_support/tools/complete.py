"""The tool complete_handoff: brings back the calling agent's own answer to a handed-over question."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, ValidationError

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.routing.lasting.file import LastingUnavailable
from bedrock_support.routing.mcp_router import Screen
from bedrock_support.routing.model import Carrier, OperationClass
from bedrock_support.routing.redaction import has_placeholders, restore, restored
from bedrock_support.tools.answers import TriageAnswer, judge_answer
from bedrock_support.tools.base import InputError, SupportTool, ToolContext, ToolInput
from bedrock_support.tools.envelope import Envelope, ModelUse

LEFT_IN_PLACE = (
    "placeholders such as [[EMAIL_1_0123abcd]] are left in place: another process handed the question over, and what "
    "they stand for is kept nowhere"
)
Note = Callable[[str, str, object], None]
"""Told (decision id, key, value) when something is learnt about a past decision."""


class HandoffInput(ToolInput):
    """Arguments of complete_handoff."""

    handoff_id: Annotated[str, Field(max_length=64, description="handoff.handoff_id of the result that awaits you")]
    answer: Annotated[
        dict[str, Any] | str,
        Field(description="your answer to handoff.brief: an object (or its JSON) that fits handoff.answer_schema"),
    ]


def complete_handoff(
    desk: HandoffDesk, note: Note, screen: Screen | None = None
) -> SupportTool[HandoffInput, Envelope]:
    """The tool, at the desk where the questions were given out."""

    async def run(context: ToolContext, params: HandoffInput) -> Envelope:
        try:
            question = await desk.find(params.handoff_id)
            if question is None:
                raise _closed(params.handoff_id, lasting=desk.lasting)
            given = _checked(params.answer)
            if screen is not None:  # before values are put back: they are for the caller alone
                given = await _screened(given, screen, context.deadline)
            answer = restored(given, question.restore)
            told = restore(question.brief, question.restore)
            judgement = judge_answer(answer, question.evidence_ids, told)
            if not await desk.close(params.handoff_id, question):
                raise _closed(params.handoff_id, lasting=desk.lasting)
        except LastingUnavailable as fault:
            raise InputError(
                "handoff_id",
                params.handoff_id,
                f"the store of open questions can't be asked just now ({fault})",
                "Send the answer again in a moment; the question stays open",
            ) from fault
        seconds = context.clock.now() - question.handed_at
        note(question.decision_id, "handoff", {"answered_after_seconds": round(seconds, 3)})
        limits = ["findings and evidence stand in the result that handed the question over"]
        if question.recalled and has_placeholders(given):
            limits.append(LEFT_IN_PLACE)
        return Envelope(
            status="ok",
            operation_class=question.op_class,
            route="mcp",
            decision_id=question.decision_id or None,
            decision="the calling agent's own model answered a handed-over question",
            model=ModelUse(
                used=True, id=None, carrier=Carrier.HANDOFF.value, simulated=False, latency_ms=round(seconds * 1000)
            ),
            judgement=judgement,
            findings=[],
            evidence=[],
            limits=limits,
        )

    return SupportTool(
        name="complete_handoff",
        title="Return the answer to a handed-over question",
        description=(
            "Complete a handoff: when a result has status awaiting_answer, answer its handoff.brief yourself and give "
            "the answer here. It is checked against the schema and the evidence; hypotheses that cite unknown "
            "evidence are dropped."
        ),
        input_model=HandoffInput,
        output_model=Envelope,
        run=run,
        op_class=lambda _: OperationClass.STANDARD,
        reads_files=lambda _: False,
        summary=_summary,
        read_only=False,
        idempotent=False,
        open_world=False,
    )


async def _screened(answer: dict[str, Any], screen: Screen, deadline: float) -> dict[str, Any]:
    """The answer as a guardrail lets it pass, or an InputError that says that it doesn't."""
    try:
        return _checked(await screen(json.dumps(answer, ensure_ascii=False), "OUTPUT", deadline))
    except RouteError as error:
        raise InputError("answer", "(withheld)", str(error), error.failure.mend or "Send it again later") from None


def _closed(handoff_id: str, *, lasting: bool) -> InputError:
    ends = (
        "It was answered, or it is older than an hour"
        if lasting
        else (
            "It was answered, it is older than an hour, or the server restarted, which questions outlive only where "
            "BEDROCK_SUPPORT_STORE is set"
        )
    )
    return InputError(
        "handoff_id", handoff_id, "no open question has this id", f"{ends}: call the tool again for a new one"
    )


def _checked(answer: dict[str, Any] | str) -> dict[str, Any]:
    """The answer as an object that fits the schema, or an InputError that says where it doesn't."""
    loaded: Any = answer
    if isinstance(answer, str):
        try:
            loaded = json.loads(answer)
        except ValueError:
            raise InputError(
                "answer", answer, "not JSON", "Give an object, or its JSON, that fits answer_schema"
            ) from None
    try:
        return TriageAnswer.model_validate(loaded).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(("answer", *(str(part) for part in first["loc"])))
        raise InputError(
            field,
            first["input"],
            first["msg"],
            "Mend the answer to fit answer_schema and send it again; the question stays open",
        ) from None


def _summary(result: Envelope) -> str:
    judgement = result.judgement
    if judgement is None:
        return "Answer taken."
    dropped = f" {judgement.dropped} hypotheses dropped: they cite unknown evidence." if judgement.dropped else ""
    causes = "".join(f"\n- {cause.title} ({', '.join(cause.evidence_ids)})" for cause in judgement.causes)
    return f"Answer taken and checked.{dropped}\n{judgement.summary}{causes}"
