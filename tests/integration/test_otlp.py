"""Spans on the wire as Jaeger takes them, and the end of a process whose collector is dead or silent."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.promises import promise
from tests.rig import environment

PROCESS = """
import anyio, sys, time
from bedrock_support.routing import spans
from bedrock_support.telemetry.otel import TelemetrySettings, install

async def main():
    settings = TelemetrySettings(otlp_endpoint=sys.argv[1], headers={"x-api-key": "k"}, environment="test")
    telemetry = install(settings, role="bedrock-support")
    with spans.span("route.decide", {"support.route.chosen": "mcp"}):
        with spans.span("chat m", {}, kind=spans.CLIENT) as inner:
            spans.failed(inner, "throttled", "asked to wait")
    for _ in range(int(sys.argv[2])):
        time.sleep(0.01)
        with spans.span("more", {}):
            pass
    began = time.monotonic()
    sent = await telemetry.shutdown(timeout=2.0)
    print(f"{sent} {time.monotonic() - began:.3f}", file=sys.stderr)

anyio.run(main)
"""


class Posted(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def receiver() -> Generator[tuple[str, list[Posted]]]:
    """An OTLP/HTTP receiver on loopback that keeps what it gets."""
    posted: list[Posted] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append(Posted(self.path, {key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", posted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Ended(NamedTuple):
    sent: bool
    shutdown: float
    seconds: float
    stdout: str
    said: list[str]


def process(endpoint: str, more: int = 0) -> Ended:
    """A process that makes a trace and ends."""
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", PROCESS, endpoint, str(more)], capture_output=True, text=True, timeout=30, check=True
    )
    *said, last = ran.stderr.splitlines()
    sent, took = last.split()
    return Ended(sent == "True", float(took), time.monotonic() - began, ran.stdout, said)


@promise("telemetry:otlp", "telemetry:resource")
def test_a_trace_arrives_as_jaeger_takes_it() -> None:
    with receiver() as (url, posted):
        ended = process(url)
    assert ended.sent
    assert (ended.stdout, ended.said) == ("", [])
    (one,) = posted
    assert one.path == "/v1/traces"
    assert one.headers["content-type"] == "application/x-protobuf"
    assert one.headers["x-api-key"] == "k"
    request = ExportTraceServiceRequest.FromString(gzip.decompress(one.body))
    (resource,) = request.resource_spans
    about = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert about["service.name"] == about["service.namespace"] == "bedrock-support"
    assert about["deployment.environment.name"] == "test"
    (scope,) = resource.scope_spans
    chat, decide = scope.spans
    assert (chat.name, decide.name) == ("chat m", "route.decide")
    assert chat.trace_id == decide.trace_id
    assert chat.parent_span_id == decide.span_id
    assert (chat.kind, decide.kind) == (3, 1), "client, internal"
    assert (chat.status.code, chat.status.message, decide.status.code) == (2, "asked to wait", 0)


COUNTED = """
import anyio, sys
from bedrock_support.server.settings import load
from bedrock_support.server.from_settings import telemetry_settings
from bedrock_support.server.wiring import build
from bedrock_support.telemetry.otel import install

async def main():
    settings = load()
    telemetry = install(telemetry_settings(settings), role="bedrock-support")
    house = build(settings)
    print(house.metrics is not None)
    if house.metrics is not None:
        house.metrics.metrics.served("tools/list", "", 0.25)
    await telemetry.shutdown(timeout=5.0)
    await house.aclose()

anyio.run(main)
"""


@promise("telemetry:metrics-sent")
@pytest.mark.parametrize("exporter", ["otlp", "none", None])
def test_metrics_are_posted_to_an_endpoint_unless_told_not_to(exporter: str | None, tmp_path: Path) -> None:
    with receiver() as (url, posted):
        told = {} if exporter is None else {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_METRICS_EXPORTER": exporter}
        env = environment(HOME=str(tmp_path), **told)
        ran = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, timeout=30, env=env)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.strip() == str(exporter == "otlp")
    if exporter != "otlp":
        assert posted == []
        return
    (one,) = posted
    assert one.path == "/v1/metrics"
    (resource,) = ExportMetricsServiceRequest.FromString(gzip.decompress(one.body)).resource_metrics
    assert "bedrock-support" in {each.value.string_value for each in resource.resource.attributes}
    (scope,) = resource.scope_metrics
    (metric,) = scope.metrics
    assert (metric.name, metric.histogram.data_points[0].sum) == ("mcp.server.operation.duration", 0.25)


@contextmanager
def silent() -> Generator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def dead() -> Generator[str]:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@promise("telemetry:bounded-end", "telemetry:quiet")
@pytest.mark.parametrize("collector", [silent, dead])
@pytest.mark.parametrize("more", [0, 150], ids=["at the end", "all along"])
def test_a_collector_that_fails_delays_nothing_and_is_mentioned_once(collector: object, more: int) -> None:
    make = silent if collector is silent else dead
    with make() as url:
        ended = process(url, more)
    assert ended.shutdown <= 2.3, "two seconds and a slow machine"
    assert ended.seconds <= ended.shutdown + more * 0.01 + 5.0, "nor does the interpreter wait for it"
    assert ended.stdout == ""
    assert len(ended.said) <= 1, ended.said
