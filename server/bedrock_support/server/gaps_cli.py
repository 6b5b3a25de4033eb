"""`bedrock-support gaps` and `bedrock-support verify-spec`: the tools' twins for people and for CI."""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from bedrock_support.server.commands import Commands, counts
from bedrock_support.server.settings import load

if TYPE_CHECKING:
    from bedrock_support.tools.gaps.findings import Gap
    from bedrock_support.tools.gaps.run import Found
    from bedrock_support.tools.specs.verify import Verified

FINE, FOUND, USAGE_ERROR = 0, 1, 2
SEVERITIES = ("low", "medium", "high")
_GIT_SECONDS = 20


def add_gap_parsers(commands: Commands) -> None:
    """The commands `gaps` and `verify-spec`. Both end with 0 when all is well, 1 when not, 2 when asked wrongly."""
    gaps = commands.add_parser("gaps", help="what a tree claims and doesn't do: stubs, hollow tests, missing routes")
    gaps.add_argument("path", nargs="?", type=Path, default=Path(), metavar="PATH", help="folder or file (default: .)")
    gaps.add_argument("--focus", action="append", default=[], help="a check, or a file or folder in PATH; repeatable")
    gaps.add_argument("--min-confidence", type=_share, help="from 0 to 1")
    gaps.add_argument("--changed", action="store_true", help="report on files that git says have changed only")
    gaps.add_argument(
        "--fail-on", choices=(*SEVERITIES, "never"), default="low", help="least severity that ends with 1"
    )
    form = gaps.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything as JSON")
    form.add_argument("--sarif", action="store_true", help="everything as SARIF 2.1.0")
    gaps.set_defaults(run=_gaps)
    spec = commands.add_parser("verify-spec", help="hold ticked tasks of Kiro, spec-kit and OpenSpec against the code")
    spec.add_argument("path", nargs="?", type=Path, default=Path(), metavar="PATH", help="project, spec folder or list")
    spec.add_argument("--spec", help="name of one feature or change")
    spec.add_argument("--strict", action="store_true", help="tasks that can't be verified end with 1 too")
    spec.add_argument("--write", action="store_true", help="take back the ticks of tasks that aren't done")
    spec.add_argument("--json", action="store_true", help="everything as JSON")
    spec.set_defaults(run=_verify)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number from 0 to 1")
    return value


def _gaps(arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.base import InputError

    root = arguments.path.expanduser()
    if not (root.is_dir() or root.is_file()):
        return _refuse("gaps", f"PATH = {str(arguments.path)!r}: no file or folder. Name one that exists")
    focus = list(arguments.focus)
    if arguments.changed:
        changed = _changed(root)
        if changed is None:
            return _refuse("gaps", f"--changed: {root} is in no git repository that git can read. Leave out --changed")
        focus += changed or ["\0nothing"]
    try:
        found = anyio.run(_finding, root.resolve(), arguments.min_confidence, [] if focus == ["\0nothing"] else focus)
    except InputError as error:
        return _refuse("gaps", str(error))
    listed = [] if focus == ["\0nothing"] else list(found.gaps)
    if arguments.json:
        _write(
            json.dumps({"findings": [_row(each) for each in listed], "files": found.files, "limits": list(found.notes)})
        )
    elif arguments.sarif:
        from bedrock_support.server.sarif import sarif

        _write(json.dumps(sarif(listed), indent=1))
    else:
        from bedrock_support.server.gaps_text import show_gaps

        show_gaps(listed, found)
    bad = counts((each.severity for each in listed), (*SEVERITIES, "critical"), arguments.fail_on)
    return FOUND if bad else FINE


async def _finding(root: Path, floor: float | None, focus: list[str]) -> Found:
    from bedrock_support.tools.gaps.options import DEFAULT_CONFIDENCE
    from bedrock_support.tools.gaps.run import find_gaps
    from bedrock_support.tools.gaps.store import FactStore

    store = FactStore(load().facts_file)
    try:
        return await find_gaps(
            root,
            store=store,
            workers=anyio.CapacityLimiter(2),
            told=_silent,
            floor=DEFAULT_CONFIDENCE if floor is None else floor,
            focus=focus,
        )
    finally:
        store.close()


async def _silent(done: float, total: float, message: str) -> None:
    """Progress that nobody watches: output is for programs as much as for people."""


def _changed(root: Path) -> list[str] | None:
    """Files below `root` that differ from the last commit, untracked ones too; None without git."""
    found: list[str] = []
    folder = root if root.is_dir() else root.parent
    asked = (
        ["diff", "--name-only", "-z", "--relative", "HEAD", "--", "."],
        ["ls-files", "-z", "--others", "--exclude-standard"],
    )
    for each in asked:
        try:
            done = subprocess.run(  # noqa: S603 - fixed words and git's own
                ["git", "-C", str(folder), *each],  # noqa: S607 - whichever git the user has
                capture_output=True,
                text=True,
                errors="surrogateescape",
                timeout=_GIT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode != 0:
            return None
        found += [name for name in done.stdout.split("\0") if name and (folder / name).is_file()]
    return found


def _row(gap: Gap) -> dict[str, object]:
    return {
        "file": gap.file,
        "line": gap.line,
        "symbol": gap.symbol,
        "kind": gap.kind,
        "confidence": gap.confidence,
        "severity": gap.severity,
        "at": gap.at,
        "title": gap.title,
        "detail": gap.detail,
        "disproof": gap.disproof,
    }


def _verify(arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.specs.tasks import root_of
    from bedrock_support.tools.specs.verify import rewrite

    path = arguments.path.expanduser()
    if not path.exists():
        return _refuse("verify-spec", f"PATH = {str(arguments.path)!r}: no file or folder. Name one that exists")
    path = path.resolve()
    found = anyio.run(_verifying, root_of(path), arguments.spec, path)
    if not found.lists:
        if arguments.spec:
            return _refuse(
                "verify-spec", f"--spec = {arguments.spec!r}: no such feature or change. Leave it out for all"
            )
        looked = ".kiro/specs/*/tasks.md, specs/*/tasks.md and openspec/changes/*/tasks.md"
        return _refuse("verify-spec", f"PATH = {str(arguments.path)!r}: no task list. Looked for {looked}")
    written = rewrite(found) if arguments.write else []
    if arguments.json:
        _write(json.dumps(_tasks(found, written)))
    else:
        from bedrock_support.server.gaps_text import show_tasks

        show_tasks(found, written)
    if found.failing or (arguments.strict and any(each.verdict == "unverifiable" for each in found.judged)):
        return FOUND
    return FINE


async def _verifying(root: Path, spec: str | None, path: Path) -> Verified:
    from bedrock_support.tools.gaps.store import FactStore
    from bedrock_support.tools.specs.verify import spec_in, verify

    store = FactStore(load().facts_file)
    try:
        return await verify(root, spec or spec_in(path), store, anyio.CapacityLimiter(2), _silent)
    finally:
        store.close()


def _tasks(found: Verified, written: list[str]) -> dict[str, object]:
    tasks = [
        {
            "id": each.task.id,
            "verdict": each.verdict,
            "symbols": each.symbols,
            "spec": each.task.spec,
            "title": each.task.title,
            "file": each.task.file,
            "line": each.task.line,
            "requirements": list(each.task.requirements),
            "reason": each.reason,
            "evidence": [
                {"claim": proof.claim.name, "what": proof.claim.what, "state": proof.state, "where": proof.where}
                for proof in each.proofs
            ],
        }
        for each in found.judged
    ]
    return {
        "tasks": tasks,
        "open": found.open_tasks,
        "proposal": found.proposal,
        "written": written,
        "limits": list(found.notes),
    }


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


def _refuse(command: str, message: str) -> int:
    sys.stderr.write(f"bedrock-support {command}: {message}\n")
    return USAGE_ERROR
