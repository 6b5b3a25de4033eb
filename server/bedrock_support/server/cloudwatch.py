"""What CloudWatch is to hold: one dashboard, and alarms for each burn-rate rule, over metrics that EMF lines carry.

EMF and not OTLP: burn rates need the good and bad events of each objective, which the OTLP metrics don't hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bedrock_support.telemetry.slo.board import Standing
from bedrock_support.telemetry.slo.burn import MIN_EVENTS, RULES, Rule
from bedrock_support.telemetry.slo.objectives import Kind, Objective

NAMESPACE, GOOD, BAD, DIMENSION = "BedrockSupport", "GoodEvents", "BadEvents", "Objective"
NAME = "bedrock-support"
"""The dashboard's name, and with a dash the beginning of every alarm's."""
RUNBOOKS = "docs/runbooks.md"
MOST_PERIOD = 86400.0
"""Seconds of the longest period that an alarm may have (CloudWatch, PutMetricAlarm): longer rules are left out."""
Alarm = Mapping[str, Any]


def emf(standing: Standing, before: tuple[int, int], at: float) -> str | None:
    """One line of the embedded metric format with the events since `before`; None without any. `at`: Unix seconds."""
    good, bad = standing.good - before[0], standing.bad - before[1]
    if not good + bad:
        return None
    metrics = [{"Name": name, "Unit": "Count"} for name in (GOOD, BAD)]
    about = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
    line = {"_aws": {"Timestamp": int(at * 1000), "CloudWatchMetrics": [about]}}
    return json.dumps(line | {DIMENSION: standing.objective.name, GOOD: good, BAD: bad})


def metric_alarms(objectives: Sequence[Objective]) -> list[Alarm]:
    """One alarm for each window of each rule, as put_metric_alarm takes them. Without data they are INSUFFICIENT."""
    return [
        {
            "AlarmName": _window_name(each, rule, window),
            "AlarmDescription": _about(each, rule),
            "ActionsEnabled": False,
            "EvaluationPeriods": 1,
            "Threshold": rule.factor * (1.0 - each.target),
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "missing",
            "Metrics": _share(each, int(window), MIN_EVENTS if window == rule.long else 1),
        }
        for each, rule in _burning(objectives)
        for window in (rule.long, rule.short)
    ]


def composite_alarms(objectives: Sequence[Objective]) -> list[Alarm]:
    """One alarm for each rule, which needs both its windows, as put_composite_alarm takes them."""
    return [
        {
            "AlarmName": f"{NAME}-{each.name}-burns-{rule.factor:g}x",
            "AlarmDescription": _about(each, rule),
            "AlarmRule": " AND ".join(
                f'ALARM("{_window_name(each, rule, window)}")' for window in (rule.long, rule.short)
            ),
        }
        for each, rule in _burning(objectives)
    ]


def cloudwatch_dashboard(objectives: Sequence[Objective], region: str) -> str:
    """The dashboard's body: a note that says whose it is, and the bad share of each objective."""
    note = {"markdown": f"Made by `bedrock-support monitoring apply`. What to do: {RUNBOOKS}"}
    widgets: list[dict[str, Any]] = [{"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": note}]
    counted = [each for each in objectives if each.kind is not Kind.AT_MOST]
    for number, each in enumerate(counted):
        lines = [
            [{"expression": "b / (g + b)", "label": "bad share", "id": "share"}],
            [NAMESPACE, GOOD, DIMENSION, each.name, {"id": "g", "visible": False}],
            [NAMESPACE, BAD, DIMENSION, each.name, {"id": "b", "visible": False}],
        ]
        about = {"title": each.title, "region": region, "stat": "Sum", "period": 300, "metrics": lines}
        place = {"x": 12 * (number % 2), "y": 2 + 6 * (number // 2), "width": 12, "height": 6}
        widgets.append({"type": "metric", **place, "properties": about})
    return json.dumps({"widgets": widgets}, sort_keys=True)


def _burning(objectives: Sequence[Objective]) -> list[tuple[Objective, Rule]]:
    """Rules that some share of bad events can break."""
    return [
        (each, rule)
        for each in objectives
        for rule in RULES
        if each.kind is not Kind.AT_MOST and rule.factor * (1.0 - each.target) < 1.0 and rule.long <= MOST_PERIOD
    ]


def _share(each: Objective, period: int, least: int) -> list[dict[str, Any]]:
    def events(key: str, name: str) -> dict[str, Any]:
        metric = {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": [{"Name": DIMENSION, "Value": each.name}]}
        return {"Id": key, "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}, "ReturnData": False}

    # Divided by nothing is no data point: too few events are INSUFFICIENT_DATA, not OK.
    share = f"b / IF(g + b >= {least}, g + b, 0)"
    burn = {"Id": "share", "Expression": share, "Label": "bad share", "ReturnData": True}
    return [events("g", GOOD), events("b", BAD), burn]


def _window_name(each: Objective, rule: Rule, window: float) -> str:
    return f"{NAME}-{each.name}-{rule.factor:g}x-over-{window / 60:g}m"


def _about(each: Objective, rule: Rule) -> str:
    return f"{each.title}: the budget burns {rule.factor:g} times too fast ({rule.severity}). {RUNBOOKS}#{each.name}"
