"""analyze_executions: loops, repeats, contradictions and abandoned work in records of agents."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from anyio import to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.routing.redaction import Redactor
from bedrock_support.tools.base import InputError, JudgingInput, SupportTool, ToolContext
from bedrock_support.tools.envelope import (
    BY_RULES,
    NO_MODEL,
    Envelope,
    Evidence,
    Finding,
    Result,
    in_words,
    opinion_in_words,
)
from bedrock_support.tools.opinion import RESERVE, ROOM, judged
from bedrock_support.tools.paths import confine

if TYPE_CHECKING:
    from bedrock_support.tools.executions.analyze import Report
    from bedrock_support.tools.executions.model import Found, RunFacts, Step

NAME = "analyze_executions"
QUESTION = "Why did these runs go wrong, and what should the agent, its tools or its instructions do otherwise?"
MOST_BYTES = 24_000
"""Of one answer, so that clients that cut at 25 kB cut nothing."""
EXPLAINED = 12
MOST_WHOLE = 2_000
"""Findings, and runs, in the whole result."""
_RESERVE = 0.1
"""Share of the time that is kept for the answer."""


class ExecutionsInput(JudgingInput):
    """Arguments of analyze_executions."""

    path: str = Field(max_length=4_096, description="Record file or folder of them")
    focus: str | None = Field(default=None, max_length=200, description="Only runs with this in id or file name")


class RunRow(Result):
    """One run in figures."""

    id: str
    file: str
    calls: int
    failed: int
    repeated: int
    tokens: int
    seconds: float
    wasted_tokens: int
    wasted_seconds: float
    patterns: list[str]
    first_bad_line: int | None


class ClusterRow(Result):
    """Failures that read the same."""

    tool: str
    error: str
    count: int
    runs: int
    first: str


class ExecutionsResult(Envelope):
    """What analyze_executions found."""

    runs: list[RunRow] = Field(description="Those with findings first")
    total_runs: int
    by_pattern: dict[str, int]
    clusters: list[ClusterRow]
    feedback: list[str] = Field(description="What to do otherwise, finding by finding")


async def _run(ctx: ToolContext, given: ExecutionsInput) -> ExecutionsResult:
    # Loaded by the first call: a server's start must not wait for it.
    from bedrock_support.tools.executions.analyze import analyze

    place = await to_thread.run_sync(confine, "path", given.path, ctx.roots, limiter=ctx.workers)
    until = ctx.work_until(RESERVE if given.judge else _RESERVE)

    def work() -> ExecutionsResult:
        report = analyze(place, given.focus, lambda: ctx.clock.now() >= until)
        if not report.runs:
            mend = (
                "Give JSON lines: transcripts with role or tool, OTLP spans of tool calls, or the hook's spool"
                if given.focus is None
                else "Leave out focus, or name a run or file that is there"
            )
            raise InputError("path", given.path, "no step of an agent was found", mend)
        part = result_of(ctx.op_class, ctx.call_id, report, ROOM if given.judge else 0)
        if len(part.findings) < len(report.found) or len(part.runs) < part.total_runs:
            redactor = Redactor(hashlib.sha256(ctx.call_id.encode()).hexdigest()[:8])
            ctx.whole(lambda: _page(ctx.op_class, redactor, report, MOST_WHOLE, MOST_WHOLE))
        return part

    result = await to_thread.run_sync(work, limiter=ctx.workers)
    return await judged(ctx, NAME, QUESTION, result) if given.judge else result


def result_of(op_class: OperationClass, call_id: str, report: Report, kept_free: int = 0) -> ExecutionsResult:
    """The report as an answer, cut to what clients take."""
    redactor = Redactor(hashlib.sha256(call_id.encode()).hexdigest()[:8])
    explained, rows = EXPLAINED, 40
    while True:
        result = _page(op_class, redactor, report, explained, rows)
        if len(result.model_dump_json().encode()) <= MOST_BYTES - kept_free or rows < 2:
            return result
        explained, rows = max(1, explained * 3 // 4), rows * 3 // 4


def _page(op_class: OperationClass, redactor: Redactor, report: Report, explained: int, rows: int) -> ExecutionsResult:
    evidence: dict[tuple[str, int], Evidence] = {}
    findings: list[Finding] = []
    for each in report.found[:explained]:
        ids = [_quote(evidence, redactor, step) for step in each.steps]
        findings.append(
            Finding(
                id=f"X{len(findings) + 1}",
                severity=each.severity,
                title=redactor.redact(each.title)[:200],
                detail=redactor.redact(_detail(each))[:600],
                path=each.first_bad.file,
                line=each.first_bad.line,
                confidence=each.confidence,
                evidence_ids=list(dict.fromkeys(ids)),
                disproof=each.disproof,
            )
        )
    runs = sorted(report.runs, key=lambda each: (not each.patterns, -each.wasted_tokens))
    counts: dict[str, int] = {}
    for each in report.found:
        counts[each.pattern] = counts.get(each.pattern, 0) + 1
    return ExecutionsResult(
        status="partial" if report.partial else "ok",
        operation_class=op_class,
        route="local",
        decision=BY_RULES,
        model=NO_MODEL,
        findings=findings,
        evidence=list(evidence.values()),
        limits=limits(report, len(findings), min(rows, len(runs))),
        runs=[_row(each, redactor) for each in runs[:rows]],
        total_runs=len(report.runs),
        by_pattern=dict(sorted(counts.items())),
        clusters=[
            ClusterRow(
                tool=redactor.redact(each.tool),
                error=redactor.redact(each.error),
                count=each.count,
                runs=each.runs,
                first=f"{each.first.file}:{each.first.line}",
            )
            for each in report.clusters[: max(1, rows // 2)]
        ],
        feedback=list(dict.fromkeys(redactor.redact(each.feedback) for each in report.found[:explained])),
    )


def _detail(found: Found) -> str:
    spent = [f"{found.tokens} tokens"] if found.tokens else []
    spent += [f"{found.seconds:.1f} s"] if found.seconds >= 0.1 else []
    return found.detail + (f". Spent on it: {', '.join(spent)}" if spent else "")


def _quote(evidence: dict[tuple[str, int], Evidence], redactor: Redactor, step: Step) -> str:
    """A line's begin as evidence; secrets are taken out of what is shown, the digest is of what stands there."""
    key = step.file, step.line
    if key not in evidence:
        evidence[key] = Evidence(
            id=f"E{len(evidence) + 1}",
            kind="step",
            source=f"{step.file}:{step.line}",
            quote=redactor.redact(step.head),
            sha256=hashlib.sha256(step.head.encode()).hexdigest(),
        )
    return evidence[key].id


def _row(run: RunFacts, redactor: Redactor) -> RunRow:
    return RunRow(
        id=redactor.redact(run.id)[:120],
        file=run.file,
        calls=run.calls,
        failed=run.failed,
        repeated=run.repeated,
        tokens=run.tokens,
        seconds=run.seconds,
        wasted_tokens=run.wasted_tokens,
        wasted_seconds=run.wasted_seconds,
        patterns=list(run.patterns),
        first_bad_line=run.first_bad.line if run.first_bad else None,
    )


def limits(report: Report, findings: int, rows: int) -> list[str]:
    """What wasn't looked at, and why."""
    tally = report.tally
    said = list(report.notes[:5])
    if tally.unreadable:
        said.append(f"{tally.unreadable} lines are no JSON object or too long, and were passed over")
    if tally.unknown:
        said.append(f"{tally.unknown} objects have no known form, and were passed over")
    if "spans" in tally.forms:
        said.append("Spans carry no arguments unless the agent records them: equal calls can't be told there")
    if report.ended_early:
        said.append(f"{report.ended_early} runs were ended early: more than 256 were open at once")
    if report.dropped:
        said.append(f"{report.dropped} runs or findings beyond 2,000 were counted and not kept")
    if len(report.found) > findings:
        said.append(f"{len(report.found) - findings} findings of lower rank: `bedrock-support executions --json`")
    if len(report.runs) > rows:
        said.append(f"{len(report.runs) - rows} runs aren't listed: name one with focus")
    return [*said, "A pattern is a fact about the calls; it doesn't say that the run failed"]


def summary(result: ExecutionsResult) -> str:
    """The result in plain text."""
    counts = ", ".join(f"{count} {name}" for name, count in result.by_pattern.items()) or "nothing found"
    lines = [f"{result.total_runs} runs: {counts}."]
    lines += in_words(result.findings)
    lines += [f"Failure {each.count}x: {each.tool}: {each.error} (first {each.first})" for each in result.clusters[:5]]
    lines += [f"Do: {each}" for each in result.feedback]
    lines += opinion_in_words(result)
    lines += [f"Limit: {limit}" for limit in result.limits[:4]]
    return "\n".join(lines)


ANALYZE = SupportTool(
    name=NAME,
    title="Find what goes wrong in agents' runs",
    description="Agent transcripts, spans, hook records: finds loops, retries, ping-pong, contradictions, abandoned "
    "work, failure clusters, first bad step. Read only.",
    input_model=ExecutionsInput,
    output_model=ExecutionsResult,
    run=_run,
    op_class=lambda _: OperationClass.BACKGROUND,
    summary=summary,
    lasting=True,
)
