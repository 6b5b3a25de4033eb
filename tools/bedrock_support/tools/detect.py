"""detect_implementation_gaps: what a tree claims and doesn't do, found by rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
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
from bedrock_support.tools.gaps.options import CHECKS, DEFAULT_CONFIDENCE
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.opinion import RESERVE, ROOM, judged
from bedrock_support.tools.paths import Place, confine

if TYPE_CHECKING:
    from bedrock_support.tools.gaps.findings import Gap
    from bedrock_support.tools.gaps.run import Found

NAME = "detect_implementation_gaps"
QUESTION = "Which of these gaps matter most, which share a reason, and which may be on purpose?"
MOST_BYTES = 24_000
"""Of one answer, so that clients that cut at 25 kB cut nothing."""
EXPLAINED = 10
MOST_WHOLE = 2_000
"""Gaps in the whole result."""
_RESERVE, _CONCLUDING, _AT_MOST = 0.15, 2.0, 0.4
"""Share of the time that is kept for drawing conclusions; at least so many seconds, but no more than that share."""
_ANSWER = 0.05
"""Share that is kept for the answer."""


class GapsInput(JudgingInput):
    """Arguments of detect_implementation_gaps."""

    path: str = Field(default=".", max_length=4_096, description="Folder or file inside the roots")
    focus: list[str] = Field(
        default=[], max_length=50, description=f"Checks ({', '.join(CHECKS)}), or files and folders to report on"
    )
    min_confidence: float = Field(default=DEFAULT_CONFIDENCE, ge=0, le=1)
    limit: int = Field(default=50, ge=1, le=100)
    offset: int = Field(default=0, ge=0, description="To page on")


class GapRow(Result):
    """One gap, in short."""

    file: str
    line: int
    symbol: str
    kind: str
    confidence: float
    severity: Severity


class GapsResult(Envelope):
    """What detect_implementation_gaps found."""

    gaps: list[GapRow] = Field(description="This page, most important first; findings explain its first ones")
    total: int
    files: int
    by_kind: dict[str, int]


def detect_gaps(store: FactStore) -> SupportTool[GapsInput, GapsResult]:
    """The tool, over the place where facts of files are remembered."""

    async def run(ctx: ToolContext, given: GapsInput) -> GapsResult:
        # Loaded by the first call: a server's start must not wait for it.
        from bedrock_support.tools.gaps.run import find_gaps

        place = await to_thread.run_sync(confine, "path", given.path, ctx.roots, limiter=ctx.workers)
        over = ctx.work_until(RESERVE if given.judge else _ANSWER)
        left = over - ctx.clock.now()
        until = over - max(left * _RESERVE, min(_CONCLUDING, left * _AT_MOST))
        found = await find_gaps(
            place.path,
            store=store,
            workers=ctx.workers,
            told=ctx.progress,
            floor=given.min_confidence,
            focus=given.focus,
            expired=lambda: ctx.clock.now() >= until,
            over=lambda: ctx.clock.now() >= over,
        )
        result = await to_thread.run_sync(_result, ctx, given, place, found, limiter=ctx.workers)
        if len(result.findings) < result.total:
            first = given.model_copy(update={"offset": 0})
            ctx.whole(lambda: _page(ctx, first, place, found, list(found.gaps[:MOST_WHOLE]), MOST_WHOLE))
        return await judged(ctx, NAME, QUESTION, result) if given.judge else result

    return SupportTool(
        name=NAME,
        title="Find what is claimed but not implemented",
        description=(
            "Stubs, TODO, not implemented, mock, placeholder, fake result, unfinished code: finds functions that don't "
            "do what their name, docstring and callers expect (Python, TypeScript, JavaScript, Go, Java), tests that "
            "can't fail, OpenAPI operations without a route, documented functions, settings and commands that don't "
            "exist. File, line, calibrated confidence and what would disprove it. No model is asked, unless by judge."
        ),
        input_model=GapsInput,
        output_model=GapsResult,
        run=run,
        op_class=lambda _: OperationClass.BACKGROUND,
        summary=summary,
        lasting=True,
    )


def _result(ctx: ToolContext, given: GapsInput, place: Place, found: Found) -> GapsResult:
    """The page that was asked for, cut to what clients take."""
    page = list(found.gaps[given.offset : given.offset + given.limit])
    explained = EXPLAINED
    room = MOST_BYTES - (ROOM if given.judge else 0)
    while True:
        result = _page(ctx, given, place, found, page, explained)
        if len(result.model_dump_json().encode()) <= room or not (explained or page):
            return result
        if explained:
            explained = explained * 2 // 3
        else:
            page = page[: len(page) * 3 // 4]


def _page(
    ctx: ToolContext, given: GapsInput, place: Place, found: Found, page: list[Gap], explained: int
) -> GapsResult:
    from bedrock_support.tools.gaps.evidence import quoted

    evidence: list[Evidence] = []
    findings: list[Finding] = []
    for each in page[:explained]:
        quotes = quoted(place, each, len(evidence))
        evidence += quotes
        findings.append(
            Finding(
                id=f"G{given.offset + len(findings) + 1}",
                severity=each.severity,
                title=each.title[:200],
                detail=each.detail[:600],
                path=each.file,
                line=each.line,
                confidence=each.confidence,
                evidence_ids=[quote.id for quote in quotes],
                disproof=each.disproof,
            )
        )
    limits = list(found.notes)
    beyond = len(found.gaps) - given.offset - len(page)
    if beyond > 0:
        limits.append(f"{beyond} gaps of lower rank on later pages: offset={given.offset + len(page)}")
    return GapsResult(
        status="partial" if found.partial else "ok",
        operation_class=ctx.op_class,
        route="local",
        decision=BY_RULES,
        model=NO_MODEL,
        findings=findings,
        evidence=evidence,
        limits=limits,
        gaps=[
            GapRow(
                file=each.file,
                line=each.line,
                symbol=each.symbol[:200],
                kind=each.kind,
                confidence=each.confidence,
                severity=each.severity,
            )
            for each in page
        ],
        total=len(found.gaps),
        files=found.files,
        by_kind=tally(each.kind for each in found.gaps),
    )


def summary(result: GapsResult) -> str:
    """The result in plain text."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in result.by_kind.items())
    lines = [f"{result.total} gaps in {result.files} files{f' ({kinds})' if kinds else ''}."]
    lines += in_words(result.findings)
    lines += [
        f"- [{each.severity}] {each.file}:{each.line} {each.symbol}: {each.kind} ({each.confidence:.0%})"
        for each in result.gaps[len(result.findings) : 25]
    ]
    lines += opinion_in_words(result)
    lines += [f"Limit: {limit}" for limit in result.limits[:4]]
    return "\n".join(lines)
