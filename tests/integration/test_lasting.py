"""A server that is killed: its open questions, its decisions and its experience are there for the next one."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

from tests.promises import promise
from tests.rig import COMMAND, Running, environment, running, told, words

ANSWER: dict[str, Any] = {"summary": "the database is down (E1)", "causes": [], "next_steps": []}


def served(root: Path) -> tuple[str, ...]:
    return ("serve", "--transport", "http", "--port", "0", "--root", str(root))


def kill(server: Running) -> None:
    server.process.kill()
    server.process.wait(10)


async def written(file: Path, decision: str) -> None:
    """Wait until the decision is on disk: it is told a moment before."""

    def there() -> bool:
        with closing(sqlite3.connect(file)) as base:
            return base.execute("SELECT 1 FROM decisions WHERE id = ?", (decision,)).fetchone() is not None

    while not await anyio.to_thread.run_sync(there):  # noqa: ASYNC110 - another process's work
        await anyio.sleep(0.05)


def explained(decision: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "explain", decision, "--json"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=50, check=False)


@promise("lasting:handoff", "lasting:decisions")
@pytest.mark.timeout(160)
async def test_questions_and_decisions_outlive_kill_nine_and_are_answered_by_another_server(
    log_root: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    env = environment(BEDROCK_SUPPORT_STORE=str(store))
    with anyio.fail_after(150), running(*served(log_root), env=env) as (_, other):
        with running(*served(log_root), env=env) as (server, url):
            async with Client(url) as client:
                asked = [told(await client.call_tool("triage_incident", {"path": "shop.log"})) for _ in range(2)]
                await written(store / "lasting.db", asked[1]["decision_id"])
                kill(server)
        first, second = (each["handoff"]["handoff_id"] for each in asked)
        async with Client(other) as client:
            taken = await client.call_tool("complete_handoff", {"handoff_id": first, "answer": ANSWER})
            assert told(taken)["decision_id"] == asked[0]["decision_id"]
            again = await client.call_tool("complete_handoff", {"handoff_id": first, "answer": ANSWER})
            assert again.is_error
            assert "no open question" in words(again)
            past = told(await client.call_tool("explain_routing", {"decision_id": asked[1]["decision_id"]}))
            assert past["ended"] == "handed_over"
        with running(*served(log_root), env=env) as (_, url):
            async with Client(url) as client:
                assert told(await client.call_tool("complete_handoff", {"handoff_id": second, "answer": ANSWER}))
                resource = await client.read_resource(f"support://decisions/{asked[0]['decision_id']}")
                assert json.loads(getattr(resource.contents[0], "text", ""))["id"] == asked[0]["decision_id"]
        outside = await anyio.to_thread.run_sync(explained, asked[1]["decision_id"], env)
        assert outside.returncode == 0, outside.stderr
        assert json.loads(outside.stdout)["decision_id"] == asked[1]["decision_id"]
        latest = await anyio.to_thread.run_sync(explained, "latest", env)
        assert latest.returncode == 0, latest.stderr
        unknown = await anyio.to_thread.run_sync(explained, "d-none", env)
        assert (unknown.returncode, "d-none" in unknown.stderr) == (1, True)
