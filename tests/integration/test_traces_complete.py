"""A run through client, server, queue and upstream, whose spans join to whole traces.

Every process posts its spans to rotel, a collector of other people's; what is looked at is what that passes on.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.integration.test_otlp import Posted, receiver
from tests.integration.test_under_faults import set_fault
from tests.promises import promise
from tests.rig import COMMAND, Era, environment, running, with_bedrock
from tests.rotel_rig import rotel

UPSTREAM = """
import anyio, sys
from contextvars import ContextVar
from mcp.server import MCPServer
from bedrock_support.routing import spans
from bedrock_support.telemetry.otel import TelemetrySettings, install

server = MCPServer("upstream")
heard = ContextVar("baggage of the message that is answered")

async def listen(ctx, call_next):
    heard.set((ctx.meta or {}).get("baggage", ""))
    return await call_next(ctx)

server._lowlevel_server.middleware.append(listen)

@server.tool()
def echo(text: str) -> str:
    with spans.span("upstream work", {}):
        return f"{text} {heard.get()}"

async def main():
    telemetry = install(TelemetrySettings(otlp_endpoint=sys.argv[1], send_metrics=False), role="upstream")
    try:
        await server.run_stdio_async()
    finally:
        with anyio.CancelScope(shield=True):
            await telemetry.shutdown(5.0)

anyio.run(main)
"""
CLIENT = """
import anyio, json, os, sys
from mcp import Client, StdioServerParameters
from opentelemetry import baggage, context
from bedrock_support.telemetry.otel import TelemetrySettings, install

async def main():
    url, era, command = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    telemetry = install(TelemetrySettings(otlp_endpoint=url, send_metrics=False), role="agent")
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    ours = baggage.set_baggage("support.op_class", "standard")
    ours = baggage.set_baggage("support.deadline_ms", "99999999999", ours)
    context.attach(baggage.set_baggage("password", "hunter2", ours))
    async with Client(server, mode=era) as client:
        said = await client.call_tool("up__echo", {"text": "hello"})
        print(said.content[0].text, flush=True)
        brief = {"path": "shop.log", "operation_class": "background"}
        queued = (await client.call_tool("triage_incident", brief)).structured_content
        message = queued["model"]["queued_id"]
        print(message, flush=True)
        sys.stdin.readline()
        while True:
            asked = {"action": "result", "message_id": message}
            found = (await client.call_tool("manage_queue", asked)).structured_content["messages"][0]
            if found["state"] == "done":
                break
            await anyio.sleep(0.2)
    await telemetry.shutdown(5.0)

anyio.run(main)
"""


def spans_of(posted: Iterable[Posted]) -> list[tuple[str, Span]]:
    """Every span that came in, with the service that sent it."""
    found: list[tuple[str, Span]] = []
    for each in posted:
        if each.path != "/v1/traces":
            continue
        for resource in ExportTraceServiceRequest.FromString(gzip.decompress(each.body)).resource_spans:
            about = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            found += [(about["service.name"], span) for scope in resource.scope_spans for span in scope.spans]
    return found


def text(span: Span, key: str) -> str:
    return next((each.value.string_value for each in span.attributes if each.key == key), "")


def run_client(url: str, era: Era, box: str, env: dict[str, str], root: Path) -> str:
    """The client's whole life; the sandbox is mended once the question waits. Returns what the upstream said."""
    server = json.dumps([*COMMAND, "serve", "--root", str(root)])
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, url, era, server],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with client:
        assert client.stdout is not None
        said, message = client.stdout.readline(), client.stdout.readline()
        if message:
            set_fault(box, None)
        _, complaints = client.communicate("go on\n", timeout=45)
    assert client.returncode == 0, complaints
    return said.strip()


async def through(url: str, era: Era, box: str, log_root: Path, folder: Path) -> str:
    """The whole run, its spans posted to `url`. Returns what the upstream said."""
    listed = folder / "peers.json"
    entry = {
        "command": sys.executable,
        "args": ["-c", UPSTREAM, url],
        "support": {"offer": True, "era": era},
    }
    listed.write_text(json.dumps({"mcpServers": {"up": entry}}))
    env = environment(
        OTEL_EXPORTER_OTLP_ENDPOINT=url,
        BEDROCK_SUPPORT_PEERS=str(listed),
        BEDROCK_SUPPORT_QUEUE=str(folder / "queue.db"),
        BEDROCK_SUPPORT_CALLER_MODEL="false",
        **with_bedrock(box),
    )
    await anyio.to_thread.run_sync(partial(set_fault, box, "service_unavailable"))
    return await anyio.to_thread.run_sync(run_client, url, era, box, env, log_root)


@promise("telemetry:joined", "telemetry:receiver", "telemetry:queue-link", "telemetry:peer-name", "telemetry:baggage")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_spans_of_three_processes_join_to_whole_traces(era: Era, log_root: Path, tmp_path: Path) -> None:
    with (
        anyio.fail_after(58),
        receiver() as (recorded, posted),
        running("sandbox", "--port", "0", env=environment()) as (
            _,
            box,
        ),
    ):
        collector = rotel(recorded)
        url = await anyio.to_thread.run_sync(collector.__enter__)
        try:
            said = await through(url, era, box, log_root, tmp_path)
        finally:  # ended, it has passed on all that it got
            await anyio.to_thread.run_sync(collector.__exit__, None, None, None)
    spans = spans_of(posted)
    check_whole(spans)
    check_upstream(spans)
    check_queue(spans)
    assert said == "hello support.op_class=standard", "what is listed and fits goes on; the rest stays outside"
    assert not any("hunter2" in str(span) for _, span in spans)


def check_whole(spans: list[tuple[str, Span]]) -> None:
    """No span names a parent that never arrived, and all three services are there."""
    ids = {span.span_id for _, span in spans}
    orphans = [
        (service, span.name) for service, span in spans if span.parent_span_id and span.parent_span_id not in ids
    ]
    assert orphans == []
    assert len(ids) == len(spans), "each span arrives once"
    assert {service for service, _ in spans} == {"agent", "bedrock-support", "upstream"}


def above(spans: list[tuple[str, Span]], span: Span) -> list[tuple[str, str, int]]:
    """A span's ancestors, the nearest first: service, name and kind."""
    by_id = {each.span_id: (service, each) for service, each in spans}
    found: list[tuple[str, str, int]] = []
    while span.parent_span_id:
        service, span = by_id[span.parent_span_id]
        found.append((service, span.name, span.kind))
    return found


def check_upstream(spans: list[tuple[str, Span]]) -> None:
    """One line from the agent through the server into the upstream's own work."""
    (work,) = [span for _, span in spans if span.name == "upstream work"]
    line = [each for each in above(spans, work) if not each[1].startswith("support.")]
    assert line == [
        ("upstream", "tools/call echo", Span.SPAN_KIND_SERVER),
        ("bedrock-support", "tools/call echo", Span.SPAN_KIND_CLIENT),
        ("bedrock-support", "tools/call up__echo", Span.SPAN_KIND_SERVER),
        ("agent", "tools/call up__echo", Span.SPAN_KIND_CLIENT),
    ]
    asked = [span for service, span in spans if service == "bedrock-support" and span.kind == Span.SPAN_KIND_CLIENT]
    (call,) = [span for span in asked if span.name == "tools/call echo"]
    assert text(call, "peer.service") == text(call, "service.peer.name") == "up"
    assert all(
        text(span, "peer.service") in ("up", "aws-bedrock")
        for span in asked
        if span.name.startswith(("tools/call", "chat"))
    )


def check_queue(spans: list[tuple[str, Span]]) -> None:
    """The worker's span starts a trace of its own and links to the span that sent the message."""
    (sent,) = [span for _, span in spans if span.name == "send work:judgement"]
    done = [span for _, span in spans if span.name == "process work:judgement"]
    assert sent.kind == Span.SPAN_KIND_PRODUCER
    assert above(spans, sent)[-1] == ("agent", "tools/call triage_incident", Span.SPAN_KIND_CLIENT)
    assert done
    for each in done:
        assert each.kind == Span.SPAN_KIND_CONSUMER
        assert not each.parent_span_id
        (link,) = each.links
        assert (link.trace_id, link.span_id) == (sent.trace_id, sent.span_id)
        assert text(each, "messaging.message.id") == text(sent, "messaging.message.id") != ""
    chats = [span for _, span in spans if span.name.startswith("chat ")]
    answered = [span for span in chats if span.trace_id in {each.trace_id for each in done}]
    assert any(above(spans, span)[-1][1] == "process work:judgement" for span in answered)
