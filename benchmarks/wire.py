"""MCP over stdio with nothing but pipes and JSON: a client that costs next to nothing itself."""

from __future__ import annotations

import atexit
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[1]
LIMIT = 60.0
"""Seconds one answer may take."""
END = 5.0
"""Seconds a server may take to end once its stdin is closed."""
CLIENT = {"name": "benchmark", "version": "0"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = ("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT})
DISCOVER = ("server/discover", {"_meta": META})


class Refused(RuntimeError):
    """The server answered with an error, or not at all."""


class StdioServer:
    """A server as a child process, ended by its id when the block is left."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout
        self._pending = b""
        self._last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in.close()
        try:
            self.process.wait(END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(END)
        self._out.close()

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One request and its result.

        Raises:
            Refused: an error came back, the server ended, or nothing came within LIMIT.
        """
        self._last += 1
        self._send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        deadline = time.perf_counter() + LIMIT
        while True:
            message = json.loads(self._line(deadline))
            if message.get("id") != self._last or "method" in message:
                continue
            if "result" not in message:
                raise Refused(f"{method}: {message.get('error')}")
            return message["result"]

    def shake_hands(self) -> None:
        """The handshake of the older revisions."""
        self.ask(*INITIALIZE)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _send(self, message: Mapping[str, Any]) -> None:
        self._in.write(json.dumps(message).encode() + b"\n")

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._pending:
            left = deadline - time.perf_counter()
            if left <= 0 or not select.select([self._out], [], [], left)[0]:
                raise Refused(f"no answer within {LIMIT} s")
            read = os.read(self._out.fileno(), 1 << 16)
            if not read:
                raise Refused(f"the server ended with {self.process.wait(END)}")
            self._pending += read
        line, self._pending = self._pending.split(b"\n", 1)
        return line


STATE = tempfile.mkdtemp(prefix="bedrock-support-state-")
"""Where measured servers keep their audit trail."""
atexit.register(shutil.rmtree, STATE, ignore_errors=True)


def environment(endpoint: str | None = None) -> dict[str, str]:
    """This process's environment without anything that would configure a server, plus a pretended AWS account."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "BEDROCK_SUPPORT_", "ENABLE_", "OTEL_"))
    }
    pretended = {
        "XDG_STATE_HOME": STATE,
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        # What is measured is asking: the same question again would be answered from memory.
        "ENABLE_PERFORMANCE_OPTIMIZATION": "false",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return kept | pretended | ({"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": endpoint} if endpoint else {})


def python(*arguments: str) -> list[str]:
    """A command for the Python that runs the benchmark."""
    return [sys.executable, *arguments]


@contextmanager
def listening(*arguments: str, env: Mapping[str, str]) -> Generator[tuple[str, int]]:
    """A command of the product that listens, as its URL and id; ended by its id.

    Raises:
        Refused: it ended, or announced no address within LIMIT.
    """
    with tempfile.TemporaryFile("w+") as said:
        command = python("-m", "bedrock_support.server", *arguments)
        child = subprocess.Popen(
            command, cwd=ROOT, env=dict(env), stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True
        )
        try:
            yield _announced(child, said.fileno()), child.pid
        finally:
            child.terminate()
            try:
                child.wait(END)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _announced(child: subprocess.Popen[str], said: int) -> str:
    until = time.perf_counter() + LIMIT
    while time.perf_counter() < until:
        words = os.pread(said, 100_000, 0).decode()
        if "http://" in words and words.endswith("\n"):
            return words[words.index("http://") :].split()[0]
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise Refused(f"ended with {child.returncode}: {words}")
    raise Refused("no address was announced")
