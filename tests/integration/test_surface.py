"""What a client sees: catalogue, resources, prompts, errors, and a server without credentials."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import TextResourceContents

from tests.promises import promise
from tests.rig import Era, connect, environment, told, with_bedrock, words

BOTH_ERAS = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
MOST_TOKENS = 4000


@pytest.fixture(scope="session")
def odd_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with everything that can't be triaged."""
    root = tmp_path_factory.mktemp("odd")
    (root / "empty.log").touch()
    (root / "binary.log").write_bytes(b"\x00\x01\x02" * 1000)
    (root / "nothing").mkdir()
    os.mkfifo(root / "pipe.log")
    (root / "out.log").symlink_to("/etc/hostname")
    return root


@asynccontextmanager
async def plain(root: Path, era: Era = "2026-07-28", /, **env: str) -> AsyncGenerator[Client]:
    with anyio.fail_after(30):
        async with connect("stdio", era, root=root, env=environment(**env)) as client:
            yield client


@promise("server:bad-input")
async def test_bad_input_is_answered_with_field_value_and_mend(odd_root: Path) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"path": "missing.log"}, ["path = ", "missing.log"]),
        ({"path": "/etc/passwd"}, ["path = ", "/etc/passwd", str(odd_root)]),
        ({"path": "../x.log"}, ["path = ", "../x.log"]),
        ({"path": "out.log"}, ["path = ", "out.log"]),
        ({"path": "binary.log"}, ["path = ", "binary"]),
        ({"path": "empty.log"}, ["path = ", "empty"]),
        ({"path": "nothing"}, ["path = ", "nothing"]),
        ({"path": "pipe.log"}, ["path = ", "pipe.log"]),
        ({}, ["path = ", "text"]),
        ({"text": "x", "path": "y"}, ["path = ", "exactly one"]),
        ({"text": " "}, ["text = ", "empty"]),
        ({"text": "x", "operation_class": "urgent"}, ["operation_class = 'urgent'", "'emergency'"]),
        ({"text": "x", "deadline_s": 0}, ["deadline_s = 0", "greater than 0"]),
        ({"text": "x", "max_findings": 0}, ["max_findings = 0"]),
        ({"text": "x", "colour": "red"}, ["colour = 'red'", "no such argument", "operation_class"]),
    ]
    async with plain(odd_root) as client:
        for arguments, expected in cases:
            result = await client.call_tool("triage_incident", arguments)
            assert result.is_error, arguments
            assert all(word in words(result) for word in expected), words(result)
            assert "pydantic" not in words(result)
        unknown = await client.call_tool("complete_handoff", {"handoff_id": "h-1"})
        assert "answer = None: missing. Give answer" in words(unknown)


@promise("server:catalogue")
@BOTH_ERAS
async def test_the_catalogue_fits_a_client(era: Era, log_root: Path) -> None:
    async with plain(log_root, era) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == [
            "triage_incident",
            "detect_implementation_gaps",
            "verify_spec",
            "find_root_cause",
            "audit_infrastructure",
            "analyze_executions",
            "complete_handoff",
            "explain_routing",
            "compliance_report",
            "scan_compliance",
            "get_cost_report",
            "get_routing_efficiency",
            "get_system_health",
            "plan_remediation",
            "get_operation",
        ]
        listed = json.dumps([tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools])
        assert len(listed) / 4 < MOST_TOKENS
        for tool in tools:
            assert len(tool.name) <= 40
            assert tool.output_schema is not None
            assert tool.annotations is not None
            assert tool.annotations.destructive_hint is False
        assert tools[0].annotations is not None
        assert tools[0].annotations.read_only_hint is True
        if era == "legacy":  # later clients ask for it with server/discover
            assert client.instructions is not None
            assert client.server_capabilities.tools is not None
            assert client.server_capabilities.tools.list_changed is True, "tools of upstream servers come and go"
            assert "emergency" in client.instructions


@promise("server:resources")
@BOTH_ERAS
async def test_health_decisions_and_prompts_can_be_read(era: Era, log_root: Path) -> None:
    async with plain(log_root, era) as client:
        health = await read(client, "support://health")
        assert health["routes"]["mcp"]["state"] == "unknown"
        assert health["routes"]["mcp"]["samples"] == 0
        result = told(await client.call_tool("triage_incident", {"path": "shop.log"}))
        decision = await read(client, f"support://decisions/{result['decision_id']}")
        assert decision["row"] == "mcp-first"
        assert decision["ended"] == "handed_over"
        assert "Plan: mcp" in decision["explanation"]
        with pytest.raises(MCPError, match=r"decision_id = 'd-none'.*decision_id"):
            await client.read_resource("support://decisions/d-none")
        names = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert names == ["triage_incident", "explain_decision", "incident", "spec-review", "weekly-health"]
        prompt = await client.get_prompt("triage_incident", {"path": "shop.log", "symptom": "500s"})
        assert "shop.log" in str(prompt.messages[0].content)
        for name, arguments, said in (
            ("triage_incident", {}, "triage_incident: path is missing"),
            (
                "explain_decision",
                {"decision_id": "d-1", "id": "2"},
                "arguments.id: no such argument. Use only decision_id",
            ),
            ("triage", {}, "name = 'triage': no such prompt. Use one of triage_incident"),
        ):
            with pytest.raises(MCPError, match=re.escape(said)):
                await client.get_prompt(name, arguments)


async def read(client: Client, uri: str) -> dict[str, Any]:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    loaded: dict[str, Any] = json.loads(content.text)
    return loaded


@promise("server:no-credentials")
async def test_without_credentials_the_server_serves_and_says_what_is_missing(log_root: Path) -> None:
    async with plain(log_root) as client:
        result = told(await client.call_tool("triage_incident", {"path": "shop.log", "operation_class": "emergency"}))
        assert result["status"] == "degraded"
        assert result["route"] == "local"
        assert result["findings"]
        assert result["model"]["used"] is False
        assert "AWS_BEARER_TOKEN_BEDROCK" in result["model"]["not_used_reason"]
        health = await read(client, "support://health")
        assert health["routes"]["direct"]["state"] == "unconfigured"
        assert "AWS_BEARER_TOKEN_BEDROCK" in health["routes"]["direct"]["note"]


@promise("server:no-credentials")
async def test_support_mode_off_asks_no_model(log_root: Path) -> None:
    async with plain(log_root, ENABLE_BEDROCK_SUPPORT_MODE="false") as client:
        result = told(await client.call_tool("triage_incident", {"path": "shop.log"}))
        assert (result["status"], result["route"]) == ("degraded", "local")
        assert "support mode is off" in result["decision"]


@promise("server:trace")
async def test_one_trace_runs_from_the_client_to_the_model(log_root: Path, sandbox_url: str, tmp_path: Path) -> None:
    spans = tmp_path / "spans.jsonl"
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    meta: Any = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    async with plain(log_root, BEDROCK_SUPPORT_SPAN_FILE=str(spans), **with_bedrock(sandbox_url)) as client:
        result = told(
            await client.call_tool("triage_incident", {"path": "shop.log", "operation_class": "emergency"}, meta=meta)
        )
    assert result["trace_id"] == trace_id
    found: dict[str, dict[str, Any]] = {}
    exported = await anyio.Path(spans).read_text(encoding="utf-8")
    for line in exported.splitlines():
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                found |= {span["name"]: span for span in scope["spans"] if span["traceId"] == trace_id}
    chain = [
        "tools/call triage_incident",
        "support.tool triage_incident",
        "route.attempt",
        next(name for name in found if name.startswith("chat ")),
    ]
    for outer, inner in pairwise(chain):
        assert found[inner]["parentSpanId"] == found[outer]["spanId"]
    assert found["route.decide"]["parentSpanId"] == found["support.tool triage_incident"]["spanId"]
    server_span = {each["key"]: each["value"] for each in found["tools/call triage_incident"]["attributes"]}
    assert server_span["network.transport"] == {"stringValue": "pipe"}
    assert "connection refused" not in exported
