"""The product's peers on upstreams of peer_rig, and a process that owns some: `python -m tests.peer_rig_pool FILE`."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import psutil
from mcp.types import CallToolResult, TextContent

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.errors import RouteError
from bedrock_support.server.peers.bridge import CallerSide, Clean, scrubbed
from bedrock_support.server.peers.config import load_peers
from bedrock_support.server.peers.limits import PeerLimits
from bedrock_support.server.peers.peer import Peer
from bedrock_support.server.peers.pool import PeerPool
from bedrock_support.server.peers.web import Resolve, resolve

CLOCK = SystemClock()


Entries = Mapping[str, Mapping[str, Any]]


def written(folder: Path, entries: Entries) -> Path:
    """A file of peers."""
    path = folder / "peers.json"
    path.write_text(json.dumps({"mcpServers": dict(entries)}), encoding="utf-8")
    return path


class ByText:
    """Scrubs by a function of a text alone."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self.originals: dict[str, str] = {}

    def redact(self, text: str) -> str:
        return self._clean(text)

    def redact_value(self, value: Any, name: str = "") -> Any:
        return scrubbed(value, self._clean)


@asynccontextmanager
async def peers(
    folder: Path,
    entries: Entries,
    *,
    clean: Clean = str,
    gated: bool = False,
    limits: PeerLimits | None = None,
    look_up: Resolve = resolve,
) -> AsyncGenerator[PeerPool]:
    """A running pool of the entries, closed at the end; `gated` with the gate's own redaction."""
    configs = await anyio.to_thread.run_sync(load_peers, written(folder, entries), dict[str, str]())
    pool = PeerPool(
        configs,
        clock=CLOCK,
        entropy=SystemEntropy(),
        scrub=None if gated else lambda: ByText(clean),
        limits=limits,
        look_up=look_up,
    )
    async with anyio.create_task_group() as group:
        pool.start(group)
        try:
            yield pool
        finally:
            with anyio.CancelScope(shield=True):
                await pool.aclose()


async def say(
    peer: Peer, text: str = "hi", *, tool: str = "echo", seconds: float = 10.0, caller: CallerSide | None = None
) -> str:
    """What a tool that takes a text answers."""
    result = await peer.call(tool, {"text": text}, deadline=CLOCK.now() + seconds, caller=caller)
    return text_of(result)


async def fails(peer: Peer, *, seconds: float = 10.0) -> RouteError:
    """How a call of `echo` fails."""
    try:
        answer = await say(peer, seconds=seconds)
    except RouteError as error:
        return error
    raise AssertionError(answer)


def text_of(result: CallToolResult) -> str:
    """The text of a result that is no error."""
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    assert not result.is_error, text
    return text


def lines(path: Path) -> list[str]:
    """What `--count` has left so far."""
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def alive(pids: list[str]) -> list[int]:
    """Which of the processes still run."""
    return [int(each) for each in pids if each.isdigit() and psutil.pid_exists(int(each))]


async def until(condition: Any, seconds: float = 10.0) -> None:
    """Wait for something that another process does, and that tells nobody when."""
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.01)


async def own(path: Path) -> None:
    """Call every peer once, say so, and end on SIGTERM."""
    pool = PeerPool(
        await anyio.to_thread.run_sync(load_peers, path, dict[str, str]()), clock=CLOCK, entropy=SystemEntropy()
    )
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async with anyio.create_task_group() as group:
            pool.start(group)
            for peer in pool.peers.values():
                await say(peer)
            print("ready", flush=True)
            async for _ in signals:
                group.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(own, Path(sys.argv[1]))
