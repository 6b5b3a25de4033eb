"""A front that asks for tokens: strangers stay out, holders keep their sessions, rollouts show a token too."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
from anyio import to_thread

from tests.integration.test_access import client
from tests.promises import promise
from tests.rig import COMMAND, LOG, Running, environment, told

ANNA, BEN = "t0ken-" + "a" * 40, "t0ken-" + "b" * 40
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "anna", "version": "1"}},
}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


def shown(token: str, session: str = "") -> dict[str, str]:
    headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    return headers | ({"mcp-session-id": session} if session else {})


def rollout(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "rollout", *arguments, "--state", str(folder)]
    return subprocess.run(command, env=environment(**env), capture_output=True, text=True, check=False, timeout=120)


def holding(folder: Path, tokens: tuple[str, ...]) -> list[str]:
    """Files in which a token stands."""
    files = [(each.name, each.read_bytes()) for each in folder.rglob("*") if each.is_file()]
    return [name for name, content in files if any(token.encode() in content for token in tokens)]


@promise("access:front", "access:sessions")
async def test_holders_are_served_and_keep_their_sessions_while_workers_are_replaced(tmp_path: Path) -> None:
    env = environment(BEDROCK_SUPPORT_TOKENS=f"anna:{ANNA},ben:{BEN}")
    front = Running(["front", "--state", str(tmp_path), "--port", "0"], env)
    try:
        url = await to_thread.run_sync(front.url)
        status = url.replace("/mcp", "/front/status")
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            for headers in ({}, {"authorization": f"Bearer {ANNA}x"}):
                for answer in (
                    await http.post(url, json=HELLO, headers=headers),
                    await http.get(status, headers=headers),
                ):
                    assert answer.status_code == 401
                    assert answer.headers["www-authenticate"].startswith("Bearer ")

            async def workers() -> list[dict[str, Any]]:
                return (await http.get(status, headers=shown(ANNA))).json()["workers"]

            while not any(each["state"] == "ready" for each in await workers()):
                assert front.process.poll() is None
            opened = await http.post(url, json=HELLO, headers=shown(ANNA))
            assert opened.status_code == 200
            session = opened.headers["mcp-session-id"]
            # To another holder it doesn't exist, and can't be ended.
            assert (await http.post(url, json=LIST, headers=shown(BEN, session))).status_code == 404
            assert (await http.delete(url, headers=shown(BEN, session))).status_code == 404
            assert (await http.post(url, json=LIST, headers=shown(ANNA, session))).status_code == 200

            before = {each["pid"] for each in await workers()}
            blind = json.loads((await to_thread.run_sync(lambda: rollout(tmp_path, "status", "--json"))).stdout)
            assert blind["front"] is None
            assert "BEDROCK_SUPPORT_TOKENS" in blind["front_problem"]
            seeing = await to_thread.run_sync(
                lambda: rollout(tmp_path, "rollback", "partial", BEDROCK_SUPPORT_TOKENS=BEN)
            )
            assert {each["pid"] for each in await workers()}.isdisjoint(before), seeing.stderr
            # Opened anew on the new worker with what anna showed when she opened it.
            assert (await http.post(url, json=LIST, headers=shown(ANNA, session))).status_code == 200
        async with client(url, "http", "2026-07-28", BEN) as known:
            assert told(await known.call_tool("triage_incident", {"text": LOG}))["findings"]
        asked = await to_thread.run_sync(lambda: rollout(tmp_path, "status", "--json", BEDROCK_SUPPORT_TOKENS=ANNA))
        assert json.loads(asked.stdout)["front"]["workers"], asked.stdout
        assert ANNA not in "".join(front.said)
    finally:
        await to_thread.run_sync(front.end)
    assert await to_thread.run_sync(holding, tmp_path, (ANNA, BEN)) == []
    with closing(sqlite3.connect(tmp_path / "evidence.sqlite")) as db:
        problems = [row[0] for row in db.execute("SELECT problem FROM calls WHERE problem LIKE '%401%'")]
    assert problems == []  # who isn't known is no sample of a gate
