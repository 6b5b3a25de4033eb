"""A server that asks for tokens, met by the official client, by a stranger and by the command status."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import pytest
from anyio import to_thread
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.promises import promise
from tests.rig import COMMAND, LOG, environment, running, told

TOKEN = "t0ken-" + "a" * 40


@asynccontextmanager
async def client(url: str, transport: str, era: str, token: str) -> AsyncGenerator[Client]:
    """The official client with a token in its headers."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http:
        target = (
            sse_client(url, headers=headers) if transport == "sse" else streamable_http_client(url, http_client=http)
        )
        async with Client(target, mode=era) as opened:
            yield opened


def status(url: str, **env: str) -> subprocess.CompletedProcess[str]:
    base = url.rpartition("/")[0]
    command = [*COMMAND, "status", "--url", base, "--json"]
    return subprocess.run(command, env=environment(**env), capture_output=True, text=True, check=False, timeout=60)


@promise("access:clients", "access:status")
@pytest.mark.parametrize(("transport", "eras"), [("http", ("legacy", "2026-07-28")), ("sse", ("legacy",))])
async def test_who_shows_a_token_is_served_and_who_does_not_gets_401(transport: str, eras: tuple[str, ...]) -> None:
    env = environment(BEDROCK_SUPPORT_TOKENS=f"anna:{TOKEN}")
    with running("serve", "--transport", transport, "--port", "0", env=env) as (_, url):
        for era in eras:
            async with client(url, transport, era, TOKEN) as known:
                assert told(await known.call_tool("triage_incident", {"text": LOG}))["findings"]
            with pytest.raises((MCPError, httpx2.HTTPStatusError, BaseExceptionGroup)):
                async with client(url, transport, era, TOKEN + "x") as unknown:
                    await unknown.list_tools()
        async with httpx2.AsyncClient(trust_env=False) as stranger:
            for shown in ({}, {"authorization": f"Bearer {TOKEN}x"}):
                answer = await stranger.post(url, json={}, headers=shown)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"].startswith("Bearer ")
        ran = await to_thread.run_sync(lambda: status(url))
        assert ran.returncode == 3
        assert "BEDROCK_SUPPORT_TOKENS" in json.loads(ran.stdout)["output"]
        ran = await to_thread.run_sync(lambda: status(url, BEDROCK_SUPPORT_TOKENS=TOKEN))
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert len(json.loads(ran.stdout)["checks"]) == 7


@promise("access:settings")
def test_a_token_that_is_too_short_ends_the_start_without_being_shown() -> None:
    env = environment(BEDROCK_SUPPORT_TOKENS="tooshort")
    command = [*COMMAND, "serve", "--transport", "http", "--port", "0"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert "BEDROCK_SUPPORT_TOKENS, token 1" in ran.stderr
    assert "tooshort" not in ran.stderr


@promise("access:settings")
def test_a_front_doesnt_start_with_a_token_that_is_too_short(tmp_path: str) -> None:
    env = environment(BEDROCK_SUPPORT_TOKENS="tooshort")
    command = [*COMMAND, "front", "--state", str(tmp_path), "--port", "0"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert "BEDROCK_SUPPORT_TOKENS, token 1" in ran.stderr
    assert "tooshort" not in ran.stderr
