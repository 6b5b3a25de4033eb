"""`bedrock-support triage`: triage_incident for people and for scripts, by rules alone."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from bedrock_support.server.commands import Commands, number
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import load

if TYPE_CHECKING:
    from bedrock_support.tools.triage import TriageInput, TriageResult

FINE, FOUND, USAGE_ERROR = 0, 1, 2
LIVE = ("logs:", "jaeger:")


def add_triage_parser(commands: Commands) -> None:
    """The command `triage`: ends with 0 when nothing was found, 1 with findings, 2 when asked wrongly."""
    triage = commands.add_parser("triage", help="what went wrong in a log, where it started, what changed; no model")
    triage.add_argument("path", metavar="PATH", help="log file or folder; or logs:GROUP[@REGION], jaeger:SERVICE")
    triage.add_argument(
        "--start", help="when it went wrong: ISO 8601 or unix seconds (default: found by itself, or the last hour)"
    )
    triage.add_argument("--end", help="until when (default: now)")
    triage.add_argument("--question", help="what you want to know; --json then has it with its evidence as `brief`")
    triage.add_argument("--limit", type=number(1, 50), default=10, metavar="N", help="1 to 50 (default: 10)")
    triage.add_argument("--json", action="store_true", help="everything as JSON")
    triage.set_defaults(run=_triage)


def _triage(arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.base import InputError
    from bedrock_support.tools.triage import TriageInput

    if not arguments.path.strip():
        sys.stderr.write("bedrock-support triage: PATH = '': the path is empty. Name a log file or folder\n")
        return USAGE_ERROR
    # Resolved: on the command line whoever asks may read whatever their own account may.
    path, here = Path(arguments.path).expanduser().resolve(), Path.cwd().resolve()
    live = arguments.path.startswith(LIVE)
    # Frames of stack traces are looked up in the roots: in the project that one stands in, where it has the log.
    roots = (here,) if live or path.is_relative_to(here) else (path if path.is_dir() else path.parent,)
    try:
        given = TriageInput.model_validate(
            {
                "path": arguments.path if live else str(path),
                "question": arguments.question,
                "max_findings": arguments.limit,
                "window": _window(arguments.start, arguments.end),
            }
        )
        result, brief = anyio.run(_triaging, given, roots)
    except (InputError, SettingsError, ValueError) as error:
        sys.stderr.write(f"bedrock-support triage: {error}\n")
        return USAGE_ERROR
    if arguments.json:
        document = result.model_dump(mode="json", exclude_none=True, exclude={"route", "decision", "operation_class"})
        # Not degraded: this command was never to ask a model.
        document["status"] = "ok" if all(each.read >= 1 for each in result.files) else "partial"
        asked = {"question": arguments.question, "brief": brief} if arguments.question else {}
        sys.stdout.write(json.dumps(document | asked) + "\n")
    else:
        _show(result)
    return FOUND if result.findings else FINE


def _window(start: str | None, end: str | None) -> dict[str, float] | None:
    """From start to end, or to now. Raises InputError for what is no time."""
    from bedrock_support.routing.clock import SystemClock
    from bedrock_support.tools.root_cause import times_of

    begins, ends = times_of(start, end)
    return None if begins is None else {"start": begins, "end": SystemClock().wall() if ends is None else ends}


async def _triaging(given: TriageInput, roots: tuple[Path, ...]) -> tuple[TriageResult, str]:
    """The result, and the question that a model would have been asked."""
    from bedrock_support.server.alone import alone
    from bedrock_support.server.live import live_sources
    from bedrock_support.tools.triage import triage

    asked: list[str] = []
    result = await triage(alone(roots, asked=asked.append), given, live_sources(load()))
    return result, "".join(asked)


def _show(result: TriageResult) -> None:
    from rich.console import Console
    from rich.text import Text

    from bedrock_support.server.gaps_text import plain

    console = Console(highlight=False, soft_wrap=True)
    colours = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
    if bad := result.windows.bad:
        console.print(Text(f"Bad window: {bad.start} to {bad.end} ({bad.lines} lines)", style="bold"))
    if first := result.first_error:
        when = f", {first.at}" if first.at else ""
        console.print(Text(f"{plain(first.what)} ({plain(first.path)}:{first.line}{when})", style="bold"))
    quotes = {each.id: each for each in result.evidence}
    for each in result.findings:
        line = Text(f"{each.severity:8}", style=colours[each.severity])
        line.append(f" {plain(each.path or '')}:{each.line} ", style="bold")
        line.append(f"{plain(each.title)} ({each.confidence:.0%})")
        console.print(line)
        console.print(Text(f"         {plain(each.detail)}", style="dim"))
        for key in each.evidence_ids[:3]:
            console.print(Text(f"         {key} {plain(quotes[key].source)}: {plain(quotes[key].quote)}", style="dim"))
        console.print(Text(f"         wrong if: {plain(each.disproof)}", style="dim"))
    lines = sum(each.lines for each in result.files)
    console.print(
        f"{len(result.findings)} findings in {lines} lines of {len(result.files)} file(s). No model was asked."
    )
    for limit in result.limits:
        console.print(Text(f"limit: {plain(limit)}", style="dim"))
