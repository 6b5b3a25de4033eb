"""Background questions outlive the route that could not take them, and the server that accepted them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

from tests.integration.test_under_faults import set_fault
from tests.promises import promise
from tests.rig import Running, environment, running, told, with_bedrock

BRIEF = {"path": "shop.log", "operation_class": "background"}


def served(root: Path) -> tuple[str, ...]:
    return ("serve", "--transport", "http", "--port", "0", "--root", str(root))


def with_queue(box: str, folder: Path) -> dict[str, str]:
    """Only the direct route is open, and what it can't take may wait."""
    file = str(folder / "queue.db")
    return environment(BEDROCK_SUPPORT_QUEUE=file, BEDROCK_SUPPORT_CALLER_MODEL="false", **with_bedrock(box))


async def result_of(client: Client, message: str) -> dict[str, Any]:
    found = told(await client.call_tool("manage_queue", {"action": "result", "message_id": message}))
    return found["messages"][0]


async def answered(client: Client, message: str) -> Mapping[str, Any]:
    while (found := await result_of(client, message))["state"] != "done":  # noqa: ASYNC110 - another process's work
        await anyio.sleep(0.2)
    return json.loads(found["result"])


def kill(server: Running) -> None:
    server.process.kill()
    server.process.wait(10)


@promise("queue:background", "queue:survives-server")
@pytest.mark.parametrize("when", ["while it waits", "while it is asked"])
async def test_a_question_is_answered_after_the_server_was_killed(when: str, log_root: Path, tmp_path: Path) -> None:
    with anyio.fail_after(55), running("sandbox", "--port", "0", env=environment()) as (_, box):
        env = with_queue(box, tmp_path)
        await anyio.to_thread.run_sync(partial(set_fault, box, "service_unavailable"))
        with running(*served(log_root), env=env) as (server, url):
            async with Client(url) as client:
                first = told(await client.call_tool("triage_incident", BRIEF))
                again = told(await client.call_tool("triage_incident", BRIEF))
                assert first["status"] == "queued"
                message = first["model"]["queued_id"]
                assert again["model"]["queued_id"] == message, "the same question waits once"
                assert first["findings"]
                if when == "while it is asked":
                    await anyio.to_thread.run_sync(partial(set_fault, box, "hang"))
                    while (await result_of(client, message))["state"] != "leased":  # noqa: ASYNC110
                        await anyio.sleep(0.1)
                kill(server)
        await anyio.to_thread.run_sync(partial(set_fault, box, None))
        with running(*served(log_root), env=env) as (_, url):
            async with Client(url) as client:
                found = await answered(client, message)
                assert found["text"]
                assert found["simulated"] is True


@promise("queue:background")
async def test_an_id_that_was_never_given_has_no_result(log_root: Path, tmp_path: Path) -> None:
    env = with_queue("http://127.0.0.1:9", tmp_path)
    with anyio.fail_after(30), running(*served(log_root), env=env) as (_, url):
        async with Client(url) as client:
            refused = await client.call_tool("manage_queue", {"action": "result", "message_id": "m-1"})
    assert refused.is_error
