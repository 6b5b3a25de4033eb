"""verify_spec: which ticked tasks of a specification the code bears out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from anyio import to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import InputError, SupportTool, ToolContext, ToolInput
from bedrock_support.tools.envelope import Envelope, Evidence, Finding, ModelUse, Result
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.paths import confine

if TYPE_CHECKING:
    from bedrock_support.tools.specs.verdicts import Judged
    from bedrock_support.tools.specs.verify import Verified

MOST_BYTES = 24_000
_RESERVE = 0.3
"""Share of the time that is kept for verdicts."""
_CONFIDENCE = {"missing": 0.95, "partial": 0.8}
"""Of a verdict that speaks against a tick: definitions are looked up exactly, partial ones lean on wording too."""


class SpecInput(ToolInput):
    """Arguments of verify_spec."""

    path: str = Field(default=".", max_length=4_096, description="Project, spec folder or tasks.md inside the roots")
    spec: str | None = Field(default=None, max_length=200, description="Name of one feature or change; left out: all")
    limit: int = Field(default=60, ge=1, le=100)
    offset: int = Field(default=0, ge=0, description="To page on")


class TaskRow(Result):
    """One ticked task."""

    id: str
    spec: str
    verdict: Literal["done", "partial", "missing", "unverifiable"]
    symbols: list[str]
    title: str
    line: int
    reason: str
    requirements: list[str]


class SpecResult(Envelope):
    """What verify_spec found."""

    tasks: list[TaskRow] = Field(description="Ticked tasks, those that aren't done first")
    counts: dict[str, int]
    proposal: str = Field(description="Diff that takes back wrong ticks; apply it if you agree")


def verify_specs(store: FactStore) -> SupportTool[SpecInput, SpecResult]:
    """The tool, over the place where facts of files are remembered."""

    async def run(ctx: ToolContext, given: SpecInput) -> SpecResult:
        # Loaded by the first call: a server's start must not wait for it.
        from bedrock_support.tools.specs.tasks import root_of
        from bedrock_support.tools.specs.verify import spec_in, verify

        place = await to_thread.run_sync(confine, "path", given.path, ctx.roots, limiter=ctx.workers)
        root = root_of(place.path)
        if not any(root.is_relative_to(each) for each in ctx.roots):
            mend = "Name the project's own folder, or start the server with --root at the project"
            raise InputError("path", given.path, "its project lies outside the allowed folders", mend)
        until = ctx.work_until(_RESERVE)

        def expired() -> bool:
            return ctx.clock.now() >= until

        found = await verify(root, given.spec or spec_in(place.path), store, ctx.workers, ctx.progress, expired)
        if not found.lists:
            mend = "Specs are looked for in .kiro/specs/*/tasks.md, specs/*/tasks.md and openspec/changes/*/tasks.md"
            field, value = ("spec", given.spec) if given.spec else ("path", given.path)
            raise InputError(field, value, "no task list was found", mend)
        result = await to_thread.run_sync(_result, ctx, given, found, limiter=ctx.workers)
        if len(result.tasks) < len(found.judged) or result.proposal != found.proposal:
            first = given.model_copy(update={"offset": 0})
            ctx.whole(lambda: _page(ctx, first, found, in_order(found), found.proposal))
        return result

    return SupportTool(
        name="verify_spec",
        title="Hold ticked tasks against the code",
        description=(
            "Spec, tasks.md, checkboxes, requirements, done or not: holds each ticked task of Kiro, spec-kit and "
            "OpenSpec against the code (symbols, files, endpoints, settings, hollow bodies). Verdict done, partial, "
            "missing or unverifiable with evidence, and a diff with corrected checkboxes. No model is asked; nothing "
            "is changed."
        ),
        input_model=SpecInput,
        output_model=SpecResult,
        run=run,
        op_class=lambda _: OperationClass.BACKGROUND,
        summary=summary,
        open_world=False,
        lasting=True,
    )


_ORDER = {"missing": 0, "partial": 1, "unverifiable": 2, "done": 3}


def in_order(found: Verified) -> list[Judged]:
    """Ticked tasks, those that aren't done first, else as they stand in the lists."""
    return sorted(found.judged, key=lambda each: (_ORDER[each.verdict], each.task.file, each.task.line))


def _result(ctx: ToolContext, given: SpecInput, found: Verified) -> SpecResult:
    page, proposal = in_order(found)[given.offset : given.offset + given.limit], found.proposal
    while True:
        result = _page(ctx, given, found, page, proposal)
        if len(result.model_dump_json()) <= MOST_BYTES or not page:
            return result
        if len(proposal) > 4_000:
            proposal = "too long to show: `bedrock-support verify-spec --json` has it"
        else:
            page = page[: len(page) * 3 // 4]


def _page(ctx: ToolContext, given: SpecInput, found: Verified, page: list[Judged], proposal: str) -> SpecResult:
    from bedrock_support.tools.specs.quotes import quoted

    evidence: list[Evidence] = []
    findings: list[Finding] = []
    for each in page:
        if each.verdict not in _CONFIDENCE or len(findings) >= 20:
            continue
        quotes = quoted(found, each, len(evidence))
        evidence += quotes
        findings.append(
            Finding(
                id=f"S{given.offset + len(findings) + 1}",
                severity="high" if each.verdict == "missing" else "medium",
                title=f"Task {each.task.id} is ticked and {'not there' if each.verdict == 'missing' else 'half there'}",
                detail=each.reason[:400],
                path=each.task.file,
                line=each.task.line,
                confidence=_CONFIDENCE[each.verdict],
                evidence_ids=[quote.id for quote in quotes],
                disproof="the work stands under another name, in another repository, or is made at run time",
            )
        )
    limits = list(found.notes)
    beyond = len(found.judged) - given.offset - len(page)
    if beyond > 0:
        limits.append(f"{beyond} tasks on later pages: offset={given.offset + len(page)}")
    counts = {verdict: sum(each.verdict == verdict for each in found.judged) for verdict in _ORDER}
    return SpecResult(
        status="partial" if found.partial else "ok",
        operation_class=ctx.op_class,
        route="local",
        decision="Judged by rules alone; this tool asks no model",
        model=ModelUse(used=False, not_used_reason="this tool asks no model"),
        findings=findings,
        evidence=evidence,
        limits=limits,
        tasks=[row(each) for each in page],
        counts={**counts, "open": found.open_tasks},
        proposal=proposal,
    )


def row(judged: Judged) -> TaskRow:
    """A judged task in short."""
    task = judged.task
    return TaskRow(
        id=task.id,
        spec=task.spec,
        verdict=judged.verdict,
        symbols=judged.symbols[:20],
        title=task.title[:160],
        line=task.line,
        reason=judged.reason[:240],
        requirements=list(task.requirements[:20]),
    )


def summary(result: SpecResult) -> str:
    """The result in plain text."""
    lines = [", ".join(f"{count} {verdict}" for verdict, count in result.counts.items() if count) + "."]
    lines += [
        f"- {each.spec} {each.id} {each.verdict}: {each.title}. {each.reason}"
        for each in result.tasks
        if each.verdict != "done"
    ][:30]
    if result.proposal:
        lines.append(result.proposal)
    lines += [f"Limit: {limit}" for limit in result.limits[:4]]
    return "\n".join(lines)
