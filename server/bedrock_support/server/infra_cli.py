"""`bedrock-support audit infrastructure` (or `audit PATH`): the tool's twin for people and for CI.

Ends with 0 when all is well, 1 when something of --fail-on or worse was found, 2 when asked wrongly.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from bedrock_support.server.commands import Commands, counts
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import load

if TYPE_CHECKING:
    from bedrock_support.tools.infra.model import Problem
    from bedrock_support.tools.infra.run import Audited

FINE, FOUND, USAGE_ERROR = 0, 1, 2
SEVERITIES = ("info", "low", "medium", "high", "critical")
_TRAIL = frozenset({"infrastructure", "verify", "show", "export", "prove", "anchor", "erase", "prune"})
_SHOWN = 100


def add_infra_action(actions: Commands) -> None:
    """The action `infrastructure` of `audit`."""
    infra = actions.add_parser("infrastructure", help="what is wrong with templates; or audit PATH")
    infra.add_argument("path", nargs="?", type=Path, default=Path(), metavar="PATH", help="folder or file (default: .)")
    infra.add_argument("--focus", help="a kind, or part of a file's or resource's name")
    infra.add_argument("--min-severity", choices=SEVERITIES, default="low", help="leave out what is less (default low)")
    infra.add_argument("--no-engines", action="store_true", help="don't ask cfn-lint and checkov")
    infra.add_argument("--engine-seconds", type=_seconds, default=120.0, metavar="S", help="for each engine (120)")
    infra.add_argument(
        "--fail-on", choices=(*SEVERITIES, "never"), default="high", help="least severity that ends with 1"
    )
    infra.add_argument("--live", action="store_true", help="ask the AWS account instead, read-only; PATH isn't read")
    infra.add_argument("--region", help="with --live: its Region (default: as for Bedrock)")
    infra.add_argument("--profile", help="with --live: the profile of the AWS configuration")
    form = infra.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything as JSON")
    form.add_argument("--sarif", action="store_true", help="everything as SARIF 2.1.0")
    infra.set_defaults(run=_audit)


def with_path(argv: Sequence[str]) -> list[str]:
    """`audit PATH` as `audit infrastructure PATH`: a first word that is no action of the trail is a path.

    `audit --live` is of infrastructure, too.
    """
    words = list(argv)
    named = words[:1] == ["audit"] and not _TRAIL & set(words[1:2])
    optioned = len(words) > 1 and words[1].startswith("-")
    if named and len(words) > 1 and (not optioned or ("--live" in words and not _TRAIL & set(words))):
        words.insert(1, "infrastructure")
    return words


def _seconds(text: str) -> float:
    if not text.isdecimal() or not 1 <= int(text) <= 3_600:
        raise argparse.ArgumentTypeError(f"{text!r}: give whole seconds from 1 to 3600")
    return float(text)


def _audit(arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.base import InputError

    if arguments.live:
        try:
            held = _live(arguments)
            if held.partial and not held.resources:
                # Ending with 0 would tell CI that an account which nobody looked at is well.
                return _refuse(f"--live: nothing of the account could be read ({'; '.join(held.notes[:3])})")
            return _told(held, arguments)
        except (InputError, SettingsError) as error:
            return _refuse(str(error))
    from bedrock_support.tools.infra.run import audit

    root = arguments.path.expanduser()
    if not (root.is_dir() or root.is_file()):
        return _refuse(
            f"PATH = {str(arguments.path)!r}: no file or folder, and no action of audit. Name one that exists"
        )

    place = root.resolve()

    async def work() -> Audited:
        return await audit(
            place,
            workers=anyio.CapacityLimiter(2),
            focus=arguments.focus,
            min_severity=arguments.min_severity,
            engine_seconds=0 if arguments.no_engines else arguments.engine_seconds,
        )

    try:
        found = anyio.run(partial(work))
    except InputError as error:
        return _refuse(str(error))
    return _told(found, arguments)


def _live(arguments: argparse.Namespace) -> Audited:
    from bedrock_support.routing.bedrock.account import AccountReader
    from bedrock_support.server.live import outside
    from bedrock_support.tools.infra.live import audit_live
    from bedrock_support.tools.infra.sources import Sources

    settings = load()
    region = arguments.region or settings.region
    outside("--region", region, settings.residency)
    reader = AccountReader(region=region, profile=arguments.profile or settings.profile)
    return audit_live(reader, Sources([]), arguments.min_severity, arguments.focus)


def _told(found: Audited, arguments: argparse.Namespace) -> int:
    if arguments.json:
        _write(json.dumps({"findings": [_row(each) for each in found.problems], "limits": list(found.notes)}))
    elif arguments.sarif:
        from bedrock_support.server.sarif import sarif

        _write(json.dumps(sarif(found.problems), indent=1))
    else:
        _show(found)
    bad = counts((each.severity for each in found.problems), SEVERITIES, arguments.fail_on)
    return FOUND if bad else FINE


def _row(each: Problem) -> dict[str, object]:
    return {
        "file": each.file,
        "line": each.line,
        "resource": each.resource,
        "kind": each.kind,
        "severity": each.severity,
        "confidence": each.confidence,
        "title": each.title,
        "detail": each.detail,
        "remedy": each.remedy,
        "disproof": each.disproof,
        "also": [f"{file}:{line}" for file, line in each.also],
        "sources": list(each.sources),
    }


def _show(found: Audited) -> None:
    from rich.console import Console
    from rich.text import Text

    from bedrock_support.server.gaps_text import COLOURS, plain

    console = Console(highlight=False, soft_wrap=True)
    for each in found.problems[:_SHOWN]:
        line = Text()
        line.append(f"{each.severity:8}", style=COLOURS[each.severity])
        line.append(f" {plain(each.file)}:{each.line} ", style="bold")
        line.append(f"{plain(each.title)} ")
        line.append(f"{each.kind} {each.confidence:.0%}", style="dim")
        console.print(line)
        console.print(Text(f"         {plain(each.detail)} Do: {plain(each.remedy)}.", style="dim"))
    if len(found.problems) > _SHOWN:
        console.print(f"... and {len(found.problems) - _SHOWN} more: --json has them all")
    console.print(f"{len(found.problems)} problems in {found.resources} resources of {found.files} files")
    for note in found.notes:
        console.print(Text(f"limit: {plain(note)}", style="dim"))


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


def _refuse(message: str) -> int:
    sys.stderr.write(f"bedrock-support audit: {message}\n")
    return USAGE_ERROR
