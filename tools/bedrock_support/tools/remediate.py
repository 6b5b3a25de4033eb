"""plan_remediation: from findings to ordered steps with checked patches, and a trial of them if it is approved."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.approval import Act, NotApproved, digest
from bedrock_support.tools.base import Environ, SupportTool, ToolContext
from bedrock_support.tools.envelope import Envelope
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.remedy.given import RemedyInput
from bedrock_support.tools.remedy.shapes import Step, Trial

if TYPE_CHECKING:
    from bedrock_support.tools.remedy.plan import Plan

MOST_BYTES = 24_000
TRY = "plan_remediation.try"
"""The act that is approved."""


class RemedyResult(Envelope):
    """A plan, and what came of trying it."""

    steps: list[Step] = Field(description="In the order in which to take them")
    trial: Trial | None = None


def plan_remediation(store: FactStore, environ: Environ) -> SupportTool[RemedyInput, RemedyResult]:
    """The tool, over the place where facts of files are remembered and the environment of child processes."""

    async def run(ctx: ToolContext, given: RemedyInput) -> RemedyResult:
        # Loaded by the first call: a server's start must not wait for it.
        from bedrock_support.tools.remedy.plan import make_plan

        plan = await make_plan(ctx, given, store, environ)
        tried = await _tried(ctx, plan, environ) if given.apply else None
        return _result(ctx, plan, tried)

    return SupportTool(
        name="plan_remediation",
        title="Plan how to mend findings",
        description=(
            "Fix, patch, mend, order, risk, rollback: turns findings of these tools into ordered steps with checked "
            "patches and tests; apply=true tries them in a throw-away worktree."
        ),
        input_model=RemedyInput,
        output_model=RemedyResult,
        run=run,
        op_class=lambda _: OperationClass.BACKGROUND,
        summary=summary,
        read_only=False,
        idempotent=True,
        lasting=True,
    )


async def _tried(ctx: ToolContext, plan: Plan, environ: Environ) -> Trial:
    """The trial, after the user's yes; refused with the reason where there can be none."""
    from bedrock_support.tools.remedy.trial import trial

    diffs = [patch.diff for step in plan.steps for patch in step.patches]
    if plan.git is None:
        return refused("the project is in no git repository with a commit, or git can't be run")
    if not diffs:
        return refused("the plan has no patch to try. Give your own diff as patch")
    lines = plan.trial_lines()
    act = Act(
        action=TRY,
        target=await to_thread.run_sync(_target, plan, diffs, lines, limiter=ctx.workers),
        question=_question(plan, len(diffs), lines),
        undo="nothing to undo: the worktree is removed after the trial",
    )
    try:
        permit = await ctx.approve(act)
    except NotApproved as error:
        return refused(f"it needs the user's approval: {error}. Or apply the patches yourself")
    await ctx.progress(0.5, 1.0, "Trying the plan in a worktree")
    tried = await trial(
        plan.git,
        plan.root,
        diffs,
        lines,
        env=environ,
        clock=ctx.clock,
        until=ctx.work_until(0.1),
        workers=ctx.workers,
    )
    await permit.ended(tried.verdict)
    return tried


def _target(plan: Plan, diffs: list[str], lines: list[list[str]]) -> str:
    """Where the trial starts from, what it applies and what it runs."""
    git = plan.git
    changed = {} if git is None else {name: _seen(git.top / name) for name in sorted(git.dirty)}
    head = "" if git is None else git.head
    return digest({"root": str(plan.root), "head": head, "changed": changed, "patches": diffs, "tests": lines})


def _seen(path: Path) -> str:
    """A file's content in short; empty where it is gone."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def refused(why: str) -> Trial:
    """No trial, and why."""
    return Trial(verdict="refused", runs=[], note=why)


def _question(plan: Plan, count: int, lines: list[list[str]]) -> str:
    patches = [patch for step in plan.steps for patch in step.patches]
    files = sorted({name for patch in patches for name in patch.files})
    shown = ", ".join(files[:10]) + (f" and {len(files) - 10} more" if len(files) > 10 else "")
    runs = " and ".join(f"`{' '.join(line)[:300]}`" for line in lines) or "no tests (none are known)"
    authors = ", ".join(sorted({patch.by for patch in patches}))
    return (
        f"Try {count} patches ({authors}) of {shown} in a throw-away git worktree of {plan.root}, and run {runs} "
        "there? That runs the project's code with the patches on this machine. Your own files are not changed."
    )


def _result(ctx: ToolContext, plan: Plan, tried: Trial | None) -> RemedyResult:
    """The result, cut to what clients take: patches of later steps go first, then steps."""
    steps, limits = list(plan.steps), list(plan.limits)
    left_out = 0
    while True:
        said = [f"{left_out} patches or steps at the end left out: ask with fewer findings"] if left_out else []
        result = RemedyResult(
            status="partial" if tried is not None and tried.verdict == "refused" else plan.verdict.status,
            operation_class=ctx.op_class,
            route=plan.verdict.route,
            decision_id=plan.verdict.decision_id,
            decision=plan.verdict.decision,
            model=plan.verdict.model,
            judgement=plan.verdict.judgement,
            handoff=plan.verdict.handoff,
            findings=[],
            evidence=plan.evidence,
            limits=[*limits, *plan.verdict.limits, *said],
            steps=steps,
            trial=tried,
        )
        if len(result.model_dump_json()) <= MOST_BYTES or not steps:
            return result
        left_out += 1
        patched = next((at for at in reversed(range(1, len(steps))) if steps[at].patches), None)
        if patched is not None:
            steps[patched] = steps[patched].model_copy(update={"patches": []})
        else:
            steps.pop()


def summary(result: RemedyResult) -> str:
    """The result in plain text."""
    lines = [f"{len(result.steps)} steps."]
    for each in result.steps[:20]:
        lines.append(f"{each.id} [{each.risk} risk] {each.title} ({', '.join(each.finding_ids[:10])})")
        lines += [f"  {change.file}:{change.line or 1} {change.what}" for change in each.changes[:5]]
        lines += [f"  {patch.by} patch: {patch.why}\n{patch.diff}" for patch in each.patches]
        lines += [f"  test: {line}" for line in each.tests]
        lines.append(f"  risk: {'; '.join(each.risk_reasons)}. rollback: {each.rollback}")
    if result.trial:
        lines.append(f"Trial: {result.trial.verdict}. {result.trial.note}")
        lines += [f"- {run.command}: {run.exit_code}\n{run.output[-600:]}" for run in result.trial.runs]
    if result.judgement:
        lines.append(f"Judgement: {result.judgement.summary}")
    lines += [f"Limit: {limit}" for limit in result.limits[:6]]
    return "\n".join(lines)
