"""A peer as a child process: messages line by line, none too long, not too many, and never an orphan."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

from bedrock_support.server.peers.config import Entry
from bedrock_support.server.peers.limits import Hostile, Meter, PeerLimits, printable

STDERR_KEPT = 2_000
STDERR_CHUNK = 65536
STDERR_PAUSE = 0.005
"""Seconds between reads of a stderr that never stops: its writer is slowed, not blocked, and takes no time of ours."""
OUTBOX = 2
"""Messages of full size that may wait for the process to read them."""
LAST_WORDS = 0.25
"""Seconds that an exit code and the end of stderr may lag behind a closed stdout."""
Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


class Pipes:
    """What travels between one process and one session."""

    def __init__(self, process: Process, limits: PeerLimits, meter: Meter, lost: Callable[[str], None]) -> None:
        self._process = process
        self._limits = limits
        self._meter = meter
        self._lost = lost
        self._heard = bytearray()
        self._outbox: deque[bytes] = deque()
        self._queued = 0
        self._filled = anyio.Event()
        self._to_session, self.from_peer = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        self.to_peer, self._from_session = anyio.create_memory_object_stream[SessionMessage](0)

    async def read(self) -> None:
        """stdout to the session, until it closes or the process breaks a bound."""
        with self._to_session:
            try:
                with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError, ConnectionError):
                    await self._read_lines()
                with anyio.move_on_after(LAST_WORDS):
                    await self._process.wait()
                self._lost(self._last_words())
            except Hostile as error:
                self._lost(str(error))

    async def _read_lines(self) -> None:
        pending = bytearray()
        stdout = self._process.stdout
        while stdout is not None:
            *lines, rest = (await stdout.receive()).split(b"\n")
            for line in lines:
                whole = bytes(pending + line) if pending else line
                pending.clear()
                self._bound(len(whole))
                self._meter.count(1, len(whole))
                if whole.strip():
                    await self._to_session.send(_parsed(whole))
            pending += rest
            self._bound(len(pending))

    def _bound(self, size: int) -> None:
        if size > self._limits.message:
            raise Hostile(f"it sent a message of more than {self._limits.message} bytes")

    async def accept(self) -> None:
        """Take what the session sends at once: whoever calls must never wait for a process that doesn't read."""
        with self._from_session:
            async for message in self._from_session:
                line = message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
                self._queued += len(line)
                if self._queued > OUTBOX * self._limits.message:
                    self._lost("it stopped reading what it is sent")
                    return
                self._outbox.append(line)
                self._filled.set()

    async def write(self) -> None:
        """The outbox to stdin."""
        stdin = self._process.stdin
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            while stdin is not None:
                while self._outbox:
                    line = self._outbox.popleft()
                    await stdin.send(line)
                    self._queued -= len(line)
                self._filled = anyio.Event()
                await self._filled.wait()
        self._lost(self._last_words())

    async def listen(self) -> None:
        """Drain stderr; its last words are kept for the health report and go nowhere else."""
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            while self._process.stderr is not None:
                said = await self._process.stderr.receive(STDERR_CHUNK)
                self._heard += said
                del self._heard[:-STDERR_KEPT]
                if len(said) > STDERR_KEPT:
                    await anyio.sleep(STDERR_PAUSE)

    def _last_words(self) -> str:
        code = self._process.returncode
        said = printable(self._heard.decode(errors="replace"), STDERR_KEPT)[-200:]
        how = "its process closed the connection" if code is None else f"its process ended with exit code {code}"
        return f"{how}, saying: {said}" if said else how

    def close(self) -> None:
        for stream in (self._to_session, self.from_peer, self.to_peer, self._from_session):
            stream.close()


@asynccontextmanager
async def child(entry: Entry, limits: PeerLimits, meter: Meter, lost: Callable[[str], None]) -> AsyncGenerator[Streams]:
    """The process's message streams. The process, and whatever it started in its group, ends with the block.

    It gets the SDK's reduced environment and what its entry names, nothing else of ours. `lost` is told, possibly more
    than once, why the connection is of no more use.

    Raises:
        OSError: the process can't be started.
    """
    process = await anyio.open_process(
        [entry.command or "", *entry.args],
        env={**get_default_environment(), **entry.env},
        cwd=entry.cwd,
        start_new_session=True,
    )
    # No await up to the try: a cancellation in between would leave the process behind.
    pipes = Pipes(process, limits, meter, lost)
    try:
        async with anyio.create_task_group() as group:
            for work in (pipes.read, pipes.accept, pipes.write, pipes.listen):
                group.start_soon(work)
            yield pipes.from_peer, pipes.to_peer
            group.cancel_scope.cancel()
    finally:
        pipes.close()
        with anyio.CancelScope(shield=True):
            await _end(process, limits.grace)


def _parsed(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError:
        return ValueError("a line that is no JSON-RPC message")


async def _end(process: Process, grace: float) -> None:
    """Close its input, then tell its group to end, then kill it; every wait is bounded.

    Order after the specification's shutdown of stdio servers (2025-11-25, basic/lifecycle).
    """
    if process.stdin is not None:
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await process.stdin.aclose()
    if not await _ended(process, grace):
        _tell_group(process.pid, signal.SIGTERM)
        await _ended(process, grace)
    _tell_group(process.pid, signal.SIGKILL)  # also what it left behind in its group
    await _ended(process, grace)
    with anyio.move_on_after(grace):
        await process.aclose()
    await _hear(process, grace)


async def _hear(process: Process, seconds: float) -> None:
    """Take note of a broken pipe: asyncio keeps its error for whoever waits, and complains where nobody does."""
    writer: Any = getattr(process.stdin, "_stream", None)  # anyio hands no other way to it on
    if writer is not None:
        with anyio.move_on_after(seconds), suppress(OSError):
            await writer.wait_closed()


async def _ended(process: Process, seconds: float) -> bool:
    with anyio.move_on_after(seconds):
        await process.wait()
    return process.returncode is not None


def _tell_group(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, what)
