"""The door to the OpenTelemetry SDK: closed unless asked for, explicit when opened."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bedrock_support.routing import semconv
from bedrock_support.telemetry.otel import Telemetry, TelemetrySettings, build_provider
from bedrock_support.telemetry.quiet import NOISY, hush
from tests.promises import promise

CLOSED = """
import sys
from bedrock_support.telemetry import enrich, health, otel, tree
telemetry = otel.install(otel.TelemetrySettings(otlp_endpoint={endpoint!r}), role="test")
from opentelemetry import trace
assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
assert not telemetry.enabled
found = [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "requests"))]
assert not found, found
"""
TAKEN = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from bedrock_support.telemetry.otel import TelemetrySettings, install
host = TracerProvider(shutdown_on_exit=False)
trace.set_tracer_provider(host)
assert not install(TelemetrySettings(otlp_endpoint="http://127.0.0.1:9"), role="test").enabled
assert trace.get_tracer_provider() is host
"""


def script(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=30, check=False)


@promise("telemetry:nothing-unasked")
@pytest.mark.parametrize("endpoint", [None, "", "localhost:4317"])
def test_nothing_is_imported_or_installed_unasked(endpoint: str | None) -> None:
    ran = script(CLOSED.format(endpoint=endpoint))
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert ("OTEL_EXPORTER_OTLP_ENDPOINT: not an http(s) URL" in ran.stderr) is (endpoint == "localhost:4317")


@promise("telemetry:one-provider")
def test_a_hosts_provider_stays_in_charge() -> None:
    ran = script(TAKEN)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@promise("telemetry:nothing-unasked")
@pytest.mark.anyio
async def test_a_closed_pipeline_ends_at_once() -> None:
    assert await Telemetry().flush(0.0)
    assert await Telemetry().shutdown(0.0)


@promise("telemetry:otlp")
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://otel.example/base/", "https://otel.example/base/v1/traces"),
        ("https://xray.eu-central-1.amazonaws.com/v1/traces", "https://xray.eu-central-1.amazonaws.com/v1/traces"),
        ("grpc://127.0.0.1:4317", None),
        (None, None),
    ],
)
def test_the_path_is_appended_to_the_base_endpoint(given: str | None, wanted: str | None) -> None:
    assert TelemetrySettings(otlp_endpoint=given).traces_url == wanted


@promise("telemetry:resource")
def test_a_resource_says_who_and_where_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "editor")
    settings = TelemetrySettings(service_version="1.2", environment="demo", region="eu-central-1")
    about = dict(build_provider(settings, role="bedrock-support").resource.attributes)
    assert about.pop("service.instance.id")
    assert {key: value for key, value in about.items() if not key.startswith("telemetry.sdk.")} == {
        "service.name": "bedrock-support",
        "service.namespace": "bedrock-support",
        "service.version": "1.2",
        "deployment.environment.name": "demo",
        "cloud.region": "eu-central-1",
    }


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@promise("telemetry:span-file")
@pytest.mark.anyio
async def test_a_span_file_holds_otlp_json(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    provider = build_provider(TelemetrySettings(file=path), role="test")
    telemetry = Telemetry(provider)
    tracer = provider.get_tracer(semconv.TRACER)
    with tracer.start_as_current_span("outer") as outer, tracer.start_as_current_span("inner", attributes={"n": 7}):
        pass
    assert await telemetry.flush()
    with tracer.start_as_current_span("later"):
        pass
    assert await telemetry.shutdown()
    assert await telemetry.shutdown(), "ending twice is no mistake"
    first, second = lines(path)
    inner, parent = first["resourceSpans"][0]["scopeSpans"][0]["spans"]
    context = outer.get_span_context()
    assert parent["traceId"] == inner["traceId"] == f"{context.trace_id:032x}"
    assert parent["spanId"] == inner["parentSpanId"] == f"{context.span_id:016x}"
    assert (inner["kind"], inner["attributes"]) == (1, [{"key": "n", "value": {"intValue": "7"}}])
    assert inner["startTimeUnixNano"].isdigit()
    assert second["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == "later"
    assert path.stat().st_mode & 0o077 == 0, "only its owner may read it"


@promise("telemetry:quiet")
@pytest.mark.anyio
async def test_a_span_file_that_cannot_be_written_costs_only_spans(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider = build_provider(TelemetrySettings(file=tmp_path), role="test")
    provider.get_tracer("t").start_span("lost").end()
    await Telemetry(provider).shutdown()
    assert "spans could not be written" in caplog.text
    assert "Traceback" not in caplog.text


@promise("telemetry:quiet")
def test_a_noisy_logger_speaks_once_a_minute_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    hush("noisy.test")
    hush("noisy.test")
    logger = logging.getLogger("noisy.test")
    assert len(logger.filters) == 1
    for minute in (0.0, 30.0, 59.0, 61.0):
        record = logger.makeRecord("noisy.test", logging.ERROR, "", 0, "failed", (), (ValueError, ValueError(), None))
        record.created = 1_800_000_000 + minute
        logger.handle(record)
    assert [(each.created % 100, each.exc_info) for each in caplog.records] == [(0.0, None), (61.0, None)]
    assert all(logging.getLogger(name).name for name in NOISY)
