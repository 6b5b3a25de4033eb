"""`bedrock-support efficiency`: get_routing_efficiency from the command line, from span files or a Jaeger."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_support.server.settings import READS, Settings, load

if TYPE_CHECKING:
    from bedrock_support.server.commands import Commands
    from bedrock_support.tools.efficiency_report import EfficiencyReport

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
    efficiency.add_argument("--json", action="store_true", help="the whole report as JSON")
    efficiency.set_defaults(run=_efficiency)


def _efficiency(arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.base import InputError
    from bedrock_support.tools.efficiency_report import worded

    try:
        found = _read(arguments, load())
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    sys.stdout.write(f"{found.model_dump_json(indent=2, exclude_none=True) if arguments.json else worded(found)}\n")
    return 0


def _read(arguments: argparse.Namespace, settings: Settings) -> EfficiencyReport:
    from bedrock_support.routing.clock import SystemClock
    from bedrock_support.server.efficiency_evidence import EfficiencyEvidence
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
    if files is not None:
        return evidence.from_files(files, since, PATIENCE)
    return evidence.from_jaeger(url or "", since, PATIENCE)
