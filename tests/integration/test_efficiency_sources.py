"""The same figures from each source, after real calls through a real server."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from mcp.client import ClientRequestContext
from mcp.types import CreateMessageRequestParams, CreateMessageResult, TextContent

from tests.jaeger_rig import FakeJaeger, answering
from tests.promises import promise
from tests.rig import COMMAND, connect, environment, running, told, with_bedrock, words

CALLS = 3
PATIENCE = 20.0
OF_THE_SOURCE = {"source", "limits"}


async def own_model(_: ClientRequestContext, __: CreateMessageRequestParams) -> CreateMessageResult:
    """The client's own model, so that both routes can answer and be estimated."""
    text = TextContent(type="text", text=json.dumps({"summary": "the database is down"}))
    return CreateMessageResult(role="assistant", content=text, model="m", stop_reason="endTurn")


def set_fault(url: str, kind: str | None) -> None:
    body = json.dumps({"kind": kind}).encode()
    request = urllib.request.Request(f"{url}/_sandbox/faults", data=body, method="PUT")  # noqa: S310 - loopback
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on the source; links to traces do, since only some sources know a Jaeger."""
    for each in found["money"]["costliest"]:
        each.pop("trace_url", None)
    return {key: value for key, value in found.items() if key not in OF_THE_SOURCE}


def all_written(path: Path, decisions: int) -> None:
    """Wait until the span file has the ending of every decision."""
    until = time.monotonic() + PATIENCE
    while not path.exists() or path.read_text().count('"route.outcome"') < decisions:
        assert time.monotonic() < until, "the span file is not complete"
        time.sleep(0.05)


def command(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [*COMMAND, "efficiency", "--json", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
@promise("efficiency:same-figures")
async def test_live_file_and_jaeger_give_the_same_figures(log_root: Path, tmp_path: Path) -> None:
    spans = tmp_path / "spans.jsonl"
    with running("sandbox", "--port", "0", env=environment()) as (_, url):
        env = environment(BEDROCK_SUPPORT_SPAN_FILE=str(spans), **with_bedrock(url))
        async with connect("stdio", "legacy", root=log_root, env=env, sampling_callback=own_model) as client:
            with anyio.fail_after(50):
                for kind in (None, "service_unavailable"):
                    await to_thread.run_sync(partial(set_fault, url, kind))
                    for op_class in ("infrastructure", "standard", "emergency"):
                        for _ in range(CALLS):
                            asked = {"path": "shop.log", "operation_class": op_class}
                            told(await client.call_tool("triage_incident", asked))
                live = told(await client.call_tool("get_routing_efficiency", {}))
                await to_thread.run_sync(all_written, spans, live["decisions"])
                read = told(await client.call_tool("get_routing_efficiency", {"source": "files"}))
                jaeger = FakeJaeger(spans)
                with answering(jaeger.answer) as base:
                    asked = {"source": "jaeger", "url": base}
                    queried = told(await client.call_tool("get_routing_efficiency", asked))
                    from_command = await to_thread.run_sync(partial(command, "--jaeger", base))
                elsewhere = await client.call_tool(
                    "get_routing_efficiency", {"source": "jaeger", "url": "http://192.0.2.1:16686"}
                )
    assert live["decisions"] == 6 * CALLS
    assert live["rates"]["ended"]["answered"] >= 2 * CALLS
    assert live["money"]["costliest"]
    assert all(len(each["trace_id"]) == 32 for each in live["money"]["costliest"])
    assert live["optimal"]["all"]["rate_with_choice"]["n"] > 0, "some decisions had a choice between known routes"
    assert live["rates"]["fallback"]["hits"] > 0
    assert live["optimal"]["events"]["rate"]["n"] + live["optimal"]["events"]["unknown"] > 0
    assert figures(live) == figures(read) == figures(queried) == figures(from_command)
    assert figures(await to_thread.run_sync(partial(command, "--files", str(spans)))) == figures(read)
    for each in read["recommendations"]:
        change = f"{each['row']}={each['route']}"
        assert await to_thread.run_sync(partial(command, "--files", str(spans), "--replay", change)) == each
    assert elsewhere.is_error
    assert "neither on this machine" in words(elsewhere)
