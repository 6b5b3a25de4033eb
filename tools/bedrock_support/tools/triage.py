"""triage_incident: what went wrong in a log, where it started, and what a model makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio
from pydantic import BaseModel, ConfigDict, Field

from bedrock_support.routing.model import Operation, OperationClass
from bedrock_support.tools.answers import TriageAnswer, answer_schema
from bedrock_support.tools.base import InputError, SupportTool, ToolContext, ToolInput
from bedrock_support.tools.envelope import Envelope, ModelUse
from bedrock_support.tools.judging import (
    Verdict,
    brief_of,
    nonce_of,
    read_outcome,
    system_prompt,
)
from bedrock_support.tools.live.names import JAEGER, LOGS, LiveName, live_name
from bedrock_support.tools.live.reading import log_lines
from bedrock_support.tools.live.sources import LiveSources
from bedrock_support.tools.logs.report import LogFile, Moment, TemplateRow, Windowed
from bedrock_support.tools.logs.workspace import near

if TYPE_CHECKING:
    from bedrock_support.tools.logs.findings import Report

NAME = "triage_incident"
_LOCAL_SECONDS = {OperationClass.EMERGENCY: 1.5, OperationClass.INFRASTRUCTURE: 3.0}
_OTHER_SECONDS = 20.0
_FIRST, _LAST = (int(datetime(*day, tzinfo=UTC).timestamp()) for day in ((1, 1, 1), (9999, 12, 31)))
NOTHING = LiveSources()
_GIT_SECONDS, _GIT_SHARE = 2.0, 0.1
"""At most so long is git asked, and at most this share of what remains."""


class Window(BaseModel):
    """A stretch of time; without a zone it is UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: datetime
    end: datetime


class TriageInput(ToolInput):
    """What triage_incident takes."""

    path: str | None = Field(
        default=None, max_length=4_096, description="Log file or folder, or logs:GROUP, jaeger:SERVICE"
    )
    text: str | None = Field(default=None, max_length=1_000_000, description="Pasted log, instead of path")
    question: str | None = Field(default=None, max_length=2_000, description="What you want to know")
    operation_class: OperationClass = Field(
        default=OperationClass.STANDARD, description="emergency: answer in 5 s; infrastructure: 10 s"
    )
    window: Window | None = Field(default=None, description="When it went wrong; found by itself if left out")
    max_findings: int = Field(default=10, ge=1, le=50)


class TriageResult(Envelope):
    """What triage_incident found."""

    templates: list[TemplateRow]
    windows: Windowed
    files: list[LogFile]
    first_error: Moment | None
    timeline: list[Moment]


def local_budget(op_class: OperationClass, remaining: float) -> float:
    """Seconds for local analysis, so that the model still has its share of what remains."""
    return min(_LOCAL_SECONDS.get(op_class, _OTHER_SECONDS), remaining / 2)


async def triage(ctx: ToolContext, given: TriageInput, live: LiveSources = NOTHING) -> TriageResult:
    """Analyse a log by rules, then ask for judgement.

    Raises:
        InputError: the arguments name nothing that can be analysed.
    """
    window = _checked(given)
    deadline = ctx.clock.now() + local_budget(ctx.op_class, ctx.remaining())
    from bedrock_support.tools.logs.session import Session  # a server's start need not pay for it

    session = Session(ctx, deadline)
    try:
        asked = live_name("path", given.path, (JAEGER, LOGS)) if given.path else None
        if asked is not None:
            lines, notes = await log_lines(ctx, asked, window, live, deadline)
            if not lines:
                return _nothing(ctx, asked, notes)
            session.hold(asked.label, lines, notes, partial=len(notes) > 1)
        else:
            await session.open(given.path, given.text)
        report = await session.analyse(window, given.max_findings)
        limits = session.limits(report)
    finally:
        await session.aclose()
    if report.frames and ctx.roots:
        seconds = min(_GIT_SECONDS, ctx.remaining() * _GIT_SHARE)
        report.tell(await near(report.frames, ctx.roots, ctx.workers, seconds))
    operation = _operation(ctx, given, report, limits)
    await anyio.lowlevel.checkpoint()
    outcome = await ctx.judge(operation)
    verdict = read_outcome(outcome, "partial" if session.partial else "ok", operation.evidence_ids)
    return _result(ctx, report, verdict, limits)


def _nothing(ctx: ToolContext, name: LiveName, notes: list[str]) -> TriageResult:
    """A live source that gave nothing is no error: the limits say what it said."""
    return TriageResult(
        status="partial",
        operation_class=ctx.op_class,
        route="local",
        decision="Nothing was read, so no model was asked",
        model=ModelUse(used=False, not_used_reason="nothing was read"),
        findings=[],
        evidence=[],
        limits=[*notes, f"{name.label} gave no line"],
        templates=[],
        windows=Windowed(bad=None, quiet=None, how="no line was read", by="line"),
        files=[],
        first_error=None,
        timeline=[],
    )


def _checked(given: TriageInput) -> tuple[int, int] | None:
    if (given.path is None) == (given.text is None):
        value = None if given.path is None else given.path
        problem = "neither path nor text is given" if given.path is None else "path and text are both given"
        raise InputError("path", value, problem, "Give exactly one: path (file or folder), or text (pasted log)")
    if given.text is not None and not given.text.strip():
        raise InputError("text", given.text, "the log is empty", "Paste at least one line")
    if given.path is not None and not given.path.strip():
        raise InputError("path", given.path, "the path is empty", "Name a log file or folder")
    if given.window is None:
        return None
    start, end = (_seconds(each) for each in (given.window.start, given.window.end))
    if end <= start:
        raise InputError(
            "window.end", given.window.end.isoformat(), "isn't after window.start", "Give an end after the start"
        )
    return start, end


def _seconds(moment: datetime) -> int:
    """Unix seconds; beyond what a calendar in UTC can say, its end: a window may well mean all there is."""
    seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    return min(max(seconds, _FIRST), _LAST)


def _operation(ctx: ToolContext, given: TriageInput, report: Report, limits: list[str]) -> Operation:
    digest = report.digest()
    identity = f"{ctx.call_id}.triage"
    nonce = nonce_of(ctx.secret or identity, digest)
    bad, quiet = report.windows.bad, report.windows.quiet
    head = [
        f"Question: {given.question or 'What went wrong, what came first, and what should be done next?'}",
        f"Log: {len(report.files)} file(s), {sum(each.lines for each in report.files)} lines.",
        f"Bad window: {bad.start} to {bad.end}, {bad.lines} lines." if bad else "No bad window stands out.",
    ]
    if quiet:
        head.append(f"Compared with: {quiet.start} to {quiet.end}, {quiet.lines} lines.")
    if limits:
        head.append(f"Limits: {len(limits)}, e.g. counts and times are of what was read.")
    brief = brief_of("\n".join(head), report.findings, report.evidence, nonce, ctx.rule.evidence_tokens)
    if brief.left_out:
        limits.append(brief.left_out)
    return Operation(
        id=identity,
        op_class=ctx.op_class,
        tool=NAME,
        system=system_prompt(),
        brief=brief.text,
        evidence_digest=digest,
        deadline=ctx.deadline,
        model_role=ctx.rule.role,
        max_tokens=ctx.rule.max_tokens,
        stream=ctx.rule.stream,
        answer_schema=answer_schema(),
        evidence_ids=tuple(each.id for each in report.evidence),
        idempotency_key=f"triage:{digest}",
    )


def _result(ctx: ToolContext, report: Report, verdict: Verdict, limits: list[str]) -> TriageResult:
    return TriageResult(
        status=verdict.status,
        operation_class=ctx.op_class,
        route=verdict.route,
        decision_id=verdict.decision_id,
        decision=verdict.decision,
        model=verdict.model,
        judgement=verdict.judgement,
        handoff=verdict.handoff,
        findings=report.findings,
        evidence=report.evidence,
        limits=[*limits, *verdict.limits],
        templates=report.templates,
        windows=report.windows,
        files=report.files,
        first_error=report.first_error,
        timeline=report.timeline,
    )


def summary(result: TriageResult) -> str:
    """The result in plain text."""
    lines = [f"Status: {result.status}. {len(result.findings)} findings in {sum(f.lines for f in result.files)} lines."]
    bad = result.windows.bad
    if bad:
        lines.append(f"Bad window: {bad.start} to {bad.end} ({bad.lines} lines).")
    if result.first_error:
        first = result.first_error
        lines.append(f"{first.what} ({first.path}:{first.line}{', ' + first.at if first.at else ''})")
    lines += [
        f"- [{each.severity}] {each.title} ({each.path}:{each.line}). {each.detail}" for each in result.findings[:5]
    ]
    if len(result.findings) > 5:
        lines.append(f"- and {len(result.findings) - 5} more")
    if result.judgement:
        lines.append(f"Judgement: {result.judgement.summary}")
        causes = result.judgement.causes[:3]
        lines += [f"- {cause.title} ({', '.join(cause.evidence_ids)}; {cause.confidence:.0%})" for cause in causes]
        lines += [f"Next: {step}" for step in result.judgement.next_steps[:3]]
    if result.handoff:
        lines.append(f"Waiting for your answer to handoff {result.handoff.handoff_id}: {result.handoff.how}.")
    used = f"model {result.model.id}" if result.model.used else f"no model ({result.model.not_used_reason})"
    lines.append(f"Route: {result.route}, {used}. {result.decision}")
    lines += [f"Limit: {limit}" for limit in result.limits[:4]]
    return "\n".join(lines)


def triage_incident(live: LiveSources = NOTHING) -> SupportTool[TriageInput, TriageResult]:
    """The tool, over the sources that may be asked."""
    return SupportTool(
        name=NAME,
        title="Triage an incident from its logs",
        description=(
            "Logs, errors, incident, outage, stack trace, root cause: finds what went wrong in a log file, folder, "
            "pasted text, CloudWatch log group or Jaeger service. Ranked findings with file:line, first error, bursts, "
            "what is new against a quiet time, and code of each stack trace; then a model's judgement. Works without."
        ),
        input_model=TriageInput,
        output_model=TriageResult,
        run=partial(triage, live=live),
        op_class=lambda given: given.operation_class,
        reads_files=lambda given: given.path is not None,
        summary=summary,
        answer_model=TriageAnswer,
    )


TRIAGE = triage_incident()
"""With nothing live to ask."""
