"""Starting the product as its users do: the command in a process of its own, on loopback, ended by pid."""

from __future__ import annotations

import atexit
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal

from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.types import CallToolResult

Transport = Literal["stdio", "http", "sse"]
Era = Literal["legacy", "2026-07-28"]
COMMAND = [sys.executable, "-m", "bedrock_support.server"]
WAIT = 120.0
STATE = tempfile.mkdtemp(prefix="bedrock-support-state-")
"""Where the servers of this run keep their audit trail: one for all, as several servers of one user have it."""
atexit.register(shutil.rmtree, STATE, ignore_errors=True)
LOG = """\
2026-11-23T14:00:00Z INFO shop started
2026-11-23T14:00:01Z INFO order 1 placed
2026-11-23T14:00:02Z INFO order 2 placed
2026-11-23T14:02:00Z ERROR could not connect to database: connection refused
2026-11-23T14:02:01Z ERROR could not connect to database: connection refused
2026-11-23T14:02:02Z FATAL giving up
"""


def environment(**extra: str) -> dict[str, str]:
    """The machine's environment without anything that would reach AWS or a collector.

    Without the optimizer too: a test that asks the same twice would otherwise get the first answer again.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "OTEL_", "BEDROCK_"))}
    ours = {
        # As in an activated environment: a project's tests are run with the python on PATH.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "ENABLE_PERFORMANCE_OPTIMIZATION": "false",
        "XDG_STATE_HOME": STATE,
    }
    return kept | ours | extra


def with_bedrock(url: str) -> dict[str, str]:
    """Environment that sends the direct route to a sandbox."""
    return {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
    }


class Running:
    """A process of the product and what it says on stderr."""

    def __init__(self, arguments: list[str], env: Mapping[str, str], stdin: int | None = None) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=dict(env),
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            self._lines.put(line)

    def line(self) -> str:
        """The next line that it says."""
        return self._lines.get(timeout=WAIT)

    def url(self) -> str:
        """Wait for the announcement and take the address from it."""
        while True:
            line = self.line()
            if "http://" in line:
                return line[line.index("http://") :].split()[0]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Signal the process, by its pid, and wait for its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                if pipe is not None:
                    pipe.close()


@contextmanager
def running(*arguments: str, env: Mapping[str, str]) -> Generator[tuple[Running, str]]:
    """A listening process and its URL."""
    process = Running(list(arguments), env)
    try:
        yield process, process.url()
    finally:
        process.end()


@asynccontextmanager
async def connect(
    transport: Transport, era: Era, *, root: Path, env: Mapping[str, str], url: str = "", **callbacks: Any
) -> AsyncGenerator[Client]:
    """The official client on any transport: over stdio with a server of its own, else to `url`."""
    target: Any
    if transport == "stdio":
        target = StdioServerParameters(
            command=COMMAND[0], args=[*COMMAND[1:], "serve", "--root", str(root)], env=dict(env)
        )
    else:
        target = sse_client(url) if transport == "sse" else url
    async with Client(target, mode=era, **callbacks) as client:
        yield client


def told(result: CallToolResult) -> dict[str, Any]:
    """The structured result of a call that went well."""
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def words(result: CallToolResult) -> str:
    """The text of a result."""
    return "\n".join(getattr(block, "text", "") for block in result.content)
