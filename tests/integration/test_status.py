"""A real server over HTTP, asked by the command and by the tool."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio import to_thread

from bedrock_support.server.http import bind, security, serve_app
from bedrock_support.server.settings import load
from bedrock_support.server.status_cli import ask
from bedrock_support.server.wiring import build
from tests.promises import promise


@promise("health:status")
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_status_of_a_running_server(transport: str) -> None:
    house = build(load({}))
    guard = security()
    app = house.server.http_app(guard) if transport == "http" else house.server.sse_application(guard)
    urls: list[str] = []
    stop, up = anyio.Event(), anyio.Event()

    def announce(url: str) -> None:
        urls.append(url)
        up.set()

    found: dict[str, Any] = {}
    async with anyio.create_task_group() as group:
        group.start_soon(serve_app, app, bind("127.0.0.1", 0), announce, stop)
        await up.wait()
        found |= await to_thread.run_sync(ask, urls[0])
        stop.set()
    await house.aclose()

    assert found["status"] == "warn"
    assert len(found["checks"]) == 7
    assert {check[0]["observedValue"] for check in found["checks"].values()} == {"unknown"}
