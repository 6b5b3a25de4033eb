"""find_root_cause: where a trouble that many measurements show begins."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import InputError, JudgingInput, SupportTool, ToolContext
from bedrock_support.tools.envelope import BY_RULES, NO_MODEL, Envelope, Evidence, Finding, Result, opinion_in_words
from bedrock_support.tools.live.names import CLOUDWATCH, JAEGER, PROMETHEUS, live_name
from bedrock_support.tools.live.reading import Measured, measurements
from bedrock_support.tools.live.sources import LiveSources
from bedrock_support.tools.opinion import RESERVE, ROOM, judged
from bedrock_support.tools.paths import confine

if TYPE_CHECKING:
    from bedrock_support.tools.causes.analyse import Cause, Found
    from bedrock_support.tools.causes.model import Data

NAME = "find_root_cause"
QUESTION = "Which of these causes explains the others, what speaks against it, and what should be done first?"
MOST_BYTES = 24_000
TAKEN = (PROMETHEUS, CLOUDWATCH, JAEGER)
NOTHING = LiveSources()
_RESERVE = 0.3
"""Share of the time that is kept for drawing conclusions."""


class RootCauseInput(JudgingInput):
    """Arguments of find_root_cause."""

    paths: list[str] = Field(
        min_length=1,
        max_length=50,
        description="Files or folders: metrics, traces, changes, edges; or prometheus:QUERY, cloudwatch:NAMESPACE, "
        "jaeger:SERVICE",
    )
    baseline: str | None = Field(default=None, max_length=4_096, description="Metrics of calm times")
    start: str | None = Field(default=None, max_length=64, description="Of the incident; left out: found")
    end: str | None = Field(default=None, max_length=64)
    target: str | None = Field(default=None, max_length=400, description="What suffers: service, metric or both")
    limit: int = Field(default=5, ge=1, le=20)


class CauseRow(Result):
    """One suspect, in short."""

    entity: str
    mechanism: str
    confidence: float
    onset: str | None
    path: list[str]
    why: str


class RootCauseResult(Envelope):
    """What find_root_cause found."""

    causes: list[CauseRow]
    start: str | None
    end: str | None
    target: str | None


async def _run(ctx: ToolContext, given: RootCauseInput, live: LiveSources = NOTHING) -> RootCauseResult:
    names = [live_name("paths", each, TAKEN) for each in given.paths]
    start, end = times_of(given.start, given.end)
    window = (start, end) if start is not None else None
    until = ctx.clock.now() + (ctx.work_until(max(_RESERVE, RESERVE * given.judge)) - ctx.clock.now()) / 2
    asked = await measurements(ctx, [each for each in names if each is not None], window, live, until)
    files = [path for path, name in zip(given.paths, names, strict=True) if name is None]
    result = await to_thread.run_sync(_look, ctx, given, files, asked, limiter=ctx.workers)
    return await judged(ctx, NAME, QUESTION, result) if given.judge else result


def _look(ctx: ToolContext, given: RootCauseInput, files: list[str], asked: Measured) -> RootCauseResult:
    # Loaded by the first call: a server's start must not wait for it.
    from bedrock_support.tools.causes.gather import gather

    start, end = times_of(given.start, given.end)
    until = ctx.work_until(max(_RESERVE, RESERVE * given.judge))
    places = [confine("paths", each, ctx.roots) for each in files]
    calm = confine("baseline", given.baseline, ctx.roots) if given.baseline else None
    data = gather(places, calm, lambda: ctx.clock.now() >= until, asked)
    if not data.series:
        from bedrock_support.tools.causes.analyse import Found

        return _result(ctx, data, Found(window=None, target=given.target, causes=(), notes=data.notes), [], asked)
    found = causes_of(data, start, end, given.target)
    shown = list(found.causes[: given.limit])
    room = MOST_BYTES - (ROOM if given.judge else 0)
    while True:
        result = _result(ctx, data, found, shown, asked)
        if len(result.model_dump_json().encode()) <= room or not shown:
            if len(shown) < len(found.causes):
                ctx.whole(lambda: _result(ctx, data, found, list(found.causes), asked))
            return result
        shown = shown[:-1]


def times_of(start: str | None, end: str | None) -> tuple[float | None, float | None]:
    """Both as unix seconds.

    Raises:
        InputError: one can't be read, they are the wrong way round, or there is an end alone.
    """
    from bedrock_support.tools.causes.times import moment

    found: list[float | None] = []
    for field, value in (("start", start), ("end", end)):
        at = moment(value) if value is not None else None
        if value is not None and at is None:
            raise InputError(field, value, "isn't a time", "Give ISO 8601 (2026-01-31T12:00:00Z) or unix seconds")
        found.append(at)
    if found[1] is not None and (found[0] is None or found[0] >= found[1]):
        raise InputError("end", end, "doesn't lie after a start", "Give start and end, start alone, or neither")
    return found[0], found[1]


def causes_of(data: Data, start: float | None, end: float | None, target: str | None) -> Found:
    """Ranked causes.

    Raises:
        InputError: nothing is called like the target.
    """
    from bedrock_support.tools.causes.analyse import find_causes

    try:
        return find_causes(data, start=start, end=end, target=target)
    except LookupError as error:
        raise InputError("target", target, "nothing that was measured is called so", f"There are: {error}") from None


def _result(ctx: ToolContext, data: Data, found: Found, shown: list[Cause], asked: Measured) -> RootCauseResult:
    from bedrock_support.tools.causes.times import shown as told

    evidence: list[Evidence] = []
    findings: list[Finding] = []
    for place, cause in enumerate(shown):
        held = _evidence(cause, len(evidence))
        evidence += held
        findings.append(
            Finding(
                id=f"R{place + 1}",
                severity="high" if place == 0 else "medium" if place < 3 else "low",
                title=f"{cause.entity}: {cause.mechanism}"[:200],
                detail=cause.why[:600],
                path=cause.shifts[0].series.source.split(" [", 1)[0],
                confidence=cause.confidence,
                evidence_ids=[each.id for each in held],
                disproof=cause.disproof[:300],
            )
        )
    window = found.window
    late = any(note.startswith("time ran out") for note in data.notes) or asked.partial
    return RootCauseResult(
        status="partial" if late else "ok",
        operation_class=ctx.op_class,
        route="local",
        decision=BY_RULES,
        model=NO_MODEL,
        findings=findings,
        evidence=evidence,
        limits=list(found.notes)[:20],
        causes=[row(each) for each in shown],
        start=told(window.start) if window else None,
        end=told(window.end) if window else None,
        target=found.target,
    )


def row(cause: Cause) -> CauseRow:
    """A cause in short."""
    from bedrock_support.tools.causes.times import shown as told

    return CauseRow(
        entity=cause.entity,
        mechanism=cause.mechanism,
        confidence=cause.confidence,
        onset=told(cause.onset) if cause.onset is not None else None,
        path=list(cause.path),
        why=cause.why[:600],
    )


def quotes(cause: Cause) -> list[tuple[str, str, str]]:
    """Kind, source and wording of each piece of evidence of a cause, most telling first."""
    from bedrock_support.tools.causes.times import shown as told

    found: list[tuple[str, str, str]] = []
    for each in cause.shifts:
        since = f" since {told(each.onset)}" if each.onset is not None else ""
        quote = (
            f"{each.before:.4g} -> {each.during:.4g}, {each.effect:+.1f} spreads{since}; "
            f"{each.samples[0]} values before, {each.samples[1]} during"
        )
        if each.silent:
            quote = f"no values{since}; {each.samples[0]} before, {each.samples[1]} during"
        found.append((each.series.kind, each.series.source, quote))
    found += [("change", each.source, f"{told(each.at)} {each.entity}: {each.what}") for each in cause.changes]
    return found


def _evidence(cause: Cause, already: int) -> list[Evidence]:
    return [
        Evidence(
            id=f"E{already + place + 1}",
            kind=kind,
            source=source,
            quote=quote,
            sha256=hashlib.sha256(quote.encode()).hexdigest(),
        )
        for place, (kind, source, quote) in enumerate(quotes(cause))
    ]


def summary(result: RootCauseResult) -> str:
    """The result in plain text."""
    if not result.causes:
        lines = ["No cause found."]
    else:
        lines = [f"{result.start} to {result.end}" + (f", seen at {result.target}" if result.target else "") + "."]
        lines += [
            f"{place}. {each.entity}: {each.mechanism} ({each.confidence:.0%}). {each.why}"
            for place, each in enumerate(result.causes, 1)
        ]
    lines += opinion_in_words(result)
    lines += [f"Limit: {limit}" for limit in result.limits[:4]]
    return "\n".join(lines)


def find_root_cause(live: LiveSources = NOTHING) -> SupportTool[RootCauseInput, RootCauseResult]:
    """The tool, over the sources that may be asked."""
    return SupportTool(
        name=NAME,
        title="Find where an incident starts",
        description=(
            "Root cause of latency, errors, outage: ranks services from metrics (CSV, Prometheus, CloudWatch), traces "
            "(OTLP, Jaeger), changes, call graph, with evidence."
        ),
        input_model=RootCauseInput,
        output_model=RootCauseResult,
        run=partial(_run, live=live),
        op_class=lambda _: OperationClass.BACKGROUND,
        summary=summary,
        lasting=True,
    )


ROOT_CAUSE = find_root_cause()
"""With nothing live to ask."""
