"""audit_infrastructure: what is wrong with what templates and manifests declare, ranked by exposure."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.routing.redaction import Redactor
from bedrock_support.tools.base import JudgingInput, SupportTool, ToolContext
from bedrock_support.tools.envelope import (
    BY_RULES,
    NO_MODEL,
    Envelope,
    Evidence,
    Finding,
    Result,
    Severity,
    in_words,
    opinion_in_words,
    tally,
)
from bedrock_support.tools.live.names import ACCOUNT, LiveName, live_name
from bedrock_support.tools.live.reading import in_time
from bedrock_support.tools.live.sources import LiveSources
from bedrock_support.tools.opinion import RESERVE, ROOM, judged
from bedrock_support.tools.paths import Place, confine

if TYPE_CHECKING:
    from bedrock_support.tools.infra.model import Problem
    from bedrock_support.tools.infra.run import Audited

NAME = "audit_infrastructure"
QUESTION = "Which of these problems can be reached or exploited together, and which should be mended first?"
MOST_BYTES = 24_000
"""Of one answer, so that clients that cut at 25 kB cut nothing."""
EXPLAINED = 12
MOST_WHOLE = 2_000
"""Problems in the whole result."""
_RESERVE = 0.15
"""Share of the time that is kept for the answer."""
_ENGINES = 0.4
"""Share of the time that each engine may take."""
NOTHING = LiveSources()
"""With nothing live to ask."""


class InfrastructureInput(JudgingInput):
    """Arguments of audit_infrastructure."""

    path: str = Field(default=".", max_length=4_096)
    focus: str | None = Field(default=None, max_length=200, description="Kind, file or resource")
    min_severity: Severity = "low"
    limit: int = Field(default=40, ge=1, le=100)
    offset: int = Field(default=0, ge=0)


class ProblemRow(Result):
    """One problem, in short."""

    file: str
    line: int
    resource: str
    kind: str
    severity: Severity
    confidence: float
    sources: list[str]


class InfrastructureResult(Envelope):
    """What audit_infrastructure found."""

    problems: list[ProblemRow] = Field(description="This page, most exposed first; findings explain its first ones")
    total: int
    resources: int
    files: int
    by_kind: dict[str, int]


async def _run(ctx: ToolContext, given: InfrastructureInput, live: LiveSources) -> InfrastructureResult:
    # Loaded by the first call: a server's start must not wait for it.
    from bedrock_support.tools.infra.run import audit

    until = ctx.deadline - ctx.remaining() * (RESERVE if given.judge else _RESERVE)
    asked = live_name("path", given.path, (ACCOUNT,))
    if asked is not None:
        return await _answer(ctx, given, None, await _held(ctx, given, asked, live, until))
    place = await to_thread.run_sync(confine, "path", given.path, ctx.roots, limiter=ctx.workers)
    found = await audit(
        place.path,
        workers=ctx.workers,
        focus=given.focus,
        min_severity=given.min_severity,
        engine_seconds=ctx.remaining() * _ENGINES,
        expired=lambda: ctx.clock.now() >= until,
    )
    return await _answer(ctx, given, place, found)


async def _held(
    ctx: ToolContext, given: InfrastructureInput, asked: LiveName, live: LiveSources, until: float
) -> Audited:
    """What is wrong with the account, as far as it could be read in time."""
    from bedrock_support.tools.infra.live import Thing, audit_held
    from bedrock_support.tools.infra.sources import Sources

    live.check("path", asked)
    reader = live.account(asked)
    held, notes = list[Thing](), list[str]()
    _, late = await in_time(ctx, until, lambda budget: reader.collect(held, notes, budget.spent))
    # A reader that hangs may still add to both.
    audited = partial(
        audit_held, reader.place, list(held), [*notes, *late], Sources([]), given.min_severity, given.focus
    )
    return await to_thread.run_sync(audited, limiter=ctx.workers)


async def _answer(
    ctx: ToolContext, given: InfrastructureInput, place: Place | None, found: Audited
) -> InfrastructureResult:
    result = await to_thread.run_sync(_result, ctx, given, place, found, limiter=ctx.workers)
    if len(result.findings) < result.total:
        first, most = given.model_copy(update={"offset": 0}), list(found.problems[:MOST_WHOLE])
        redactor = Redactor(hashlib.sha256(ctx.call_id.encode()).hexdigest()[:8])
        ctx.whole(lambda: _page(ctx, first, place, found, most, MOST_WHOLE, redactor))
    return await judged(ctx, NAME, QUESTION, result) if given.judge else result


def _result(ctx: ToolContext, given: InfrastructureInput, place: Place | None, found: Audited) -> InfrastructureResult:
    """The page that was asked for, cut to what clients take."""
    redactor = Redactor(hashlib.sha256(ctx.call_id.encode()).hexdigest()[:8])
    page = list(found.problems[given.offset : given.offset + given.limit])
    explained = EXPLAINED
    room = MOST_BYTES - (ROOM if given.judge else 0)
    while True:
        result = _page(ctx, given, place, found, page, explained, redactor)
        if len(result.model_dump_json().encode()) <= room or not (explained or page):
            return result
        if explained:
            explained = explained * 2 // 3
        else:
            page = page[: len(page) * 3 // 4]


def _page(
    ctx: ToolContext,
    given: InfrastructureInput,
    place: Place | None,
    found: Audited,
    page: list[Problem],
    explained: int,
    redactor: Redactor,
) -> InfrastructureResult:
    from bedrock_support.tools.infra.evidence import Key, quotes_of

    evidence: dict[Key, Evidence] = {}
    findings: list[Finding] = []
    for each in page[:explained]:
        findings.append(
            Finding(
                id=f"I{given.offset + len(findings) + 1}",
                severity=each.severity,
                title=redactor.redact(each.title)[:200],
                detail=redactor.redact(f"{each.detail} Do: {each.remedy}.")[:600],
                path=each.file,
                line=each.line,
                confidence=each.confidence,
                evidence_ids=quotes_of(evidence, place, found, each, redactor),
                disproof=each.disproof,
            )
        )
    limits = [redactor.redact(each) for each in found.notes]
    beyond = len(found.problems) - given.offset - len(page)
    if beyond > 0:
        limits.append(f"{beyond} problems of lower rank on later pages: offset={given.offset + len(page)}")
    if found.said > len(found.problems):
        limits.append(f"{found.said} findings of checks and engines are {len(found.problems)} problems here")
    return InfrastructureResult(
        status="partial" if found.partial else "ok",
        operation_class=ctx.op_class,
        route="local",
        decision=BY_RULES,
        model=NO_MODEL,
        findings=findings,
        evidence=list(evidence.values()),
        limits=limits,
        problems=[_row(each, redactor) for each in page],
        total=len(found.problems),
        resources=found.resources,
        files=found.files,
        by_kind=tally(each.kind for each in found.problems),
    )


def _row(each: Problem, redactor: Redactor) -> ProblemRow:
    return ProblemRow(
        file=each.file,
        line=each.line,
        resource=redactor.redact(each.resource)[:200],
        kind=each.kind,
        severity=each.severity,
        confidence=each.confidence,
        sources=list(each.sources[:6]),
    )


def summary(result: InfrastructureResult) -> str:
    """The result in plain text."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in list(result.by_kind.items())[:8])
    lines = [f"{result.total} problems in {result.resources} resources of {result.files} files ({kinds or 'none'})."]
    lines += in_words(result.findings)
    lines += [
        f"- [{each.severity}] {each.file}:{each.line} {each.resource}: {each.kind} ({each.confidence:.0%})"
        for each in result.problems[len(result.findings) : 25]
    ]
    lines += opinion_in_words(result)
    lines += [f"Limit: {limit}" for limit in result.limits[:4]]
    return "\n".join(lines)


def audit_infrastructure(live: LiveSources = NOTHING) -> SupportTool[InfrastructureInput, InfrastructureResult]:
    """The tool, with the accounts that it may read."""
    return SupportTool(
        name=NAME,
        title="Find what is wrong with infrastructure",
        description="CloudFormation, CDK, Terraform, compose, Kubernetes: exposure, secrets, timeout and retry chains, "
        "dead alarms, unread settings. Or path aws:REGION, a live account. Read only.",
        input_model=InfrastructureInput,
        output_model=InfrastructureResult,
        run=partial(_run, live=live),
        op_class=lambda _: OperationClass.BACKGROUND,
        summary=summary,
    )
