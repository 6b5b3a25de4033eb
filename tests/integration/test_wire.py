"""One whole run, every byte of it: what was planted in it is found nowhere but in what goes back to the caller."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import anyio.to_thread
import pytest
from mcp import Client, MCPError
from mcp.client import ClientRequestContext
from mcp.types import CallToolResult, CreateMessageRequestParams, CreateMessageResult, Implementation, TextContent

from bedrock_support.server.sandbox.emulator import open_sandbox
from bedrock_support.server.sandbox.faults import Fault, FaultKind
from tests.integration.test_otlp import receiver
from tests.peer_rig import entry
from tests.promises import promise
from tests.rig import Running, environment, running, told
from tests.wire_rig import ADDRESSES, MARKER, PLANTED, encodings, found, in_folder, packed, sentence, tap, unpacked

pytestmark = pytest.mark.anyio

BROKEN = "def pay(order):\n    raise NotImplementedError  # {}\n\n\nNOTE = {!r}\n"


def log_of(names: list[str]) -> str:
    """A log with an incident whose lines hold the values."""
    calm = [f"2026-11-23T13:{minute:02}:00Z INFO order {minute} placed" for minute in range(60)]
    bad = [
        f"2026-11-23T14:{at:02}:{second:02}Z ERROR {MARKER} {sentence(name)}"
        for at, name in enumerate(names)
        for second in (1, 2)
    ]
    return "\n".join([*calm, *bad, ""])


def named_file() -> str:
    """A file whose name is a value itself."""
    return f"{PLANTED['mail in German'][0]}-support.log"


def planted_project(root: Path) -> None:
    """A workspace with values in contents and in names of files."""
    names = list(PLANTED)
    (root / "shop.log").write_text(log_of(names), encoding="utf-8")
    (root / named_file()).write_text(log_of(names[:5]), encoding="utf-8")
    source = root / "shop"
    source.mkdir()
    for number, name in enumerate(names):
        text = BROKEN.format(sentence(name), sentence(name))
        (source / f"part{number}.py").write_text(text, encoding="utf-8")
    steps = "".join(f"- [x] 1.{at} Do `pay{at}` for {sentence(name)}\n" for at, name in enumerate(names))
    spec = root / ".kiro" / "specs" / "pay"
    spec.mkdir(parents=True)
    (spec / "tasks.md").write_text(f"# Plan\n\n{steps}", encoding="utf-8")
    (root / "main.tf").write_text(
        'resource "aws_db_instance" "db" {\n  password = "' + PLANTED["database password"][0] + '"\n'
        "  publicly_accessible = true\n}\n",
        encoding="utf-8",
    )
    run = [
        {"type": "tool_call", "tool": "Bash", "input": {"command": sentence(name)}, "error": sentence(name)}
        for name in names
    ]
    (root / "run.jsonl").write_text("\n".join(json.dumps(each) for each in run), encoding="utf-8")


class Agent:
    """The client's side: what its model was shown, and everything that it got back."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.fails = 0

    async def sample(self, context: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
        self.shown.append(params.model_dump_json())
        answer: dict[str, object] = {"summary": "The database is gone (E1).", "causes": [], "next_steps": []}
        text = TextContent(type="text", text=json.dumps(answer))
        return CreateMessageResult(role="assistant", content=text, model=f"own of {PLANTED['mail in Han text'][0]}")

    async def call(self, client: Client, tool: str, **arguments: Any) -> CallToolResult | None:
        """A call that may fail in any way."""
        try:
            result = await client.call_tool(tool, arguments)
        except MCPError:
            self.fails += 1
            return None
        self.fails += bool(result.is_error)
        return result


async def everything(agent: Agent, client: Client, root: Path, *, handing: bool) -> None:
    """Every tool and every way to fail, with the values wherever a caller can put them."""
    all_of_it = "\n".join(sentence(name) for name in PLANTED)
    for op_class in ("emergency", "infrastructure", "standard", "background"):
        await agent.call(client, "triage_incident", path="shop.log", operation_class=op_class)
        await agent.call(
            client, "triage_incident", text=log_of(list(PLANTED)), question=all_of_it[:1900], operation_class=op_class
        )
    await agent.call(client, "triage_incident", path=named_file(), operation_class="emergency")
    for tool in ("detect_implementation_gaps", "verify_spec", "scan_compliance", "audit_infrastructure"):
        await agent.call(client, tool, path=".")
    await agent.call(client, "find_root_cause", paths=["shop.log"])
    await agent.call(client, "analyze_executions", path="run.jsonl")
    await agent.call(client, "plan_remediation", path=".")
    await agent.call(client, "manage_queue", action="send", to="kiro", message=all_of_it)
    for name in ADDRESSES:
        await agent.call(client, "manage_queue", action="send", to=PLANTED[name][0], message="x")
        await agent.call(client, "manage_queue", action="send", to="kiro", message="x", key=PLANTED[name][0])
    for value, told_so in PLANTED.values():
        await agent.call(
            client,
            "tape__echo",
            text=told_so.format(value),
            password=value,
            nested=[{told_so.format(value): [told_so.format(value)]}],
        )
        # Errors of every kind: unknown names, paths, ids, types.
        await agent.call(client, f"no_{value}"[:60])
        await agent.call(client, "triage_incident", path=f"/nowhere/{value}")
        await agent.call(client, "get_operation", operation_id=value)
        await agent.call(client, "complete_handoff", handoff_id=value, answer=told_so.format(value))
        await agent.call(client, "triage_incident", **{value: value})
        try:
            await client.read_resource(f"support://decisions/{quote(value, safe='')}")
        except MCPError:
            agent.fails += 1
    if handing:
        result = await agent.call(client, "triage_incident", path="shop.log", operation_class="kiro_communication")
        assert result is not None
        handed = told(result)
        assert handed["status"] == "awaiting_answer"
        agent.shown.append(handed["handoff"]["brief"])
        answer: dict[str, object] = {"summary": all_of_it[:3900], "causes": [], "next_steps": []}
        given = {"handoff_id": handed["handoff"]["handoff_id"], "answer": answer}
        taken = await agent.call(client, "complete_handoff", **given)
        assert taken is not None
        assert not taken.is_error


@asynccontextmanager
async def server(tmp_path: Path, root: Path, **env: str) -> AsyncGenerator[tuple[Running, str]]:
    """A server over HTTP that keeps everything it keeps under one folder."""
    state = tmp_path / "state"
    state.mkdir(exist_ok=True)
    peers = {"mcpServers": {"tape": entry("tape", "--count", str(state / "peer.tape"), offer=True)}}
    (tmp_path / "peers.json").write_text(json.dumps(peers))
    settings = environment(
        BEDROCK_SUPPORT_AUDIT=str(state / "audit"),
        BEDROCK_SUPPORT_STORE=str(state / "store"),
        BEDROCK_SUPPORT_QUEUE=str(state / "queue.db"),
        BEDROCK_SUPPORT_CACHE=str(state / "cache"),
        BEDROCK_SUPPORT_SPAN_FILE=str(state / "spans.jsonl"),
        BEDROCK_SUPPORT_EMF=str(state / "emf.log"),
        BEDROCK_SUPPORT_PEERS=str(tmp_path / "peers.json"),
        BEDROCK_SUPPORT_NAMES="false",
        XDG_STATE_HOME=str(state),
        ENABLE_PERFORMANCE_OPTIMIZATION="true",
        AWS_ACCESS_KEY_ID="sandbox",
        AWS_SECRET_ACCESS_KEY="sandbox",
        **env,
    )
    began = running("serve", "--transport", "http", "--port", "0", "--root", str(root), env=settings)
    process, url = await anyio.to_thread.run_sync(began.__enter__)
    try:
        yield process, url
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(began.__exit__, None, None, None)


@promise("gate:wire")
async def test_nothing_that_was_planted_leaves(tmp_path: Path) -> None:
    assert len(PLANTED) >= 30
    root = tmp_path / "root"
    root.mkdir()
    planted_project(root)
    agent = Agent()
    person = Implementation(name=f"client of {PLANTED['mail in Greek text'][0]}", version="1")
    async with open_sandbox() as sandbox:
        with tap(sandbox.url) as bedrock, receiver() as (collector, posted):
            targets = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.url, "OTEL_EXPORTER_OTLP_ENDPOINT": collector}
            async with server(tmp_path, root, **targets) as (process, url):
                async with Client(url, mode="legacy", sampling_callback=agent.sample, client_info=person) as client:
                    await everything(agent, client, root, handing=False)
                async with Client(url, mode="2026-07-28", client_info=person) as client:
                    await everything(agent, client, root, handing=True)
                    for kind in (FaultKind.VALIDATION, FaultKind.CUT, FaultKind.MALFORMED_JSON, FaultKind.THROTTLING):
                        sandbox.set(Fault(kind=kind))
                        await agent.call(client, "triage_incident", path="shop.log", operation_class="emergency")
            heard = {"bedrock": bedrock.heard, "collector": b"\n".join(unpacked(each.body) for each in posted)}
    kept = await anyio.to_thread.run_sync(in_folder, tmp_path / "state")
    captured = {
        **heard,
        "stderr": "".join(process.said).encode(),
        "the client's model": "\n".join(agent.shown).encode(),
        **kept,
    }
    for place in ("bedrock", "the client's model"):
        assert MARKER.encode() in captured[place], f"{place} was not reached: not finding values there means nothing"
    assert b"tools/call" in captured["collector"]
    assert b"support_" in captured["collector"] or b"support." in captured["collector"]
    assert captured["peer.tape"].count(b"tools/call") >= len(PLANTED)
    assert any(name.endswith("log.db") for name in kept)
    assert any(name.startswith("store") for name in kept)
    assert captured["queue.db"]
    assert agent.fails > 4 * len(PLANTED)
    leaked = await anyio.to_thread.run_sync(
        lambda: {place: hits for place, blob in captured.items() if (hits := found(blob))}
    )
    assert not leaked, json.dumps(leaked, indent=1, ensure_ascii=False)[:6000]


@promise("gate:wire")
def test_the_search_finds_a_value_in_every_form() -> None:
    for name, (value, _) in PLANTED.items():
        for how, needle in encodings(value):
            assert f"{name} ({how})" in found(b"x" + needle + b"y"), how
        for text in (value, f"before {value} after", json.dumps({"a": json.dumps({"b": value})}), quote(value)):
            assert found(text.encode()), text
            assert found(unpacked(b"POST / HTTP/1.1\r\n\r\n" + packed(text))), text
        for shift in range(3):
            assert found(base64.b64encode(b"x" * shift + f"before {value}, after".encode())), (name, shift)
    assert not found(b"nothing of the sort")
