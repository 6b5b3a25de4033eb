"""With no data every figure is unknown: tools, resources, page, endpoints and commands of a fresh server."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from anyio import to_thread
from mcp import Client

from bedrock_support.server.commands import MODULES
from bedrock_support.server.settings import Settings
from bedrock_support.server.status_cli import ask
from bedrock_support.server.wiring import build
from tests.promises import promise
from tests.rig import COMMAND, LOG, environment, running, told, with_bedrock

RATE = re.compile(r"(^|_)(rate|share|p50|p95|p99|mean|burn|within_deadline|attainment|optimal)(_|$)|_(seconds|usd|ms)$")
"""Names of figures that only data can give."""
SET = re.compile(
    r"^(deadline_seconds|window_seconds|target|trace_share|share_exported|every_seconds|poll_seconds|max_.*|open_in_seconds"
    r"|budget_usd)$"
)
"""Figures that are settings, or facts about a breaker that was never used."""
STATES = ("healthy", "degraded", "unhealthy")
CLAIMS = re.compile(r"\bhealthy\b(?!\s*(or|,))|\b(0|100)(\.0+)? ?%")


GIVEN: dict[str, dict[str, Any]] = {
    "explain_routing": {"operation_class": "standard"},
    "manage_queue": {"action": "stats"},
    "find_root_cause": {"paths": ["empty.log"]},
    "analyze_executions": {"path": "empty.log"},
    "complete_handoff": {"handoff_id": "h-none", "answer": {}},
    "get_operation": {"operation_id": "o-none"},
}
"""What tools must be given: nothing that any figure could come from."""
HIDDEN = frozenset({"complete_handoff"})
"""Not listed while no model may be asked."""
RUN_ON = frozenset({"serve", "sandbox", "demo", "front"})
"""Commands that serve until they are ended, or that make data of their own."""
ACT = frozenset({"ingest-hook", "stop", "resume", "approve", "plan"})
"""Commands that do something and show no figure; plan takes the findings of others."""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    env = environment(
        BEDROCK_SUPPORT_PAGE="true",
        BEDROCK_SUPPORT_QUEUE=str(tmp_path / "queue.sqlite"),
        BEDROCK_SUPPORT_AUDIT=str(tmp_path / "audit"),
        BEDROCK_SUPPORT_STORE=str(tmp_path / "store"),
    )
    (tmp_path / "empty.log").touch()
    with running("serve", "--transport", "http", "--port", "0", "--root", str(tmp_path), env=env) as (_, url):
        yield url, env


def claims(value: Any, path: str = "") -> list[str]:
    """Figures in a tree that something claims without data, and states that are said to be good or bad."""
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        return [each for name, part in found.items() for each in claims(part, f"{path}.{name}")]
    if isinstance(value, list):
        parts = cast("list[Any]", value)
        return [each for part in parts for each in claims(part, path)]
    name = path.rpartition(".")[2]
    if value is None or SET.search(name):
        return []
    if value in STATES and name != "breaker":
        return [f"{path} = {value!r}"]
    if name in ("met", "passes", "fires") and isinstance(value, bool):
        return [f"{path} = {value!r}"]
    if RATE.search(name) and isinstance(value, int | float):
        return [f"{path} = {value!r}"]
    if isinstance(value, str) and CLAIMS.search(value):
        return [f"{path} = {value!r}"]
    return []


def test_the_walk_sees_what_it_looks_for() -> None:
    bad = {"a": [{"p95_seconds": 0.0, "state": "healthy"}], "hit_rate": 1.0, "text": "met 100 % of the time"}
    assert len(claims(bad)) == 4
    assert claims({"p95_seconds": None, "state": "unknown", "samples": 0, "target": 0.99}) == []


@promise("page:unknown")
async def test_tools_and_resources_of_a_fresh_server(fresh: tuple[str, dict[str, str]]) -> None:
    async with Client(fresh[0]) as client:
        found: dict[str, list[str]] = {}
        refused: set[str] = set()
        listed = (await client.list_tools()).tools
        for tool in listed:
            result = await client.call_tool(tool.name, GIVEN.get(tool.name, {}))
            if result.is_error:  # it says what it needs, and no figure
                refused.add(tool.name)
            text = [getattr(each, "text", "") for each in result.content]
            if tool.name == "explain_routing":  # the decision does rest on what is supposed: that is to be said
                said = json.dumps(result.structured_content)
                assert "is a guess: no call of this class was seen" in said or '"expected"' not in said
                continue
            found[tool.name] = claims([result.structured_content, text])
        resources = [str(each.uri) for each in (await client.list_resources()).resources]
        for uri in resources:
            text = getattr((await client.read_resource(uri)).contents[0], "text", "")
            found[uri] = claims(json.loads(text))
        health = json.loads(getattr((await client.read_resource("support://health")).contents[0], "text", ""))
    assert {name: each for name, each in found.items() if each} == {}
    assert {each.name for each in listed} >= {each.name for each in build(Settings()).catalog} - HIDDEN
    assert "support://health" in resources
    # Those that would tell of the server itself do tell: a refusal is no "unknown".
    assert not refused & {
        "get_system_health",
        "get_cost_report",
        "get_routing_efficiency",
        "compliance_report",
        "explain_routing",
        "manage_queue",
    }
    assert len(health["components"]) == 7


@promise("page:unknown")
async def test_page_and_endpoints_of_a_fresh_server(fresh: tuple[str, dict[str, str]]) -> None:
    base = fresh[0].removesuffix("/mcp")
    picture = json.loads(await to_thread.run_sync(_got, f"{base}/status/data"))
    assert claims(picture) == []
    assert (picture["decisions"], picture["guards"], len(picture["latencies"])) == ([], {}, 7)
    assert {each["met"] for each in picture["objectives"]} == {None}
    checks = (await to_thread.run_sync(ask, base))["checks"]
    assert {each[0]["observedValue"] for each in checks.values()} == {"unknown"}
    text = await to_thread.run_sync(_got, f"{base}/metrics")
    good = [line for line in text.splitlines() if re.search(r'state="(healthy|met)"', line)]
    assert good
    assert all(line.endswith(" 0") for line in good)


def _got(url: str) -> str:
    from urllib.request import urlopen

    with urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server on loopback
        return answer.read().decode()


@promise("page:unknown")
def test_commands_without_data(fresh: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    url, env = fresh
    (nothing := tmp_path / "nothing").mkdir()
    empty = nothing / "empty.log"
    empty.touch()
    walk = [
        ["status"],
        ["status", "--url", url, "--json"],
        ["status", "--url", url],
        ["cost"],
        ["cost", "--json"],
        ["efficiency"],
        ["efficiency", "--json"],
        ["explain", "latest"],
        ["queue", "stats"],
        ["audit", "show"],
        ["audit", "verify"],
        ["compliance", "report"],
        ["flags", "show"],
        ["rollout", "status", "--state", str(tmp_path / "state")],
        ["rollout", "report", "--state", str(tmp_path / "state")],
        ["monitoring", "render", "--out", str(tmp_path / "rendered")],
        *([name, str(nothing)] for name in ("gaps", "verify-spec", "executions", "rca", "scan", "audit")),
        ["triage", str(empty)],
    ]
    known = {name for names in MODULES.values() for name in names}
    assert {arguments[0] for arguments in walk} == known - RUN_ON - ACT
    for arguments in walk:
        done = subprocess.run([*COMMAND, *arguments], env=env, capture_output=True, text=True, timeout=50, check=False)
        assert CLAIMS.findall(done.stdout) == [], (arguments, done.stdout)
        with suppress(ValueError):
            assert claims(json.loads(done.stdout)) == [], arguments
        assert "Traceback" not in done.stderr, done.stderr


@promise("page:health-resource")
async def test_a_change_of_state_is_announced(sandbox_url: str) -> None:
    env = environment(**with_bedrock(sandbox_url))
    with anyio.fail_after(40):
        process = running("serve", "--transport", "http", "--port", "0", env=env)
        _, url = await to_thread.run_sync(process.__enter__)
        try:
            async with (
                Client(url, mode="2026-07-28") as client,
                client.listen(resource_subscriptions=["support://health"]) as news,
            ):
                told(await client.call_tool("triage_incident", {"text": LOG, "operation_class": "emergency"}))
                event = await anext(aiter(news))
                assert getattr(event, "uri", None) == "support://health"
        finally:
            await to_thread.run_sync(process.__exit__, None, None, None)
