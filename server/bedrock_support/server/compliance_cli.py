"""`bedrock-support compliance report`: compliance_report from the command line, for these settings and their trail."""

from __future__ import annotations

import argparse
import sys

import anyio

from bedrock_support.server.commands import Commands
from bedrock_support.server.settings import Settings, load

UNMET = 1


def add_compliance_parser(commands: Commands) -> None:
    """The command `compliance`. Ends with 0 when nothing is unmet, 1 when something is, 2 when asked wrongly."""
    compliance = commands.add_parser("compliance", help="what holds of data protection here, with evidence")
    actions = compliance.add_subparsers(required=True, metavar="ACTION")
    shown = actions.add_parser("report", help="statement by statement, and the record of processing activities")
    shown.add_argument("--json", action="store_true", help="the whole report as JSON")
    shown.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> int:
    return anyio.run(_told, load(), arguments)


async def _told(settings: Settings, arguments: argparse.Namespace) -> int:
    from anyio import to_thread

    from bedrock_support.server.wiring import build
    from bedrock_support.tools.compliance import report

    house = build(settings)
    try:
        made = report(await to_thread.run_sync(house.evidence))
    finally:
        with anyio.CancelScope(shield=True):
            await house.aclose()
    sys.stdout.write(f"{made.model_dump_json(exclude_none=True, indent=2) if arguments.json else made.text}\n")
    return UNMET if made.not_met else 0
