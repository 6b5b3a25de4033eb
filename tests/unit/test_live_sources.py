"""Live sources: Jaeger and Prometheus on loopback, CloudWatch on moto, and everything that can go wrong with them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import anyio
import boto3
import pytest
from moto import mock_aws

from bedrock_support.routing.bedrock.watching import PERMISSIONS, CloudWatchReader
from bedrock_support.server.alone import alone
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.live import live_sources
from bedrock_support.server.settings import load
from bedrock_support.tools.base import InputError
from bedrock_support.tools.live.asking import Budget
from bedrock_support.tools.live.prometheus import rates, read_prometheus
from bedrock_support.tools.live.sources import LiveSources, statistic
from bedrock_support.tools.root_cause import RootCauseInput, RootCauseResult, find_root_cause
from bedrock_support.tools.triage import TriageInput, TriageResult, triage_incident
from tests.live_rig import Answer, Served, Traces, matrix, serving
from tests.promises import promise
from tests.rca_rig import HURT, TIMES, chain_traces, wave, wide
from tests.triage_rig import resolved

REGION = "eu-west-1"
alone(())  # reads the matrix, which no loop may wait for
SPAN = {"start": str(HURT), "end": str(TIMES[-1] + 10)}


async def triaged(live: LiveSources, seconds: float = 50, **given: Any) -> TriageResult:
    return await triage_incident(live).run(alone((), seconds=seconds), TriageInput.model_validate(given))


async def rooted(live: LiveSources, seconds: float = 50, **given: Any) -> RootCauseResult:
    return await find_root_cause(live).run(alone((), seconds=seconds), RootCauseInput.model_validate(given))


@pytest.fixture
def jaeger(tmp_path: Path) -> Generator[Served]:
    traces = Traces(chain_traces(tmp_path / "spans.jsonl", slow="c").read_text().splitlines())
    with serving(traces.routes) as served:
        yield served


@promise("live:jaeger")
async def test_the_cause_is_found_in_a_jaegers_traces(jaeger: Served) -> None:
    found = await rooted(LiveSources(jaeger=jaeger.url), paths=["jaeger:"], start="1700000045", end="1700000060")
    assert found.causes[0].entity == "cart", found
    assert found.findings[0].path == "jaeger:"
    asked = [query for path, query in jaeger.asked if path == "/api/v3/traces"]
    assert {each["query.serviceName"] for each in asked} == {"web", "cart", "base"}
    assert len({each["query.startTimeMin"] for each in asked}) == 12, "calm and trouble are asked for alike"
    assert any("asked for" in each for each in found.limits)


@promise("live:jaeger")
async def test_failed_spans_of_a_jaeger_are_triaged_with_their_trace_ids(tmp_path: Path) -> None:
    traces = Traces(chain_traces(tmp_path / "spans.jsonl", lost=True).read_text().splitlines())
    window = {"start": "2023-11-14T22:14:05Z", "end": "2023-11-14T22:14:20Z"}
    with serving(traces.routes) as served:
        result = await triaged(LiveSources(jaeger=served.url), path="jaeger:web", window=window)
    assert any("trace=" in each.quote for each in result.evidence)
    assert any("failed" in each.title for each in result.findings), [each.title for each in result.findings]
    assert result.files[0].path == "jaeger:web"


@promise("live:prometheus")
async def test_the_cause_is_found_in_a_prometheus(tmp_path: Path) -> None:
    def answer(query: Any) -> tuple[int, object]:
        assert query["query"] == '{namespace="shop"}'
        rows = [
            ({"__name__": "latency_seconds", "service": name}, list(zip(map(float, TIMES), values, strict=True)))
            for name, values in (("web", wave(0.1, 0.5, seed=1)), ("cart", wave(0.1, 0.5, seed=2)))
        ]
        total = 0.0
        points: list[tuple[float, float]] = []
        for at in TIMES:
            total += 5.0 if at >= HURT else 0.0
            points.append((float(at), total))
        rows.append(({"__name__": "failed_calls_total", "service": "cart"}, points))
        return 200, matrix(rows)

    edges = tmp_path / "calls.json"
    edges.write_text('{"web": ["cart"]}')
    given: dict[str, Any] = {"paths": ['prometheus:{namespace="shop"}', "calls.json"], **SPAN}
    with serving({"/api/v1/query_range": answer}) as served:
        tool = find_root_cause(LiveSources(prometheus=served.url))
        found = await tool.run(alone(resolved(tmp_path)), RootCauseInput.model_validate(given))
    assert found.causes[0].entity == "cart"
    assert any("failed_calls_total" in each.source for each in found.evidence)


@promise("live:prometheus")
def test_counters_become_rates_and_a_restart_is_no_fall() -> None:
    assert rates([(0, 10), (10, 30), (20, 5)]) == [(10, 2.0), (20, 0.5)]
    points = [(0.0, 0.0), (10.0, 100.0), (20.0, 220.0)]
    rows = [
        ({"__name__": "took_seconds_sum", "app": "web"}, [(at, value * 0.2) for at, value in points]),
        ({"__name__": "took_seconds_count", "app": "web"}, points),
        ({"__name__": "took_seconds_bucket", "app": "web", "le": "1"}, points),
        ({"__name__": "hits_total", "app": "web", "status": "503"}, points),
        ({"__name__": "up", "app": "web", "instance": "a"}, points),
        ({"__name__": "up", "app": "web", "instance": "b"}, points),
    ]
    with serving({"/api/v1/query_range": lambda _: (200, matrix(rows))}) as served:
        series, notes = read_prometheus(served.url, "{}", 0, 20, Budget(until=time.monotonic() + 5, now=time.monotonic))
    by = {each.metric: each for each in series}
    assert [round(each, 3) for each in by["took_seconds"].values] == [0.2, 0.2]
    assert by["took_seconds"].kind == "latency"
    assert by["took_seconds_count"].kind == "traffic"
    assert by['hits_total{status="503"} 5xx'].kind == "errors"
    assert {"up", 'up{instance="b"}'} <= by.keys(), "two series of one entity don't overwrite each other"
    assert "1 buckets" in notes[0]


@pytest.fixture
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "moto")
        with mock_aws():
            yield


def client(name: str) -> Any:
    session: Any = boto3.Session(region_name=REGION)
    return session.client(name)


WATCHED = LiveSources(cloudwatch={REGION: CloudWatchReader(region=REGION)})


@promise("live:logs")
@pytest.mark.usefixtures("account")
async def test_a_log_group_is_triaged_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    logs, now = client("logs"), int(time.time() * 1000)
    logs.create_log_group(logGroupName="/aws/lambda/orders")
    logs.create_log_stream(logGroupName="/aws/lambda/orders", logStreamName="one")
    events = [{"timestamp": now - 60_000 + each, "message": f"INFO order {each} placed"} for each in range(50)]
    events += [{"timestamp": now - 9_000, "message": "ERROR could not connect to database: connection refused"}]
    logs.put_log_events(logGroupName="/aws/lambda/orders", logStreamName="one", logEvents=events)
    calls = watched(monkeypatch)
    result = await triaged(WATCHED, path=f"logs:/aws/lambda/orders@{REGION}")
    assert any("connection refused" in each.quote for each in result.evidence)
    assert result.files[0].path == f"logs:/aws/lambda/orders@{REGION}"
    assert set(calls) == {"FilterLogEvents"}


@promise("live:cloudwatch")
@pytest.mark.usefixtures("account")
async def test_the_cause_is_found_in_cloudwatchs_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    cloudwatch, now = client("cloudwatch"), time.time() // 60 * 60
    data = [
        {
            "MetricName": "Errors",
            "Dimensions": [{"Name": "Service", "Value": name}],
            "Timestamp": now - (40 - minute) * 60,
            "Value": 2 + (hurt if minute >= 30 else 0) + minute % 3,
        }
        for name, hurt in (("cart", 40.0), ("web", 0.0))
        for minute in range(40)
    ]
    cloudwatch.put_metric_data(Namespace="shop", MetricData=data)
    calls = watched(monkeypatch)
    found = await rooted(WATCHED, paths=["cloudwatch:shop"], start=str(now - 600), end=str(now))
    assert found.causes, found.limits
    assert found.causes[0].entity == "cart"
    assert "cloudwatch:shop [cart Errors Sum]" in found.evidence[0].source
    assert set(calls) <= {"ListMetrics", "GetMetricData"}


@promise("live:cloudwatch")
def test_each_metric_is_summed_up_as_its_name_asks() -> None:
    told = {
        name: statistic(name)
        for name in ("Latency", "Duration", "Errors", "5XXError", "RequestCount", "CPUUtilization")
    }
    assert told == {
        "Latency": "p90",
        "Duration": "p90",
        "Errors": "Sum",
        "5XXError": "Sum",
        "RequestCount": "Sum",
        "CPUUtilization": "Average",
    }


@promise("live:read-only")
def test_the_documented_policy_is_what_is_used() -> None:
    import json

    text = (Path(__file__).parents[2] / "docs/live-sources.md").read_text(encoding="utf-8")
    documented = json.loads(text.split("```json\n")[1].split("```")[0])["Statement"][0]["Action"]
    assert documented == list(PERMISSIONS)
    assert all(each.split(":")[1].startswith(("Filter", "List", "Get")) for each in PERMISSIONS)


@promise("live:failures-are-limits")
@pytest.mark.usefixtures("account")
async def test_what_aws_refuses_is_a_limit_with_the_permission() -> None:
    result = await triaged(WATCHED, path="logs:/nowhere")
    assert result.status == "partial"
    assert any("ResourceNotFoundException" in each and "logs:FilterLogEvents" in each for each in result.limits)
    found = await rooted(WATCHED, paths=["cloudwatch:nothing"])
    assert found.status == "partial"
    assert any("nothing has no value" in each for each in found.limits)


def drip(_: object) -> tuple[int, object]:
    def pieces() -> Generator[bytes]:
        while True:
            yield b" "
            time.sleep(0.05)

    return 200, pieces()


def flood(_: object) -> tuple[int, object]:
    def pieces() -> Generator[bytes]:
        while True:
            yield b" " * 2**20

    return 200, pieces()


def giving(status: int, body: object) -> Answer:
    return lambda _: (status, body)


@promise("live:failures-are-limits")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (giving(500, b"broken"), "answered 500"),
        (giving(200, b"<html>"), "no JSON"),
        (giving(200, b"[" * 100_000), "no JSON"),
        (giving(200, [1, 2]), "could not answer"),
        (giving(404, b"not a Jaeger"), "answered 404"),
        (drip, "time was over"),
        (flood, "too large"),
        (giving(307, "http://169.254.169.254/latest/meta-data/"), "answered 307"),
    ],
    ids=["error", "html", "deep", "list", "foreign", "drip", "flood", "redirect"],
)
async def test_a_spoiled_jaeger_is_a_limit_in_time(answer: Any, said: str) -> None:
    with serving({"/api/v3/traces": answer}) as served, anyio.fail_after(20):
        begun = time.monotonic()
        result = await triaged(LiveSources(jaeger=served.url), seconds=12, path="jaeger:web")
        assert time.monotonic() - begun < 12
    assert result.status == "partial"
    assert any(said in each for each in result.limits), result.limits
    assert {path for path, _ in served.asked} == {"/api/v3/traces"}, "no redirect is followed"


@promise("live:failures-are-limits")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            giving(400, {"status": "error", "errorType": "bad_data", "error": "parse error at char 3"}),
            "parse error",
        ),
        (giving(200, {"status": "success", "data": {"resultType": "matrix", "result": []}}), "no value"),
        (giving(200, {"status": "success", "data": {}}), "no result"),
        (giving(200, matrix([({"a": "b"}, [(1, float("nan"))])])), "no value"),
        (drip, "time was over"),
    ],
    ids=["bad-query", "empty", "no-data", "nan", "drip"],
)
async def test_a_spoiled_prometheus_is_a_limit_in_time(answer: Any, said: str) -> None:
    with serving({"/api/v1/query_range": answer}) as served, anyio.fail_after(20):
        found = await rooted(LiveSources(prometheus=served.url), seconds=10, paths=["prometheus:up"])
    assert found.status == "partial"
    assert not found.findings
    assert any(said in each for each in found.limits), found.limits


@promise("live:failures-are-limits")
async def test_nobody_there_is_a_limit_and_the_files_are_read_all_the_same(tmp_path: Path) -> None:
    wide(tmp_path / "m.csv", {"web.latency": wave(0.1, 0.5), "cart.latency": wave(0.1)})
    tool = find_root_cause(LiveSources(prometheus="http://127.0.0.1:1"))
    given = RootCauseInput.model_validate({"paths": ["m.csv", "prometheus:up"], **SPAN})
    found = await tool.run(alone(resolved(tmp_path)), given)
    assert found.causes[0].entity == "web"
    assert found.status == "partial"
    assert any("no answer from 127.0.0.1" in each for each in found.limits)


@promise("live:only-settings")
async def test_only_what_the_settings_name_is_asked() -> None:
    for given in ("jaeger:web", "logs:/group"):
        with pytest.raises(InputError, match="may ask no"):
            await triaged(LiveSources(), path=given)
    with pytest.raises(InputError, match="isn't one of the Regions"):
        await triaged(WATCHED, path="logs:/group@us-east-1")
    with pytest.raises(InputError, match="isn't asked by this tool"):
        await triaged(WATCHED, path="prometheus:up")
    with pytest.raises(InputError, match="says nothing to ask for"):
        await rooted(WATCHED, paths=["prometheus:"])


@promise("live:only-settings")
async def test_no_name_leads_to_another_host_or_path(jaeger: Served) -> None:
    for name in ("@evil.example/", "//evil.example", "x&query.serviceName=y#", "../../admin", "a\r\nHost: evil"):
        await triaged(LiveSources(jaeger=jaeger.url), seconds=4, path=f"jaeger:{name}")
        path, query = jaeger.asked[-1]
        assert path == "/api/v3/traces"
        assert query["query.serviceName"] == name
    assert {each["host"] for each in jaeger.headers} == {jaeger.url.removeprefix("http://")}


@promise("live:only-settings")
def test_settings_outside_the_eu_are_refused_at_start() -> None:
    refused = {
        "BEDROCK_SUPPORT_CLOUDWATCH": ["us-east-1", "eu-west-2", "eu-west-1,us-west-2", "nowhere"],
        "BEDROCK_SUPPORT_PROMETHEUS": ["https://aps-workspaces.us-east-1.amazonaws.com/x", "ftp://host", "host:9090"],
        "BEDROCK_SUPPORT_JAEGER": ["file:///etc/passwd"],
    }
    for name, values in refused.items():
        for value in values:
            with pytest.raises(SettingsError, match=name):
                live_sources(load({name: value}))
    free = {"BEDROCK_SUPPORT_CLOUDWATCH": "us-east-1", "BEDROCK_SUPPORT_RESIDENCY": "any"}
    assert list(live_sources(load(free)).cloudwatch) == ["us-east-1"]
    assert list(live_sources(load({"BEDROCK_SUPPORT_CLOUDWATCH": "eu-west-1, eu-central-1"})).cloudwatch) == [
        "eu-west-1",
        "eu-central-1",
    ]


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the AWS operations that are called from now on."""
    from botocore.client import BaseClient

    calls: list[str] = []
    every: Any = BaseClient
    real = every._make_api_call

    def noted(self: Any, operation: str, given: dict[str, Any]) -> Any:
        calls.append(operation)
        return real(self, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    return calls
