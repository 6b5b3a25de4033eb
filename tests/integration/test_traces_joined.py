"""A real MCP client and server, each writing its spans: one trace, named by convention, without content."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bedrock_support.telemetry.tree import read, render
from tests.promises import promise

SERVER = """
import anyio, sys
from pathlib import Path
from mcp.server import MCPServer
from bedrock_support.routing import spans
from bedrock_support.telemetry.otel import TelemetrySettings, install

server = MCPServer("test")

@server.tool()
def triage(text: str) -> str:
    with spans.span("route.decide", {"support.route.row": "mcp-first"}):
        raise ValueError("jane@example.com")

async def main():
    telemetry = install(TelemetrySettings(file=Path(sys.argv[1])), role="bedrock-support")
    await server.run_stdio_async()
    await telemetry.shutdown()

anyio.run(main)
"""
CLIENT = """
import anyio, sys
from pathlib import Path
from mcp import Client, StdioServerParameters
from bedrock_support.telemetry.otel import TelemetrySettings, install

async def main():
    telemetry = install(TelemetrySettings(file=Path(sys.argv[1])), role="agent")
    server = StdioServerParameters(command=sys.executable, args=["-c", sys.argv[2], sys.argv[1]])
    async with Client(server) as client:
        await client.call_tool("triage", {"text": "jane@example.com"})
    await telemetry.shutdown()

anyio.run(main)
"""


@promise("telemetry:mcp-names", "telemetry:tree", "telemetry:no-content", "telemetry:span-file")
def test_one_call_is_one_trace_across_two_processes(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    command = [sys.executable, "-c", CLIENT, str(path), SERVER]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=45, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "jane" not in path.read_text(encoding="utf-8")
    spans = {(span.service, span.name): span for span in read(path)}
    asked = spans["agent", "tools/call triage"]
    served = spans["bedrock-support", "tools/call triage"]
    decided = spans["bedrock-support", "route.decide"]
    assert (asked.kind, served.kind, decided.kind) == (3, 2, 1)
    assert (served.parent, decided.parent) == (asked.id, served.id)
    assert asked.attributes["gen_ai.operation.name"] == "execute_tool"
    assert asked.attributes["gen_ai.tool.name"] == "triage"
    assert served.attributes["error.type"] == "tool_error"
    tree = next(each for each in render([path]).split("\n\n") if "triage" in each).splitlines()
    assert [line.strip().split("  ")[0] for line in tree[1:]] == [
        "tools/call triage",
        "└─ tools/call triage",
        "└─ route.decide",
    ]
