"""explain_routing as agents and people use it: through a real client, and by the command."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from bedrock_support.server.explain_cli import add_explain_parser
from tests.promises import promise
from tests.rig import Era, Transport, connect, environment, told, with_bedrock, words

NOWHERE = "http://127.0.0.1:9/mcp"


def command(arguments: Sequence[str]) -> int:
    """The command in this process, for its exit code; what it says goes to the captured streams."""
    parser = argparse.ArgumentParser()
    add_explain_parser(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["explain", *arguments])
    return int(parsed.run(parsed))


async def ran(*arguments: str) -> int:
    """The command in a thread, where it may start a loop of its own."""
    return await anyio.to_thread.run_sync(partial(command, arguments))


@promise("explain:past", "explain:other", "explain:hypothetical")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_call_is_explained_over_stdio(era: Era, log_root: Path, sandbox_url: str) -> None:
    env = environment(**with_bedrock(sandbox_url))
    with anyio.fail_after(40):
        async with connect("stdio", era, root=log_root, env=env) as client:
            arguments = {"path": "shop.log", "operation_class": "infrastructure"}
            triaged = told(await client.call_tool("triage_incident", arguments))
            past = told(await client.call_tool("explain_routing", {"decision_id": triaged["decision_id"]}))
            newest = told(await client.call_tool("explain_routing", {"decision_id": "latest"}))
            would = told(await client.call_tool("explain_routing", {"operation_class": "infrastructure"}))
            unknown = await client.call_tool("explain_routing", {"decision_id": "d-none"})
            after = told(await client.call_tool("explain_routing", {"decision_id": "latest"}))
    assert past["decision_id"] == newest["decision_id"] == after["decision_id"] == triaged["decision_id"]
    assert (past["row"], past["chosen"], past["answered_by"], past["ended"]) == (
        "direct-first",
        "direct",
        "direct",
        "answered",
    )
    assert past["cost_usd"] > 0
    assert past["attempts"][0]["simulated"] is True
    direct = past["candidates"][0]
    assert (direct["health"], direct["samples"]) == ("unknown", 0)
    assert direct["expected"]["usd"] > 0
    assert [each["route"] for each in past["other_would_have"]] == ["mcp"]
    assert (would["hypothetical"], would["plan"]) == (True, ["direct", "mcp"])
    assert would["candidates"][0]["samples"] == 1
    assert "decision_id" not in would
    assert unknown.is_error
    assert "decision_id = 'd-none'" in words(unknown)
    assert "Take the id from a tool result's decision_id" in words(unknown)


@promise("explain:down")
async def test_explaining_needs_no_model(log_root: Path) -> None:
    env = environment(**with_bedrock("http://127.0.0.1:9"))
    with anyio.fail_after(40):
        async with connect("stdio", "2026-07-28", root=log_root, env=env) as client:
            arguments = {"path": "shop.log", "operation_class": "emergency"}
            triaged = told(await client.call_tool("triage_incident", arguments))
            past = await client.call_tool("explain_routing", {"decision_id": triaged["decision_id"]})
            would = await client.call_tool("explain_routing", {"operation_class": "emergency", "deadline_s": 1})
    assert triaged["status"] == "degraded"
    assert told(past)["ended"] == "failed"
    assert told(past)["attempts"][0]["failure"]
    assert "row emergency-direct-only" in words(past)
    assert told(would)["plan"] == ["direct"]


@promise("explain:command")
async def test_the_command_asks_a_running_server(
    http_servers: dict[Transport, str], log_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = http_servers["http"]
    with anyio.fail_after(50):
        async with connect("http", "2026-07-28", root=log_root, env={}, url=url) as client:
            triaged = told(await client.call_tool("triage_incident", {"path": "shop.log"}))
        assert await ran(triaged["decision_id"], "--url", url, "--json") == 0
        assert json.loads(capsys.readouterr().out)["decision_id"] == triaged["decision_id"]
        assert await ran("--class", "background", "--size", "9", "--url", url) == 0
        assert "class background" in capsys.readouterr().out
        assert await ran("d-none", "--url", url) == 1
        assert "decision_id = 'd-none'" in capsys.readouterr().err
        assert await ran("latest", "--url", NOWHERE) == 1
        said = capsys.readouterr().err
    assert NOWHERE in said
    assert "Is a server listening there?" in said


@promise("explain:command", "explain:down")
def test_the_command_explains_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**with_bedrock("http://127.0.0.1:9"), "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    assert command(["--class", "standard"]) == 0
    said = capsys.readouterr().out
    assert "Plan: mcp then direct (row mcp-first" in said
    assert "credentials found" in said
    assert "it has no experience of either route" in said
    assert command(["--class", "emergency", "--size", "100", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plan"] == ["direct"]


@promise("explain:command")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give exactly one"),
        (["d-1", "--class", "standard"], "give exactly one"),
        (["d-1"], "Give its address, such as --url http://127.0.0.1:8000/mcp"),
        (["d-1", "--size", "5", "--url", NOWHERE], "--size 5"),
        (["d-1", "--url", "here"], "--url 'here'"),
    ],
)
def test_a_wrong_wish_ends_with_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(arguments) == 2
    assert said in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        command(["--class", "standard", "--size", "none"])
    assert ended.value.code == 2
