"""Clients for a load on the product, and what it says and costs meanwhile."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import psutil
from mcp import Client
from mcp.types import TextResourceContents


@asynccontextmanager
async def connected(url: str, number: int) -> AsyncGenerator[list[Client]]:
    """So many clients of one server."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Client(url)) for _ in range(number)]


async def guard(client: Client) -> Mapping[str, object]:
    """The server's own word on the direct route."""
    read = (await client.read_resource("support://health")).contents[0]
    assert isinstance(read, TextResourceContents)
    guards: dict[str, dict[str, object]] = json.loads(read.text)["guards"]
    return next((each for name, each in guards.items() if name.startswith("direct")), dict[str, object]())


def cpu(pid: int) -> float:
    """Seconds of processor that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
