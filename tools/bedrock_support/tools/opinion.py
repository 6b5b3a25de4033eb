"""A model's second look at findings that rules made, for tools that answer well without one.

One piece for all of them: findings and evidence go out as data, the answer is held to them, and whatever becomes of
the question the findings stand as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeVar

from anyio import to_thread

from bedrock_support.routing.model import Operation
from bedrock_support.tools.answers import answer_schema
from bedrock_support.tools.base import ToolContext
from bedrock_support.tools.envelope import Envelope, Evidence, Finding
from bedrock_support.tools.judging import brief_of, nonce_of, read_outcome, review_prompt

EnvelopeT = TypeVar("EnvelopeT", bound=Envelope)
ROOM = 9_500
"""Bytes that an answer keeps free for a judgement, or for the brief of a question that is handed over."""
BRIEF_TOKENS = 1_500
"""Of findings in a brief: it may come back in the answer, beside the findings themselves."""
RESERVE = 0.35
"""Share of a call's time that is kept for the model."""
MARGIN, MARGIN_SHARE = 3.0, 0.15
"""Seconds before a call's end, or share of its time if that is less, by which the model must have answered."""
AFTERWARDS = 30.0
"""Seconds for a model that is asked in the background, when the call itself has been answered with a handle."""


async def judged(ctx: ToolContext, tool: str, question: str, result: EnvelopeT) -> EnvelopeT:
    """The result with what a model makes of its findings; degraded, with why, where none answers in time.

    Nothing is asked where nothing was found.
    """
    if not result.findings:
        use = result.model.model_copy(update={"not_used_reason": "nothing was found to judge"})
        return result.model_copy(update={"model": use})
    operation = await to_thread.run_sync(_operation, ctx, tool, question, result, limiter=ctx.workers)
    await ctx.progress(0.9, 1.0, "Asking for judgement")
    outcome = await ctx.judge(operation)
    verdict = read_outcome(outcome, result.status, operation.evidence_ids)
    return result.model_copy(
        update={
            "status": verdict.status,
            "route": verdict.route,
            "decision_id": verdict.decision_id,
            "decision": verdict.decision,
            "model": verdict.model,
            "judgement": verdict.judgement,
            "handoff": verdict.handoff,
            "limits": [*result.limits, *verdict.limits],
        }
    )


def _operation(ctx: ToolContext, tool: str, question: str, result: Envelope) -> Operation:
    digest = _digest(question, result.findings, result.evidence)
    identity = f"{ctx.call_id}.{tool}"
    budget = min(ctx.rule.evidence_tokens, BRIEF_TOKENS)
    nonce = nonce_of(ctx.secret or identity, digest)
    brief = brief_of(f"Question: {question}", result.findings, result.evidence, nonce, budget)
    return Operation(
        id=identity,
        op_class=ctx.op_class,
        tool=tool,
        system=review_prompt(),
        brief=brief.text,
        evidence_digest=digest,
        deadline=model_deadline(ctx),
        model_role=ctx.rule.role,
        max_tokens=ctx.rule.max_tokens,
        stream=ctx.rule.stream,
        answer_schema=answer_schema(),
        evidence_ids=tuple(each.id for each in result.evidence),
        idempotency_key=f"{tool}:{digest}",
    )


def model_deadline(ctx: ToolContext) -> float:
    """Absolute seconds by which a model must answer: before the call ends, so that no overrun costs a finding."""
    now = ctx.clock.now()
    soft = ctx.deadline - min(MARGIN, (ctx.deadline - ctx.started) * MARGIN_SHARE)
    return soft if now < soft - 1 or not ctx.lasts_until else min(ctx.lasts_until, now + AFTERWARDS)


def _digest(question: str, findings: Sequence[Finding], evidence: Sequence[Evidence]) -> str:
    told = [question, [each.model_dump() for each in findings], [each.sha256 for each in evidence]]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "replace")).hexdigest()
