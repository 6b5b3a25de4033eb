"""`bedrock-support monitoring`: dashboards and alerts from the objectives, as files and on CloudWatch."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedrock_support.server.commands import Commands


def add_monitoring_parser(commands: Commands) -> None:
    """The commands `monitoring render`, `apply`, `diff` and `remove`."""
    monitoring = commands.add_parser("monitoring", help="dashboards and alarms for Prometheus, Grafana and CloudWatch")
    actions = monitoring.add_subparsers(required=True)
    render = actions.add_parser("render", help="write dashboard.json and alerts.json, made from the objectives")
    render.add_argument("--out", type=Path, required=True, help="folder to write to; made if need be")
    render.set_defaults(run=_render)
    for name, about in {
        "apply": "make CloudWatch's dashboard and alarms what the objectives say",
        "diff": "say what apply would change; ends with 1 where there is something",
        "remove": "remove our dashboard and alarms from CloudWatch, and no others",
    }.items():
        actions.add_parser(name, help=about).set_defaults(run=partial(_cloudwatch, name))


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


def _cloudwatch(action: str, _: argparse.Namespace) -> int:
    from bedrock_support.routing.bedrock.cloudwatch import CloudWatchError, CloudWatchPlace
    from bedrock_support.server.cloudwatch_sync import apply, changes, remove
    from bedrock_support.server.settings import load

    settings = load()
    place = CloudWatchPlace(settings.region, settings.profile, settings.residency)
    work = {"apply": apply, "diff": changes, "remove": remove}[action]
    try:
        done = work(place, settings.region)
    except CloudWatchError as error:
        sys.stderr.write(f"bedrock-support: {error}\n")
        return 2
    sys.stdout.write("".join(f"{each}\n" for each in done) or "nothing to do\n")
    return 1 if done and action == "diff" else 0
