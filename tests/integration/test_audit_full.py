"""Servers whose trail can't be written: a disk that is full, a trail that is held or shut. Nothing leaves then."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client, StdioServerParameters

from bedrock_support.server.sandbox.emulator import open_sandbox
from tests.integration.test_audit import command
from tests.promises import promise
from tests.rig import COMMAND, LOG, connect, environment, told, with_bedrock

BLOCKS = 400
"""Of 512 bytes: room for the trail's tables and some records, and then no more."""
MOST = 100
"""Calls after which the trail must have been full."""


@asynccontextmanager
async def limited(blocks: int, root: Path, env: dict[str, str]) -> AsyncGenerator[Client]:
    """A server whose files may not grow beyond a size, as on a disk that is full."""
    script = f'ulimit -f {blocks} && exec "$@"'
    served = [*COMMAND, "serve", "--root", str(root)]
    parameters = StdioServerParameters(command="sh", args=["-c", script, "sh", *served], env=env)
    async with Client(parameters, mode="legacy") as client:
        yield client


@promise("audit:fails-closed", "audit:full-disk")
async def test_on_a_full_disk_nothing_leaves_not_even_an_emergency(tmp_path: Path) -> None:
    env = environment(BEDROCK_SUPPORT_AUDIT=str(tmp_path / "trail"), BEDROCK_SUPPORT_CACHE="off")
    asked = {"text": LOG, "operation_class": "emergency"}
    async with open_sandbox() as sandbox:
        answers: list[dict[str, Any]] = []
        async with limited(BLOCKS, tmp_path, env | with_bedrock(sandbox.url)) as client:
            while not answers or answers[-1]["status"] == "ok":
                assert len(answers) < MOST
                answers.append(told(await client.call_tool("triage_incident", asked)))
            sent = len(sandbox.calls)
            refused = told(await client.call_tool("triage_incident", asked))
            standard = told(await client.call_tool("triage_incident", {**asked, "operation_class": "standard"}))
        assert len(sandbox.calls) == sent, "nothing left"
    for result in (refused, standard):
        assert result["status"] == "degraded"
        assert "nothing may leave without an audit entry" in result["model"]["not_used_reason"]
        assert "ulimit -f" in result["model"]["not_used_reason"]
        assert "could not connect to database" in json.dumps(result["findings"])
    verified = await anyio.to_thread.run_sync(command, env, "verify")
    assert verified.stdout.startswith("good: "), "what was acknowledged is whole"
    opened = [each for each in await anyio.to_thread.run_sync(exported, env) if each["type"] == "opened"]
    assert len(opened) >= sent, "every question that left has its entry"


@promise("audit:fails-closed")
@pytest.mark.parametrize("op_class", ["emergency", "implementation"])
async def test_a_trail_that_others_hold_or_that_may_not_be_written_lets_nothing_leave(
    tmp_path: Path, op_class: str
) -> None:
    env = environment(BEDROCK_SUPPORT_AUDIT=str(tmp_path / "trail"))
    asked = {"text": LOG, "operation_class": op_class}
    async with open_sandbox() as sandbox:
        async with connect("stdio", "legacy", root=tmp_path, env=env | with_bedrock(sandbox.url)) as client:
            assert told(await client.call_tool("triage_incident", asked))["status"] == "ok"
            sent = len(sandbox.calls)
            holder = sqlite3.connect(tmp_path / "trail" / "log.db", isolation_level=None)
            try:
                holder.execute("BEGIN IMMEDIATE")
                began = time.monotonic()
                held = told(await client.call_tool("triage_incident", asked))
                took = time.monotonic() - began
            finally:
                holder.close()
            assert "Another process held it" in held["model"]["not_used_reason"]
            assert took < 5.0
            assert len(sandbox.calls) == sent
            assert told(await client.call_tool("triage_incident", asked))["status"] == "ok"
        async with limited(0, tmp_path, env | with_bedrock(sandbox.url)) as client:
            sent = len(sandbox.calls)
            shut = told(await client.call_tool("triage_incident", asked))
            assert "nothing may leave without an audit entry" in shut["model"]["not_used_reason"]
            assert len(sandbox.calls) == sent


def exported(env: dict[str, str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in command(env, "export").stdout.splitlines()]
