"""`bedrock-support cost`: get_cost_report from the command line, over the store that servers share."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bedrock_support.server.commands import number
from bedrock_support.server.settings import READS, load

if TYPE_CHECKING:
    from bedrock_support.server.commands import Commands

USAGE_ERROR = 2


def add_cost_parser(commands: Commands) -> None:
    """The command `cost`. Ends with 0, or with 2 where there is no store to read."""
    cost = commands.add_parser("cost", help="what models cost, what was saved, how far budgets are used")
    cost.add_argument("--days", type=number(1, 400), default=30, metavar="1..400")
    cost.add_argument("--json", action="store_true", help="the whole report as JSON")
    cost.set_defaults(run=_cost)


def _cost(arguments: argparse.Namespace) -> int:
    from bedrock_support.server.wiring import build
    from bedrock_support.tools.base import InputError
    from bedrock_support.tools.cost import report, worded

    settings = load()
    if settings.store is None:
        sys.stderr.write(
            f"{READS['store']} is not set: without a store a server's sums end with it. Set it to the servers' folder, "
            "or call get_cost_report on the running server\n"
        )
        return USAGE_ERROR
    if not settings.store.expanduser().is_dir():
        sys.stderr.write(f"{READS['store']} = {str(settings.store)!r}: no such folder. Name the servers' store\n")
        return USAGE_ERROR
    house = build(settings)
    saving = house.saving
    try:
        found = report(
            saving.spending, saving.budgets, house.manager.clock, saving.optimizer.tenant, arguments.days, shared=True
        )
    except InputError as error:
        sys.stderr.write(f"bedrock-support cost: {error}\n")
        return USAGE_ERROR
    told = found.model_dump_json(indent=2, exclude_none=True) if arguments.json else worded(found)
    sys.stdout.write(f"{told}\n")
    return 0
