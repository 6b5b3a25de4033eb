"""/metrics in the Prometheus text exposition format 0.0.4, and the dashboard and alert rules over the same names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bedrock_support.telemetry.components import ComponentHealth
from bedrock_support.telemetry.gray import GrayAlarm
from bedrock_support.telemetry.slo.board import Standing
from bedrock_support.telemetry.slo.burn import MIN_EVENTS, RULES
from bedrock_support.telemetry.slo.objectives import Kind, Objective

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATES = ("healthy", "degraded", "unhealthy", "unknown")
COMPONENT, SAMPLES = "bedrock_support_component_state", "bedrock_support_component_samples"
EVENTS, TARGET = "bedrock_support_slo_events_total", "bedrock_support_slo_target"
GATE, GRAY = "bedrock_support_slo_gate_state", "bedrock_support_gray_alarms"
METRICS = {
    COMPONENT: ("gauge", "1 for the state that a component is in"),
    SAMPLES: ("gauge", "Observations behind a component's state"),
    EVENTS: ("counter", "Calls that were good and bad for an objective"),
    TARGET: ("gauge", "The objective's target"),
    GATE: ("gauge", "1 for the state that an objective is in: met, missed or unknown"),
    GRAY: ("gauge", "Models and classes that are slow or flaky against their own past"),
}
_MET = {True: "met", False: "missed", None: "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line of the exposition."""

    name: str
    labels: dict[str, str]
    value: float


def exposition(components: Sequence[ComponentHealth], standing: Sequence[Standing], gray: Sequence[GrayAlarm]) -> str:
    """Everything known now."""
    samples = list(_samples(components, standing, gray))
    lines: list[str] = []
    for name, (kind, about) in METRICS.items():
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        lines += [_line(each) for each in samples if each.name == name]
    return "\n".join(lines) + "\n"


def _samples(
    components: Sequence[ComponentHealth], standing: Sequence[Standing], gray: Sequence[GrayAlarm]
) -> Iterator[Sample]:
    for each in components:
        about = {"component": each.component.value}
        for state in STATES:
            yield Sample(name=COMPONENT, labels=about | {"state": state}, value=float(each.state.value == state))
        yield Sample(name=SAMPLES, labels=about, value=each.samples)
    for found in standing:
        slo = {"slo": found.objective.name}
        yield Sample(name=TARGET, labels=slo, value=found.objective.target)
        for state in _MET.values():
            yield Sample(name=GATE, labels=slo | {"state": state}, value=float(_MET[found.met] == state))
        if found.objective.kind is not Kind.AT_MOST:
            yield Sample(name=EVENTS, labels=slo | {"result": "good"}, value=found.good)
            yield Sample(name=EVENTS, labels=slo | {"result": "bad"}, value=found.bad)
    yield Sample(name=GRAY, labels={}, value=len(gray))


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
    return f"{sample.name}{{{labels}}} {sample.value:g}" if labels else f"{sample.name} {sample.value:g}"


def alert_rules(objectives: Sequence[Objective]) -> dict[str, object]:
    """Prometheus alert rules: each burn-rate rule for each objective that counts events."""
    rules: list[dict[str, object]] = []
    for each in objectives:
        if each.kind is Kind.AT_MOST:
            continue
        for rule in RULES:
            bound = rule.factor * (1.0 - each.target)
            if bound >= 1.0:
                continue  # no share of bad events can exceed it
            both = " and ".join(f"{_bad_share(each.name, window)} > {bound:g}" for window in (rule.long, rule.short))
            enough = f'sum(increase({EVENTS}{{slo="{each.name}"}}[{rule.long / 60:.0f}m])) >= {MIN_EVENTS}'
            rules.append(
                {
                    "alert": f"{each.name}_burns_{rule.factor:g}x",
                    "expr": f"{both} and {enough}",
                    "labels": {"severity": rule.severity.value, "slo": each.name},
                    "annotations": {"summary": f"{each.title}: the budget burns {rule.factor:g} times too fast"},
                }
            )
    return {"groups": [{"name": "bedrock-support-slo", "rules": rules}]}


def dashboard(objectives: Sequence[Objective]) -> dict[str, object]:
    """A Grafana dashboard: components, gray failures, gates, and the bad share of each objective."""
    shown = [
        ("Component states", f"{COMPONENT} == 1", "{{component}} {{state}}"),
        ("Samples behind each state", SAMPLES, "{{component}}"),
        ("Gray failures", GRAY, "alarms"),
        ("Objectives", f"{GATE} == 1", "{{slo}} {{state}}"),
        ("Targets", TARGET, "{{slo}}"),
    ]
    shown += [(each.title, _bad_share(each.name, 300), "bad") for each in objectives if each.kind is not Kind.AT_MOST]
    panels = [
        {
            "id": number + 1,
            "title": title,
            "type": "timeseries",
            "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "targets": [{"refId": "A", "expr": expr, "legendFormat": legend}],
        }
        for number, (title, expr, legend) in enumerate(shown)
    ]
    source = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    return {
        "title": "Bedrock Support",
        "uid": "bedrock-support",
        "schemaVersion": 39,
        "templating": {"list": [source]},
        "panels": panels,
    }


def _bad_share(slo: str, window: float) -> str:
    over = f"[{window / 60:.0f}m]"
    # sum() even of one series: `/` would match none with different labels.
    bad, every = f'{EVENTS}{{slo="{slo}",result="bad"}}{over}', f'{EVENTS}{{slo="{slo}"}}{over}'
    return f"(sum(increase({bad})) / sum(increase({every})))"
