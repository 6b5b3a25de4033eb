"""What `make demo` shows: one log, three calls through a real MCP client, and the traces they left."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.types import CreateMessageRequestParams, CreateMessageResult, TextContent, TextResourceContents

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.model import Health
from bedrock_support.routing.spans import span
from bedrock_support.server.environment import aws_environment
from bedrock_support.server.from_settings import bedrock_settings
from bedrock_support.server.sandbox.emulator import Sandbox, open_sandbox
from bedrock_support.server.sandbox.faults import Fault, FaultKind
from bedrock_support.server.settings import load
from bedrock_support.telemetry.otel import TelemetrySettings, install
from bedrock_support.telemetry.tree import render

FOLDER = Path(__file__).parent
LOG = "incident.log"
SHOWN_FINDINGS = 4
STAND_IN = "demo-client stand-in (no model)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One call of the demo."""

    title: str
    op_class: str
    fault: FaultKind | None = None


SCENES = (
    Scene(title="1. Standard work goes over MCP: the calling agent's own model is asked", op_class="standard"),
    Scene(title="2. An emergency goes straight to Bedrock, within 5 s", op_class="emergency"),
    Scene(
        title="3. Bedrock fails with 503: urgent work falls back to MCP",
        op_class="infrastructure",
        fault=FaultKind.SERVICE_UNAVAILABLE,
    ),
)


async def run_demo() -> int:
    """Run the three scenes and print what came back; 0 when every call was answered."""
    answered = 0
    with tempfile.TemporaryDirectory() as folder:
        spans = [Path(folder, "server.jsonl"), Path(folder, "client.jsonl")]
        telemetry = install(TelemetrySettings(file=spans[1]), role="demo-client")
        async with AsyncExitStack() as stack:
            sandbox = await stack.enter_async_context(open_sandbox())
            simulated = await _without_credentials()
            _tell_backend(simulated, sandbox)
            plain = await stack.enter_async_context(_client(spans[0], sandbox if simulated else None))
            failing = plain if simulated else await stack.enter_async_context(_client(spans[0], sandbox))
            for scene in SCENES:
                if scene.fault is not None:
                    sandbox.set(Fault(kind=scene.fault))
                answered += await _play(scene, failing if scene.fault else plain)
        await telemetry.shutdown(timeout=2.0)
        _say("\nTraces (client and server, joined by the W3C context that travels in _meta)\n")
        _say(await anyio.to_thread.run_sync(render, spans))
    return 0 if answered == len(SCENES) else 1


async def _play(scene: Scene, client: Client) -> bool:
    # One span around the scene, so that every round of a call lands in one trace.
    with span(f"scene {scene.op_class}", {}):
        return await _call(scene, client)


async def _call(scene: Scene, client: Client) -> bool:
    _say(f"\n{scene.title}\n{'-' * len(scene.title)}")
    _say(f'> triage_incident {{"path": "{LOG}", "operation_class": "{scene.op_class}"}}')
    clock = SystemClock()
    began = clock.now()
    result = await client.call_tool("triage_incident", {"path": LOG, "operation_class": scene.op_class})
    took = clock.now() - began
    told: dict[str, Any] = result.structured_content or {}
    if result.is_error or not told:
        _say(f"  failed: {result.content}")
        return False
    model: Mapping[str, Any] = told["model"]
    for finding in told["findings"][:SHOWN_FINDINGS]:
        _say(f"  {finding['severity']:>8}  {finding.get('path')}:{finding.get('line')}  {finding['title']}")
    judged = str(told.get("judgement", {}).get("summary", "none"))
    label = " [SIMULATED]" if model.get("simulated") else ""
    _say(f"  judgement by {model.get('id')}{label}: {judged[:300]}")
    _say(f"  route: {told['route']}   status: {told['status']}   {took:.2f} s")
    _say(f"  decision: {told['decision']}")
    decision = await client.read_resource(f"support://decisions/{told['decision_id']}")
    (content,) = decision.contents
    if not isinstance(content, TextResourceContents):
        return False
    for attempt in json.loads(content.text)["attempts"]:
        outcome = attempt["failure"] or "answered"
        _say(f"    attempt {attempt['number']} on {attempt['route']}: {outcome}, {attempt['seconds']:.2f} s")
    return bool(model["used"])


@asynccontextmanager
async def _client(spans: Path, sandbox: Sandbox | None) -> AsyncGenerator[Client]:
    """A real client with a server of its own over stdio, as an IDE would start it."""
    environment = {
        "BEDROCK_SUPPORT_SPAN_FILE": str(spans),
        "BEDROCK_SUPPORT_AUDIT": str(spans.with_suffix(".audit")),
    }
    if sandbox is None:
        environment |= aws_environment()
    else:
        environment |= {
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": sandbox.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "bedrock_support.server", "serve", "--root", str(FOLDER)],
        env=environment,
    )
    async with Client(server, sampling_callback=_stand_in) as client:
        yield client


async def _stand_in(context: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
    """The demo client's side of sampling. There is no model here, and the answer says so."""
    block = params.messages[-1].content
    brief = block.text if isinstance(block, TextContent) else ""
    cited = sorted(set(re.findall(r"\bE\d+\b", brief)), key=lambda each: int(each[1:]))[:2]
    answer = {
        "summary": f"Stand-in answer of the demo's client: no model has read the {len(brief)} characters of the brief.",
        "causes": [
            {
                "title": "what the first evidence shows (stand-in, not a judgement)",
                "evidence_ids": cited,
                "confidence": 0.1,
                "disproof": "ask a real model",
            }
        ],
        "next_steps": ["connect an agent that can sample, or AWS credentials"],
    }
    text = TextContent(type="text", text=json.dumps(answer))
    return CreateMessageResult(role="assistant", content=text, model=STAND_IN, stop_reason="endTurn")


async def _without_credentials() -> bool:
    direct = DirectBedrockClient(bedrock_settings(load()), SystemClock())
    try:
        return (await direct.check()).health is Health.UNCONFIGURED
    finally:
        await direct.aclose()


def _tell_backend(simulated: bool, sandbox: Sandbox) -> None:
    if simulated:
        _say(f"No AWS credentials found: Bedrock is SIMULATED by the sandbox at {sandbox.url}. No model is asked.")
    else:
        _say("AWS credentials found: scene 2 asks Bedrock itself, scene 3 a sandbox that is told to fail.")
    _say(f"The log is a real one; {LOG}.txt says where it comes from.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
