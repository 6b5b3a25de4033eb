"""`bedrock-support plan`: plan_remediation for people and for scripts, without a model."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from bedrock_support.server.commands import Commands
from bedrock_support.server.environment import child_environment
from bedrock_support.server.settings import Settings, load

if TYPE_CHECKING:
    from bedrock_support.tools.approval import Act, Approve
    from bedrock_support.tools.remediate import RemedyResult
    from bedrock_support.tools.remedy.given import RemedyInput

FINE, FOUND, USAGE_ERROR = 0, 1, 2
_SECONDS = 600.0
"""For the project's tests, with --try."""
_COLOURS = {"high": "red", "medium": "yellow", "low": "cyan"}
_GOOD = frozenset({"passed", "failed_before_too"})


def add_plan_parser(commands: Commands) -> None:
    """The command `plan`: ends with 0 when there is nothing to do, 1 with steps, 2 when asked wrongly.

    With --try, 0 is for patches that broke no test, 1 for all else.
    """
    plan = commands.add_parser("plan", help="ordered steps from findings, with patches, tests, risk and rollback")
    plan.add_argument("path", nargs="?", type=Path, default=Path(), metavar="PATH", help="project (default: .)")
    plan.add_argument("--findings", type=Path, required=True, metavar="FILE", help="JSON, as `gaps --json` gives it")
    plan.add_argument("--patch", type=Path, metavar="FILE", help="unified diff of your own, to be checked")
    plan.add_argument(
        "--try", dest="apply", action="store_true", help="apply the patches and run the tests in a throw-away worktree"
    )
    plan.add_argument("--json", action="store_true", help="everything as JSON")
    plan.set_defaults(run=_plan)


def _plan(arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.base import InputError
    from bedrock_support.tools.remedy.given import RemedyInput

    patch: str | None = None
    root, findings = arguments.path.expanduser().resolve(), arguments.findings.expanduser().resolve()
    try:
        patch = _patch(arguments.patch.expanduser()) if arguments.patch else None
        given = RemedyInput(path=str(root), findings_file=str(findings), patch=patch, apply=arguments.apply)
        # On the command line whoever asks may read whatever their own account may.
        result = anyio.run(_planning, given, (root, findings.parent))
    except (InputError, OSError, ValueError) as error:
        # A file without findings is what a clean check gives: no mistake of whoever pipes it here.
        if isinstance(error, InputError) and (error.field, error.value) == ("findings", "[]") and patch is None:
            sys.stdout.write('{"steps": []}\n' if arguments.json else "Nothing to do: the file holds no finding\n")
            return FINE
        sys.stderr.write(f"bedrock-support plan: {error}\n")
        return USAGE_ERROR
    if arguments.json:
        document = result.model_dump(mode="json", exclude_none=True, exclude={"route", "decision", "operation_class"})
        sys.stdout.write(
            json.dumps(document | {"status": "ok" if result.status == "degraded" else result.status}) + "\n"
        )
    else:
        _show(result)
    if result.trial is not None:
        return FINE if result.trial.verdict in _GOOD else FOUND
    return FOUND if result.steps else FINE


def _patch(path: Path) -> str:
    """Raises InputError for what can't be read."""
    from bedrock_support.tools.base import InputError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text in UTF-8"
        raise InputError("--patch", str(path), f"can't be read ({why})", "Name a file with a unified diff") from None


async def _planning(given: RemedyInput, roots: tuple[Path, ...]) -> RemedyResult:
    from bedrock_support.server.alone import alone
    from bedrock_support.tools.gaps.store import FactStore
    from bedrock_support.tools.remediate import plan_remediation

    settings = load()
    store = FactStore(settings.facts_file)
    try:
        tool = plan_remediation(store, child_environment())
        return await tool.run(alone(roots, seconds=_SECONDS, approve=_told_to(settings)), given)
    finally:
        store.close()


def _told_to(settings: Settings) -> Approve:
    """Whoever gives --try has said yes; the trail has an entry of it all the same."""
    from bedrock_support.server.trail_once import entered
    from bedrock_support.telemetry.audit.trail import AuditTrail
    from bedrock_support.tools.approval import NotApproved, Permit

    async def approve(act: Act) -> Permit:
        async def write(step: str, outcome: str) -> str:
            async def one(trail: AuditTrail) -> None:
                await trail.acted(act.action, act.target, step=step, by="the command line", outcome=outcome)

            return await entered(settings, one)

        if problem := await write("approved", ""):
            raise NotApproved(f"the audit trail can't be written ({problem})")

        async def ended(outcome: str) -> None:
            await write("ended", outcome)

        return Permit(by="the command line", ended=ended)

    return approve


def _show(result: RemedyResult) -> None:
    from rich.console import Console
    from rich.text import Text

    from bedrock_support.server.gaps_text import plain

    console = Console(highlight=False, soft_wrap=True)
    for each in result.steps:
        line = Text(f"{each.id:4}", style="bold")
        line.append(f"{each.risk:6} ", style=_COLOURS[each.risk])
        line.append(plain(each.title), style="bold")
        line.append(f" ({', '.join(each.finding_ids[:10])})", style="dim")
        console.print(line)
        for change in each.changes:
            console.print(Text(f"    {plain(change.file)}:{change.line or 1} {plain(change.what)}"))
        if each.after:
            console.print(Text(f"    after {', '.join(each.after)}", style="dim"))
        for patch in each.patches:
            console.print(Text(f"    {patch.by} patch: {plain(patch.why)}"))
            console.print(Text("\n".join(plain(row) for row in patch.diff.splitlines())))
        for test in each.tests:
            console.print(Text(f"    test: {plain(test)}", style="dim"))
        console.print(Text(f"    risk: {plain('; '.join(each.risk_reasons))}", style="dim"))
        console.print(Text(f"    rollback: {plain(each.rollback)}", style="dim"))
    console.print(f"{len(result.steps)} steps. No model was asked.")
    if result.trial is not None:
        console.print(Text(f"Trial: {result.trial.verdict}. {plain(result.trial.note)}", style="bold"))
        for run in result.trial.runs:
            console.print(Text(f"  {plain(run.command)} ended with {run.exit_code} after {run.seconds} s"))
            console.print(Text("\n".join(plain(row) for row in run.output.splitlines()), style="dim"))
    for limit in result.limits:
        console.print(Text(f"limit: {plain(limit)}", style="dim"))
