"""Brings CloudWatch to what the objectives say: only what differs is changed, and only ours. Blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bedrock_support.routing.bedrock.cloudwatch import CloudWatchError, CloudWatchPlace, Held
from bedrock_support.server.cloudwatch import NAME, Alarm, cloudwatch_dashboard, composite_alarms, metric_alarms
from bedrock_support.telemetry.slo.objectives import shipped_objectives


def apply(place: CloudWatchPlace, region: str) -> list[str]:
    """Change what differs; says what was changed. Raises CloudWatchError before any change if a name is taken."""
    held = place.held(NAME)
    objectives = shipped_objectives()
    windows, rules = metric_alarms(objectives), composite_alarms(objectives)
    if taken := sorted(held.foreign & {each["AlarmName"] for each in (*windows, *rules)}):
        raise CloudWatchError(f"alarms of these names aren't ours: {', '.join(taken)}. Rename or tag them")
    for each in _differing(windows, held.alarms):
        place.put_alarm(each)
    for each in _differing(rules, held.composites):
        place.put_composite(each)
    body = cloudwatch_dashboard(objectives, region)
    if held.dashboard != body:
        place.put_dashboard(NAME, body)
    _delete(place, _superfluous(held.composites, rules), _superfluous(held.alarms, windows))
    return _changes(held, region)


def changes(place: CloudWatchPlace, region: str) -> list[str]:
    """What `apply` would do, one line each. Changes nothing. Raises CloudWatchError."""
    return _changes(place.held(NAME), region)


def remove(place: CloudWatchPlace, _: str) -> list[str]:
    """Remove what is ours; says what. Raises CloudWatchError."""
    held = place.held(NAME)
    composites, alarms = sorted(held.composites), sorted(held.alarms)
    _delete(place, composites, alarms)
    if held.dashboard is not None:
        place.delete_dashboard(NAME)
    dashboards = [f"- dashboard {NAME}"] if held.dashboard is not None else []
    return [*(f"- alarm {each}" for each in (*composites, *alarms)), *dashboards]


def _delete(place: CloudWatchPlace, composites: Sequence[str], alarms: Sequence[str]) -> None:
    """One composite alarm at a time, and before what it rests on: CloudWatch demands both."""
    for each in composites:
        place.delete_alarms([each])
    if alarms:
        place.delete_alarms(alarms)


def _changes(held: Held, region: str) -> list[str]:
    objectives = shipped_objectives()
    told: list[str] = []
    for wanted, there in (
        (metric_alarms(objectives), held.alarms),
        (composite_alarms(objectives), held.composites),
    ):
        for each in _differing(wanted, there):
            name = each["AlarmName"]
            told.append(f"{'~' if name in there else '+'} alarm {name}")
        told += [f"- alarm {name}" for name in _superfluous(there, wanted)]
    if held.dashboard != cloudwatch_dashboard(objectives, region):
        told.append(f"{'+' if held.dashboard is None else '~'} dashboard {NAME}")
    return told


def _differing(wanted: Sequence[Alarm], there: Mapping[str, Mapping[str, Any]]) -> list[Alarm]:
    """Alarms that aren't there, or differ in a field that we set."""
    return [each for each in wanted if not _same(each, there.get(each["AlarmName"]))]


def _same(wanted: Alarm, there: Mapping[str, Any] | None) -> bool:
    return there is not None and all(_plain(there.get(key)) == _plain(value) for key, value in wanted.items())


def _superfluous(there: Mapping[str, object], wanted: Sequence[Alarm]) -> list[str]:
    return sorted(there.keys() - {each["AlarmName"] for each in wanted})


def _plain(value: object) -> str:
    """In one form: floats rounded, since they come back from text."""
    return json.dumps(round(value, 9) if isinstance(value, float) else value, sort_keys=True, default=str)
