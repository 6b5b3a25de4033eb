"""Several servers that follow one flags file: flips, when each saw them, and what calls meanwhile were decided on."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.types import TextResourceContents

from bedrock_support.routing.clock import SystemClock
from bedrock_support.server.flag_file import FlagFile
from bedrock_support.server.settings import FLAG_NAMES
from tests.rig import environment, running

ASK_EVERY = 0.02
PATIENCE = 10.0
"""Seconds after which a server that hasn't seen a flip counts as one that never will."""


@dataclass(slots=True, kw_only=True)
class Flips:
    """What came of them. Times in seconds from the moment when the writer was told that its change is on the disk."""

    lags: list[float] = field(default_factory=list[float])
    """Each server's, of each flip."""
    mixed: int = 0
    """Snapshots, of servers and of calls, in which the five flags, always switched together, weren't equal."""
    calls: int = 0
    """Made meanwhile."""
    answered: int = 0
    failed: int = 0
    """Calls that ended in an error: without a model, local findings still come."""


@contextmanager
def servers(count: int, folder: Path, **env: str) -> Generator[tuple[FlagFile, list[str]]]:
    """So many servers over HTTP that follow one file, and their URLs."""
    path = folder / "flags.json"
    told = environment(BEDROCK_SUPPORT_FLAGS=str(path), BEDROCK_SUPPORT_AUDIT="off", **env)
    del told["ENABLE_PERFORMANCE_OPTIMIZATION"]
    serve = ("serve", "--transport", "http", "--port", "0", "--root", str(folder))
    with ExitStack() as stack:
        urls = [stack.enter_context(running(*serve, env=told))[1] for _ in range(count)]
        yield FlagFile(path, SystemClock()), urls


async def read(client: Client, uri: str) -> dict[str, Any]:
    """A JSON resource of one server, as it is now."""
    (content,) = (await client.read_resource(uri, cache_mode="bypass")).contents
    assert isinstance(content, TextResourceContents)
    return json.loads(content.text)


class Flipper:
    """Switches all five flags together, each time when every server saw the last; with calls meanwhile."""

    def __init__(self, file: FlagFile, urls: list[str]) -> None:
        self.found = Flips()
        self._file = file
        self._urls = urls
        self._turn = anyio.Condition()
        self._left = 0
        self._wanted, self._began = "", 0.0

    async def run(self, count: int, log: Path) -> Flips:
        """So many flips, while triage_incident is called with `log` on every server without a pause."""
        async with anyio.create_task_group() as group:
            for url in self._urls:
                group.start_soon(self._follow, url)
                group.start_soon(self._call, url, str(log))
            for number in range(count):
                await self._flip(on=number % 2 == 1)
            group.cancel_scope.cancel()
        return self.found

    async def _flip(self, *, on: bool) -> None:
        async with self._turn:
            told = await anyio.to_thread.run_sync(self._file.write, dict.fromkeys(FLAG_NAMES.values(), on))
            self._left, self._wanted, self._began = len(self._urls), told.revision, time.monotonic()
            self._turn.notify_all()
            while self._left:
                await self._turn.wait()

    async def _follow(self, url: str) -> None:
        seen = ""
        async with Client(url, mode="legacy") as client:
            while True:
                async with self._turn:
                    while self._wanted == seen:
                        await self._turn.wait()
                    seen, began = self._wanted, self._began
                with anyio.move_on_after(PATIENCE):
                    while not await self._saw(client, seen):  # noqa: ASYNC110 - the server tells nobody of it
                        await anyio.sleep(ASK_EVERY)
                self.found.lags.append(time.monotonic() - began)
                async with self._turn:
                    self._left -= 1
                    self._turn.notify_all()

    async def _saw(self, client: Client, revision: str) -> bool:
        said = await read(client, "support://health")
        self.found.mixed += len(set(said["flags"].values())) != 1
        return said["flags_source"]["revision"] == revision

    async def _call(self, url: str, log: str) -> None:
        async with Client(url, mode="legacy") as client:
            while True:
                result = await client.call_tool("triage_incident", {"path": log, "operation_class": "emergency"})
                self.found.calls += 1
                if result.is_error or result.structured_content is None:
                    self.found.failed += 1
                    continue
                decision = await read(client, f"support://decisions/{result.structured_content['decision_id']}")
                flags = set(decision["flags"].values())
                # On, the sandbox answers; off, nobody is asked. An answer on the wrong side would be half a flip too.
                right = decision["ended"] == ("answered" if flags == {True} else "failed")
                self.found.mixed += len(flags) != 1 or not right
                self.found.answered += decision["ended"] == "answered"
