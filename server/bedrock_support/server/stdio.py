"""Stdio transport: every line gets an answer, none may be too long, and the end is always clean.

The SDK's own stdio drops malformed lines silently, has no size limit, and dies on SIGTERM without
clean-up; this one answers -32700, caps a line, and ends on a closed stdin or a signal.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import anyio
import anyio.from_thread
import anyio.lowlevel
from anyio.abc import ObjectSendStream
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

from bedrock_support.routing.clock import SystemClock
from bedrock_support.server.arrival import Arrived

MAX_LINE = 4 * 1024 * 1024
"""Bytes of one incoming message, as over HTTP."""
CHUNK = 65536
MOST_UNREAD = 16 * 1024 * 1024
"""Bytes of answers that a client may leave unread before nothing more is read from it."""
Incoming: TypeAlias = SessionMessage | Exception
_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE = re.compile(rb"(?P<kept>\\[^u]|" + _HIGH + _LOW + rb")|" + _HIGH + rb"|" + _LOW)
"""Escapes of half a UTF-16 pair; what is to stay as it is (other escapes, whole pairs) is `kept`."""


def split_lines(chunks: Iterator[bytes], limit: int = MAX_LINE) -> Iterator[bytes | None]:
    """Lines of a byte stream; None stands for one that was longer than the limit and was thrown away."""
    pending = bytearray()
    overlong = False
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            too_long = overlong or len(pending) + len(part) > limit
            yield None if too_long else bytes(pending + part)
            pending.clear()
            overlong = False
        if overlong or len(pending) + len(rest) > limit:
            overlong = True
            pending.clear()
        else:
            pending += rest
    if pending and not overlong:
        yield bytes(pending)


def parse(line: bytes | None) -> SessionMessage | JSONRPCError | None:
    """The message on a line, the error to answer with, or None for a blank line."""
    if line is None:
        return _error(INVALID_REQUEST, f"Message longer than {MAX_LINE} bytes. Send less at once, or a path")
    if not line.strip():
        return None
    try:
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValidationError:
            # Half a character cut by a client's slice is JSON all the same: the call must get its answer.
            if (whole := _LONE.sub(_mended, line)) == line:
                raise
            return SessionMessage(jsonrpc_message_adapter.validate_json(whole, by_name=False))
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors()):
            return _error(PARSE_ERROR, "Not valid JSON. Send one JSON-RPC 2.0 message per line")
        return _error(INVALID_REQUEST, "Not a JSON-RPC 2.0 message. Send jsonrpc, method and, for requests, id")


def _mended(found: re.Match[bytes]) -> bytes:
    return found["kept"] or b"\\ufffd"


def _error(code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=message))


class Outgoing:
    """Encoded messages on their way out. Whoever reads requests waits while too many answers lie unread."""

    def __init__(self, most: int = MOST_UNREAD) -> None:
        self._most = most
        self._waiting: deque[bytes | None] = deque()
        self._bytes = 0
        self._given_up = False
        self._changed = threading.Condition()

    def put(self, data: bytes | None) -> None:
        """Add a message; None ends `each`. Never waits."""
        with self._changed:
            self._waiting.append(data)
            self._bytes += len(data or b"")
            self._changed.notify_all()

    def each(self) -> Iterator[bytes]:
        """Messages in order, as they come; blocks."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                data = self._waiting.popleft()
            if data is None:
                return
            yield data
            with self._changed:  # only now has the client taken it
                self._bytes -= len(data)
                self._changed.notify_all()

    def wait_for_room(self) -> None:
        """Block while the client leaves too much unread."""
        with self._changed:
            self._changed.wait_for(lambda: self._given_up or self._bytes <= self._most)

    def give_up(self) -> None:
        """Nobody will take what waits: nobody is to wait for that either."""
        with self._changed:
            self._given_up = True
            self._waiting.clear()
            self._changed.notify_all()


@asynccontextmanager
async def stdio_streams() -> AsyncGenerator[tuple[object, object]]:
    """The process's stdin and stdout as message streams. stdout then carries nothing but messages.

    Both ends are served by daemon threads: a blocked pipe can delay neither the loop nor the exit.
    """
    wire_in, wire_out = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:  # noqa: ASYNC230 - once, before anything is served
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # a stray print goes to stderr, never into the protocol
    to_server, from_client = anyio.create_memory_object_stream[Incoming](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    outgoing = Outgoing()
    token = anyio.lowlevel.current_token()
    written = anyio.Event()
    clock = SystemClock()

    def read() -> None:
        # RuntimeError: the loop is gone, and so is everybody who could use the message.
        with suppress(RuntimeError, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            for line in split_lines(iter(lambda: os.read(wire_in, CHUNK), b"")):
                message = parse(line)
                if isinstance(message, JSONRPCError):
                    outgoing.put(_encode(message))
                elif message is not None:
                    message.metadata = ServerMessageMetadata(request_context=Arrived(clock.now()))
                    anyio.from_thread.run(to_server.send, message, token=token)
                outgoing.wait_for_room()
        with suppress(RuntimeError):
            anyio.from_thread.run(_close, to_server, token=token)

    def write() -> None:
        try:
            for data in outgoing.each():
                _write_all(wire_out, data)
        except OSError:  # nobody reads any more: what is asked from now on could be answered to nobody
            outgoing.give_up()
            with suppress(RuntimeError):
                anyio.from_thread.run(_close, to_server, token=token)
        with suppress(RuntimeError):
            anyio.from_thread.run_sync(written.set, token=token)

    async def forward() -> None:
        async with from_server:
            async for message in from_server:
                outgoing.put(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")

    threading.Thread(target=read, name="stdin", daemon=True).start()
    threading.Thread(target=write, name="stdout", daemon=True).start()
    async with anyio.create_task_group() as group:
        group.start_soon(forward)
        try:
            yield from_client, to_client
        finally:
            with anyio.move_on_after(1, shield=True):
                await to_client.aclose()
                await from_client.aclose()
                outgoing.put(None)
                await written.wait()
            group.cancel_scope.cancel()
            sys.stderr.flush()


async def _close(stream: ObjectSendStream[Incoming]) -> None:
    await stream.aclose()


def _encode(error: JSONRPCError) -> bytes:
    return error.model_dump_json(by_alias=True, exclude_none=False).encode() + b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
