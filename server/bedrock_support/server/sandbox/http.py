"""One HTTP connection of the sandbox, with the power to hang it, drip it, cut it or reset it."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import anyio
import h11
from anyio.abc import SocketAttribute, SocketStream

CHUNK = 65536
MAX_BODY = 25_000_000
SIMULATED = ("x-bedrock-support-simulated", "true")
FOREVER = 3600.0
"""Seconds: longer than any caller waits, yet bounded."""


class Dropped(Exception):
    """The connection was cut on purpose; nothing more may be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A whole request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """HTTP/1.1 with keep-alive over one stream."""

    def __init__(self, stream: SocketStream, number: int) -> None:
        self.number = number
        self._stream = stream
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=CHUNK)

    async def requests(self) -> AsyncGenerator[Request]:
        """Every request that arrives, until either side closes."""
        while True:
            first = await self._next()
            if not isinstance(first, h11.Request):
                return
            if self._http.they_are_waiting_for_100_continue:
                # curl waits a second for this before it sends a large body.
                await self._write(h11.InformationalResponse(status_code=100, headers=[]))
            body = bytearray()
            while isinstance(event := await self._next(), h11.Data):
                # What is over the cap is read and forgotten, so that the caller gets to its answer.
                body += event.data if len(body) <= MAX_BODY else b""
            yield Request(
                method=first.method.decode(),
                path=first.target.decode(),
                headers={key.decode(): value.decode("latin-1") for key, value in first.headers},
                body=bytes(body),
            )
            if self._http.our_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A whole answer."""
        await self.start(status, {**headers, "content-length": str(len(body))})
        await self.send(body)
        await self.finish()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Status line and headers; every one carries the label."""
        named = [*headers.items(), SIMULATED]
        await self._write(h11.Response(status_code=status, headers=[(k.encode(), v.encode()) for k, v in named]))

    async def send(self, data: bytes) -> None:
        await self._write(h11.Data(data=data))

    async def finish(self) -> None:
        await self._write(h11.EndOfMessage())

    async def silence(self) -> None:
        """Say nothing more until the other side gives up."""
        with anyio.move_on_after(FOREVER), contextlib.suppress(anyio.EndOfStream):
            while True:
                await self._stream.receive(CHUNK)
        raise Dropped

    def cut(self) -> None:
        """Close the connection in the middle of whatever was being said."""
        # The caller may have left before us.
        with contextlib.suppress(OSError):
            self._raw().shutdown(socket.SHUT_RDWR)
        raise Dropped

    def reset(self) -> None:
        """Close with a TCP reset."""
        with contextlib.suppress(OSError):
            self._raw().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Dropped

    def _raw(self) -> socket.socket:
        return self._stream.extra(SocketAttribute.raw_socket)

    async def _next(self) -> object:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            try:
                data = await self._stream.receive(CHUNK)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                data = b""
            self._http.receive_data(data)

    async def _write(self, event: h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage) -> None:
        if data := self._http.send(event):
            await self._stream.send(data)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()
