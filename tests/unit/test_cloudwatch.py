"""Dashboards and alarms on moto, and the lines that bring their metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudwatch.responses import CloudWatchResponse

from bedrock_support.routing.model import CacheUse, OperationClass, Outcome
from bedrock_support.server.cli import main
from bedrock_support.server.cloudwatch import BAD, DIMENSION, GOOD, NAMESPACE, composite_alarms, metric_alarms
from bedrock_support.server.emf import EmfWriter
from bedrock_support.telemetry.slo.board import Board
from bedrock_support.telemetry.slo.objectives import shipped_objectives
from tests.fakes import FakeClock, operation, reply
from tests.promises import promise

ROOT = Path(__file__).parents[2]


def outcomes() -> list[Outcome]:
    """One answer of each class, and one from the cache."""
    fresh = [Outcome(operation=operation(each), reply=reply(), seconds=0.1) for each in OperationClass]
    return [*fresh, replace(fresh[0], cached=CacheUse(age=1.0))]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "moto")
    # moto knows composite alarms, but only under the name of the other operation.
    put: Any = CloudWatchResponse.put_metric_alarm
    monkeypatch.setattr(CloudWatchResponse, "put_composite_alarm", put, raising=False)
    with mock_aws():
        session: Any = boto3.Session(region_name="eu-central-1")
        yield session.client("cloudwatch")


def names(client: Any) -> set[str]:
    found = client.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100)
    return {each["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for each in found[kind]}


def foreign(client: Any, name: str) -> None:
    client.put_metric_alarm(
        AlarmName=name, MetricName="x", Namespace="y", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip


@promise("monitoring:cloudwatch")
def test_apply_is_idempotent_diff_tells_and_remove_takes_only_ours(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign(account, "bedrock-support-of-somebody")
    assert main(["monitoring", "diff"]) == 1
    assert main(["monitoring", "apply"]) == 0
    capsys.readouterr()
    assert main(["monitoring", "diff"]) == 0
    assert main(["monitoring", "apply"]) == 0
    assert capsys.readouterr().out == "nothing to do\nnothing to do\n"
    wanted = {each["AlarmName"] for make in (metric_alarms, composite_alarms) for each in make(shipped_objectives())}
    assert names(account) == wanted | {"bedrock-support-of-somebody"}
    gone = sorted(wanted)[0]
    account.delete_alarms(AlarmNames=[gone])
    assert main(["monitoring", "diff"]) == 1
    assert capsys.readouterr().out == f"+ alarm {gone}\n"
    assert main(["monitoring", "apply"]) == 0
    assert main(["monitoring", "remove"]) == 0
    assert names(account) == {"bedrock-support-of-somebody"}
    assert account.list_dashboards()["DashboardEntries"] == []


@promise("monitoring:cloudwatch")
def test_what_is_not_ours_is_not_touched(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    taken = metric_alarms(shipped_objectives())[0]["AlarmName"]
    foreign(account, taken)
    assert main(["monitoring", "apply"]) == 2
    assert f"aren't ours: {taken}" in capsys.readouterr().err
    assert names(account) == {taken}
    account.put_dashboard(DashboardName="bedrock-support", DashboardBody='{"widgets": []}')
    assert main(["monitoring", "remove"]) == 2
    assert "isn't ours" in capsys.readouterr().err


@promise("monitoring:emitted")
async def test_alarms_name_only_metrics_that_the_lines_carry(tmp_path: Path) -> None:
    board, file = Board(FakeClock()), tmp_path / "emf.log"
    writer = EmfWriter(file, board, FakeClock())
    await writer.write()
    assert not file.exists()
    for each in outcomes():
        board.judged(each)
    await writer.write()
    await writer.write()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    (about,) = {json.dumps(line["_aws"]["CloudWatchMetrics"]) for line in lines}
    assert {each["Name"] for each in json.loads(about)[0]["Metrics"]} == {GOOD, BAD}
    emitted = {(NAMESPACE, name, line[DIMENSION]) for line in lines for name in (GOOD, BAD) if name in line}
    assert len(lines) == len({line[DIMENSION] for line in lines})
    for alarm in metric_alarms(shipped_objectives()):
        for each in alarm["Metrics"]:
            if metric := each.get("MetricStat", {}).get("Metric"):
                assert (metric["Namespace"], metric["MetricName"], metric["Dimensions"][0]["Value"]) in emitted


@promise("monitoring:runbooks")
def test_every_alarm_links_to_a_section_that_exists() -> None:
    objectives = shipped_objectives()
    for alarm in (*metric_alarms(objectives), *composite_alarms(objectives)):
        (path, anchor) = re.findall(r"(docs/\S+\.md)#(\S+)$", alarm["AlarmDescription"])[0]
        assert f"\n## {anchor}\n" in (ROOT / path).read_text("utf-8"), anchor
