"""`bedrock-support monitoring render`: Grafana dashboard and Prometheus rules from the objectives."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedrock_support.server.commands import Commands


def add_monitoring_parser(commands: Commands) -> None:
    """The command `monitoring render`."""
    monitoring = commands.add_parser("monitoring", help="files for Prometheus and Grafana")
    actions = monitoring.add_subparsers(required=True)
    render = actions.add_parser("render", help="write dashboard.json and alerts.json, made from the objectives")
    render.add_argument("--out", type=Path, required=True, help="folder to write to; made if need be")
    render.set_defaults(run=_render)


def _render(arguments: argparse.Namespace) -> int:
    from bedrock_support.server.metrics import alert_rules, dashboard
    from bedrock_support.telemetry.slo.objectives import shipped_objectives

    objectives = shipped_objectives()
    # JSON is YAML, so Prometheus reads the rules as they are.
    made = {"dashboard.json": dashboard(objectives), "alerts.json": alert_rules(objectives)}
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            (arguments.out / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    except OSError as error:
        sys.stderr.write(f"--out = {str(arguments.out)!r}: {error.strerror}\n")
        return 2
    sys.stdout.write("".join(f"{arguments.out / name}\n" for name in made))
    return 0
