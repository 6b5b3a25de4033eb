"""scan_compliance: personal data, secrets and places outside the EU in files, named by line and never by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from heapq import nsmallest
from typing import TYPE_CHECKING, Literal

from anyio import from_thread, to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import SupportTool, ToolContext, ToolInput, Whole
from bedrock_support.tools.envelope import Result, Severity
from bedrock_support.tools.paths import Place, confine

if TYPE_CHECKING:
    from bedrock_support.tools.exposure.finds import Find

MOST_ANSWER_BYTES = 24_000
"""Of one answer, so that clients that cut at 25 kB cut nothing."""
PAGE = 50
"""Finds of one answer."""
_RESERVE = 0.1
"""Share of the time that is kept for the answer."""
Kind = Literal["pii", "secret", "residency"]


SURE = {"PERSON": 0.7}
"""Names in running text are right in seven of ten cases on texts that the tagger hasn't seen (docs/detection.md)."""
SURE_BY_KIND: dict[Kind, float] = {"pii": 0.95, "secret": 0.95, "residency": 0.9}
"""By judgement, below what the development set gives."""
DISPROOF: dict[Kind, str] = {
    "pii": "it is an example, or belongs to nobody",
    "secret": "it is a placeholder, or was revoked",
    "residency": "nothing of the EU's is sent there",
}


class ScanInput(ToolInput):
    """Arguments of scan_compliance."""

    path: str = Field(default=".", max_length=4_096)
    kind: Kind | None = None
    offset: int = Field(default=0, ge=0)


class FoundRow(Result):
    """One find, without its value."""

    file: str
    line: int
    kind: Kind
    type: str
    severity: Severity
    excerpt: str = Field(description="The line near it, with [TYPE] for every value")
    confidence: float
    disproof: str
    detail: str | None = Field(default=None, description="Why a place lies outside the EU")


class ScanResult(Result):
    """What scan_compliance found."""

    status: Literal["ok", "partial"]
    finds: list[FoundRow] = Field(description="This page, most important first")
    total: int
    files: int
    by_type: dict[str, int]
    next_offset: int | None = None
    limits: list[str] = Field(description="What was not looked at, and why")
    trace_id: str | None = None


async def _run(ctx: ToolContext, given: ScanInput) -> ScanResult:
    place = await to_thread.run_sync(confine, "path", given.path, ctx.roots, limiter=ctx.workers)
    until = ctx.deadline - ctx.remaining() * _RESERVE
    return await to_thread.run_sync(_scanned, place, given, ctx.whole, lambda: _late(ctx, until), limiter=ctx.workers)


def _late(ctx: ToolContext, until: float) -> bool:
    from_thread.check_cancelled()
    return ctx.clock.now() >= until


def _scanned(place: Place, given: ScanInput, whole: Whole, late: Callable[[], bool]) -> ScanResult:
    # Loaded by the first call: a server's start must not wait for it.
    from bedrock_support.tools.exposure.files import MOST_FINDS, Scan
    from bedrock_support.tools.exposure.finds import KINDS

    scan = Scan(kinds=(given.kind,) if given.kind else KINDS)
    kept: list[Find] = []
    counted: Counter[str] = Counter()
    for _, found in scan.walk(place, late):
        counted.update(each.label for each in found)
        kept += found
        if len(kept) > 2 * MOST_FINDS:
            kept = nsmallest(MOST_FINDS, kept, key=lambda each: each.order)
    kept.sort(key=lambda each: each.order)
    rows = [_row(each) for each in kept[given.offset : given.offset + PAGE]]
    while True:
        result = _page(scan.partial, rows, counted, scan.files, given.offset, scan.notes)
        if len(result.model_dump_json().encode()) <= MOST_ANSWER_BYTES or not rows:
            if len(rows) < result.total:
                every = [_row(each) for each in kept]
                whole(partial(_page, scan.partial, every, counted, scan.files, 0, scan.notes))
            return result
        rows = rows[: len(rows) * 3 // 4]


def _page(
    partial: bool, rows: list[FoundRow], counted: Counter[str], files: int, offset: int, notes: list[str]
) -> ScanResult:
    total, after = counted.total(), offset + len(rows)
    limits = notes[:10]
    if len(notes) > len(limits):
        limits.append(f"{len(notes) - len(limits)} more of the sort")
    return ScanResult(
        status="partial" if partial else "ok",
        finds=rows,
        total=total,
        files=files,
        by_type=dict(counted.most_common()),
        next_offset=after if rows and after < total else None,
        limits=[
            *limits,
            "Some names, and values in base64 or escapes, are missed",
        ],
    )


def _row(found: Find) -> FoundRow:
    return FoundRow(
        file=found.file[:300],
        line=found.line,
        kind=found.kind,
        type=found.label,
        severity=found.severity,
        excerpt=found.excerpt[:400],
        confidence=SURE.get(found.label, SURE_BY_KIND[found.kind]),
        disproof=DISPROOF[found.kind],
        detail=found.detail[:300] or None,
    )


def summary(result: ScanResult) -> str:
    """The result in plain text."""
    types = ", ".join(f"{count} {name}" for name, count in result.by_type.items())
    lines = [f"{result.total} finds in {result.files} files{f' ({types})' if types else ''}."]
    lines += [
        f"- [{each.severity}] {each.file}:{each.line} {each.type}: {each.detail or each.excerpt}"
        for each in result.finds[:25]
    ]
    if result.next_offset is not None:
        lines.append(f"More: offset={result.next_offset}")
    lines += [f"Limit: {limit}" for limit in result.limits[:4]]
    return "\n".join(lines)


SCAN = SupportTool(
    name="scan_compliance",
    title="Find personal data, secrets and non-EU regions in files",
    description=(
        "PII, secrets, tokens, GDPR, data residency: scans files, logs and configs for personal data, credentials and "
        "non-EU AWS regions. Values are masked. No model is asked."
    ),
    input_model=ScanInput,
    output_model=ScanResult,
    run=_run,
    op_class=lambda _: OperationClass.BACKGROUND,
    summary=summary,
    open_world=False,
)
