"""`bedrock-support executions` and `bedrock-support ingest-hook`: what agents did, and how it gets on record."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_support.server.commands import Commands, counts

if TYPE_CHECKING:
    from bedrock_support.tools.executions.analyze import Report
    from bedrock_support.tools.executions.model import Found

FINE, FOUND, USAGE_ERROR = 0, 1, 2
SEVERITIES = ("low", "medium", "high")


def add_execution_parsers(commands: Commands) -> None:
    """`executions` ends with 0, 1 (from --fail-on on) or 2 when asked wrongly; `ingest-hook` with 0 unless --strict."""
    runs = commands.add_parser("executions", help="loops, repeats, contradictions and abandoned work of agents")
    runs.add_argument("path", type=Path, metavar="PATH", help="transcript, span file, hook spool, or a folder of them")
    runs.add_argument("--focus", help="only runs with this in their id or file name")
    runs.add_argument("--json", action="store_true", help="everything as JSON")
    runs.add_argument(
        "--fail-on", choices=(*SEVERITIES, "never"), default="low", help="least severity that ends with 1"
    )
    runs.set_defaults(run=_executions)
    hook = commands.add_parser("ingest-hook", help="append one record of a tool call, given by a hook on stdin")
    hook.add_argument("--spool", type=Path, help="folder of the records (default: in the user's state folder)")
    hook.add_argument("--strict", action="store_true", help="end with 1 when no record could be written")
    hook.set_defaults(run=_ingest)


def _executions(arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.base import InputError
    from bedrock_support.tools.executions.analyze import analyze
    from bedrock_support.tools.paths import Place

    path = arguments.path.expanduser()
    if not (path.is_dir() or path.is_file()):
        return _refuse(f"PATH = {str(arguments.path)!r}: no file or folder. Name one that exists")
    path = path.resolve()
    try:
        report = analyze(Place(path, path if path.is_dir() else path.parent), arguments.focus, lambda: False)
    except InputError as error:
        return _refuse(str(error))
    if not report.runs:
        return _refuse(f"PATH = {str(arguments.path)!r}: no step of an agent in it")
    if arguments.json:
        sys.stdout.write(json.dumps(_all(report)) + "\n")
    else:
        _show(report)
    bad = counts((each.severity for each in report.found), SEVERITIES, arguments.fail_on)
    return FOUND if bad else FINE


def _all(report: Report) -> dict[str, object]:
    from bedrock_support.tools.runs import limits

    return {
        "findings": [_row(each) for each in report.found],
        "runs": [
            {
                "id": each.id,
                "file": each.file,
                "calls": each.calls,
                "failed": each.failed,
                "repeated": each.repeated,
                "tokens": each.tokens,
                "seconds": each.seconds,
                "wasted_tokens": each.wasted_tokens,
                "wasted_seconds": each.wasted_seconds,
                "patterns": list(each.patterns),
                "first_bad": f"{each.first_bad.file}:{each.first_bad.line}" if each.first_bad else None,
            }
            for each in report.runs
        ],
        "clusters": [
            {
                "tool": each.tool,
                "error": each.error,
                "count": each.count,
                "runs": each.runs,
                "first": f"{each.first.file}:{each.first.line}",
            }
            for each in report.clusters
        ],
        "limits": limits(report, len(report.found), len(report.runs)),
    }


def _row(found: Found) -> dict[str, object]:
    return {
        "pattern": found.pattern,
        "run": found.run,
        "severity": found.severity,
        "confidence": found.confidence,
        "first_bad": f"{found.first_bad.file}:{found.first_bad.line}",
        "first_bad_index": found.first_bad_index,
        "count": found.count,
        "steps": [f"{each.file}:{each.line}" for each in found.steps],
        "title": found.title,
        "detail": found.detail,
        "disproof": found.disproof,
        "feedback": found.feedback,
        "wasted_tokens": found.tokens,
        "wasted_seconds": round(found.seconds, 3),
    }


def _show(report: Report) -> None:
    from bedrock_support.tools.runs import limits

    calls = sum(each.calls for each in report.runs)
    lines = [f"{len(report.runs)} runs, {calls} calls, {len(report.found)} findings."]
    for each in report.found:
        where = f"{each.first_bad.file}:{each.first_bad.line}"
        lines.append(f"[{each.severity}] {where} {each.title} ({each.confidence:.0%}). {each.detail}")
        lines.append(f"  Wrong if {each.disproof}. Do: {each.feedback}")
    lines += [
        f"Failure {each.count}x in {each.runs} runs: {each.tool}: {each.error} "
        f"(first {each.first.file}:{each.first.line})"
        for each in report.clusters[:20]
    ]
    lines += [f"Limit: {each}" for each in limits(report, len(report.found), len(report.runs))]
    sys.stdout.write("\n".join(lines) + "\n")


def _ingest(arguments: argparse.Namespace) -> int:
    try:
        from bedrock_support.server.hook_spool import ingest

        ingest(arguments.spool)
    except Exception as error:  # noqa: BLE001 - a hook that fails would hold up the agent, whatever went wrong
        # The type alone: the message may quote what the hook was given.
        sys.stderr.write(f"bedrock-support ingest-hook: no record was written ({type(error).__name__})\n")
        return FOUND if arguments.strict else FINE
    return FINE


def _refuse(message: str) -> int:
    sys.stderr.write(f"bedrock-support executions: {message}\n")
    return USAGE_ERROR
