"""Which module each command comes from. Only that of the command given is imported: a hook runs at every tool call."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Protocol

HOME = "bedrock_support.server"


class Commands(Protocol):
    """What argparse's add_subparsers gives; its own class has no public name."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser: ...


MODULES: dict[str, tuple[str, ...]] = {
    "explain_cli:add_explain_parser": ("explain",),
    "gaps_cli:add_gap_parsers": ("gaps", "verify-spec"),
    "triage_cli:add_triage_parser": ("triage",),
    "rca_cli:add_rca_parser": ("rca",),
    "plan_cli:add_plan_parser": ("plan",),
    "executions_cli:add_execution_parsers": ("executions", "ingest-hook"),
    "scan_cli:add_scan_parser": ("scan",),
    "compliance_cli:add_compliance_parser": ("compliance",),
    "audit_cli:add_audit_parser": ("audit",),
    "cost_cli:add_cost_parser": ("cost",),
    "efficiency_cli:add_efficiency_parser": ("efficiency",),
    "status_cli:add_status_parser": ("status",),
    "monitoring_cli:add_monitoring_parser": ("monitoring",),
    "queue_cli:add_queue_parser": ("queue",),
    "flags_cli:add_flag_parsers": ("flags", "stop", "resume"),
    "approving.cli:add_approve_parser": ("approve",),
    "rollout.front_cli:add_front_parser": ("front",),
    "rollout.cli:add_rollout_parser": ("rollout",),
}
"""module:function that adds the parsers, and the names that they have."""


def add_commands(commands: Commands, wanted: str) -> None:
    """Add the parser of the command that is wanted; of all, when it is none of these."""
    known = {name for names in MODULES.values() for name in names}
    for place, names in MODULES.items():
        if wanted in names or wanted not in known:
            module, _, function = place.partition(":")
            add: Callable[[Commands], None] = getattr(import_module(f"{HOME}.{module}"), function)
            add(commands)


def port(text: str) -> int:
    """A TCP port from the command line. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > MOST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number from 0 (any free port) to {MOST_PORT}")
    return int(text)


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number from the command line; what reads it raises ArgumentTypeError."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from {least} to {most}")
        return int(text)

    return read


MOST_PORT = 65535


def counts(found: Iterable[str], severities: Sequence[str], least: str) -> bool:
    """Whether any of the severities found is `least` or worse, by their order; never for "never"."""
    return least != "never" and any(each in severities[severities.index(least) :] for each in found)
