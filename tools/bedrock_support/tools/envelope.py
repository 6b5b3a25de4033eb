"""The result that every support tool returns, so that an agent learns it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bedrock_support.routing.model import OperationClass


class Result(BaseModel):
    """Base of everything in a result."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Severity = Literal["critical", "high", "medium", "low", "info"]
Status = Literal["ok", "partial", "degraded", "awaiting_answer", "queued"]


class Evidence(Result):
    """Something that was read, quoted so that anyone can look it up."""

    id: str
    kind: str
    source: str = Field(description="path:line, or text:line for pasted text")
    quote: str
    sha256: str = Field(description="SHA-256 of the quoted bytes as they stand in the source")


class Finding(Result):
    """A conclusion drawn from evidence by rules, before any model was asked."""

    id: str
    severity: Severity
    title: str
    detail: str
    path: str | None = None
    line: int | None = None
    confidence: float = Field(ge=0, le=1)
    evidence_ids: list[str]
    disproof: str = Field(description="What one would see if this were wrong")


class Cause(Result):
    """A model's hypothesis. Kept only when every evidence id in it exists."""

    title: str
    evidence_ids: list[str]
    confidence: float = Field(ge=0, le=1)
    disproof: str = ""


class Judgement(Result):
    """What the model said, and whether it held to the evidence."""

    summary: str
    causes: list[Cause] = []
    next_steps: list[str] = []
    structured: bool = Field(description="False: the model answered in free text, kept as the summary")
    dropped: int = Field(default=0, description="Hypotheses dropped because they cite evidence that doesn't exist")


class ModelUse(Result):
    """Whether a model was used, which, and why not if not."""

    used: bool
    id: str | None = None
    carrier: str | None = None
    simulated: bool = False
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    not_used_reason: str | None = None
    cached_age_s: float | None = None
    """Set when the answer was given before, to a question that comes down to the same."""
    queued_id: str | None = None
    """The question waits to be asked later: manage_queue, action result, has the answer."""
    stale: bool | None = None
    """The answer is past its time: it is being asked anew, or that failed."""


class HandoffRef(Result):
    """Given to agents that can't be asked during the call: answer the brief, then call complete_handoff."""

    handoff_id: str
    brief: str
    answer_schema: dict[str, object]
    expires_at: str
    how: str


class Envelope(Result):
    """Fields that every tool's result has."""

    status: Status
    operation_class: OperationClass
    route: Literal["local", "direct", "mcp"]
    decision_id: str | None = None
    decision: str = Field(description="Why this route, in one sentence")
    model: ModelUse
    judgement: Judgement | None = None
    handoff: HandoffRef | None = None
    findings: list[Finding]
    evidence: list[Evidence]
    limits: list[str] = Field(description="What was not looked at, and why")
    trace_id: str | None = None


BY_RULES = "Found by rules alone; no model was asked"
NO_MODEL = ModelUse(used=False, not_used_reason="no judgement was asked for")
"""What tools that ask a model only when told to say of it."""


def in_words(findings: Iterable[Finding]) -> list[str]:
    """Findings that have a file and a line, as lines of a summary."""
    return [
        f"- [{each.severity}] {each.path}:{each.line} {each.title} ({each.confidence:.0%}). {each.detail}"
        for each in findings
    ]


def tally(kinds: Iterable[str]) -> dict[str, int]:
    """How often each occurs, the most frequent first, then by name."""
    return dict(sorted(Counter(kinds).items(), key=lambda item: (-item[1], item[0])))


def opinion_in_words(result: Envelope) -> list[str]:
    """What a model made of the findings, or why none did, as lines of a summary; nothing where none was to be asked."""
    lines: list[str] = []
    if (judgement := result.judgement) is not None:
        lines.append(f"Judgement of {result.model.id}: {judgement.summary}")
        causes = judgement.causes[:3]
        lines += [f"- {each.title} ({', '.join(each.evidence_ids)}; {each.confidence:.0%})" for each in causes]
        lines += [f"Next: {step}" for step in judgement.next_steps[:3]]
    if result.handoff is not None:
        lines.append(f"Waiting for your answer to handoff {result.handoff.handoff_id}: {result.handoff.how}.")
    elif result.status == "degraded":
        lines.append(f"No judgement: {result.model.not_used_reason}")
    return lines
