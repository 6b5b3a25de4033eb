"""Upstream servers behind the product itself, as a client sees them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from mcp.types import TextResourceContents

from tests.promises import promise
from tests.rig import LOG, Era, Running, connect, environment, told, words

ROOT = Path(__file__).parents[2]


def listing(folder: Path, **support: object) -> str:
    """A file with one good server."""
    path = folder / "peers.json"
    entry = {
        "command": sys.executable,
        "args": ["-m", "tests.peer_rig", "sdk"],
        "cwd": str(ROOT),
        "support": support,
    }
    path.write_text(json.dumps({"mcpServers": {"good": entry}}))
    return str(path)


@promise("peers:served")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_offered_tools_are_listed_and_called_as_ours(tmp_path: Path, era: Era) -> None:
    env = environment(BEDROCK_SUPPORT_PEERS=listing(tmp_path, offer=True))
    async with connect("stdio", era, root=tmp_path, env=env) as client:
        result = await client.call_tool("good__echo", {"text": "hello"})  # waits for the connection
        assert "hello" in words(result)
        names = [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools]
        assert names[0] == "triage_incident"
        assert "good__echo" in names
        unknown = await client.call_tool("good__nothing", {})
        assert unknown.is_error


@promise("peers:served")
async def test_an_upstream_answers_for_a_client_that_cannot_be_sampled(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(LOG)
    file = listing(tmp_path, ask={"tool": "echo", "argument": "text"}, residency="eu")
    async with connect("stdio", "legacy", root=tmp_path, env=environment(BEDROCK_SUPPORT_PEERS=file)) as client:
        result = told(await client.call_tool("triage_incident", {"path": str(tmp_path / "app.log")}))
        assert result["route"] == "mcp"
        assert result["model"]["carrier"] == "peer"
        content = (await client.read_resource("support://health")).contents[0]
        assert isinstance(content, TextResourceContents)
        health = json.loads(content.text)
        assert health["peers"]["good"]["state"] == "ready"


@promise("peers:served")
async def test_a_bad_file_stops_the_start_with_its_mend(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    path.write_text('{"mcpServers": {"bad": {"url": "http://example.org/mcp"}}}')
    process = Running(["serve"], environment(BEDROCK_SUPPORT_PEERS=str(path)))
    assert process.process.wait(20) == 2
    process.end()
    assert "mcpServers.bad.url" in "".join(process.said)
