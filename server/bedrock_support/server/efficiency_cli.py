"""`bedrock-support efficiency`: get_routing_efficiency from the command line, from span files or a Jaeger."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_support.routing.model import RouteName
from bedrock_support.server.settings import READS, Settings, load

if TYPE_CHECKING:
    from bedrock_support.server.commands import Commands
    from bedrock_support.server.efficiency_evidence import EfficiencyEvidence, Origin

USAGE_ERROR = 2
PATIENCE = 600.0
"""Seconds that reading may take."""


def add_efficiency_parser(commands: Commands) -> None:
    """The command `efficiency`. Ends with 0, or with 2 where there is nothing to read."""
    efficiency = commands.add_parser("efficiency", help="how good the routing was, from span files or a Jaeger")
    source = efficiency.add_mutually_exclusive_group()
    source.add_argument("--files", type=Path, nargs="+", metavar="PATH", help="OTLP JSON lines")
    source.add_argument("--jaeger", metavar="URL", help="query service, such as http://127.0.0.1:16686")
    efficiency.add_argument("--since", metavar="TIME", help="ISO 8601, such as 2026-11-23T14:00:00Z")
    efficiency.add_argument(
        "--replay", type=_change, metavar="ROW=ROUTE", help="only this change of the matrix, replayed"
    )
    efficiency.add_argument("--json", action="store_true", help="the whole report as JSON")
    efficiency.set_defaults(run=_efficiency)


def _change(text: str) -> tuple[str, RouteName]:
    row, _, route = text.rpartition("=")
    if not row or route not in tuple(RouteName):
        raise argparse.ArgumentTypeError(f"{text!r}: give a row of the matrix, =, and one of {', '.join(RouteName)}")
    return row, RouteName(route)


def _efficiency(arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.base import InputError
    from bedrock_support.tools.efficiency_report import worded

    try:
        evidence, source = _source(arguments, load())
        if arguments.replay is not None:
            told = evidence.replayed(source, *arguments.replay)
            sys.stdout.write(f"{json.dumps(told, indent=2) if arguments.json else told['text']}\n")
            return 0
        found = evidence.of(source)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    sys.stdout.write(f"{found.model_dump_json(indent=2, exclude_none=True) if arguments.json else worded(found)}\n")
    return 0


def _source(arguments: argparse.Namespace, settings: Settings) -> tuple[EfficiencyEvidence, Origin]:
    from bedrock_support.routing.clock import SystemClock
    from bedrock_support.server.efficiency_evidence import EfficiencyEvidence, Origin
    from bedrock_support.telemetry.efficiency.live import LiveEfficiency
    from bedrock_support.tools.base import InputError
    from bedrock_support.tools.efficiency import moment

    evidence = EfficiencyEvidence(
        live=LiveEfficiency(), span_file=settings.span_file, jaeger_url=settings.jaeger_url, clock=SystemClock()
    )
    since = moment(arguments.since) if arguments.since is not None else None
    url: str | None = arguments.jaeger
    files: list[Path] | None = arguments.files
    if files is None and url is None:
        if settings.span_file is not None:
            files = [settings.span_file]
        elif (url := settings.jaeger_url) is None:
            mend = f"Give --files or --jaeger, set {READS['span_file']} or {READS['jaeger_url']}, or call the tool"
            raise InputError("source", None, "this process made no decisions", mend)
    return evidence, Origin(files=tuple(files or ()), url=url or "", since=since, seconds=PATIENCE)
