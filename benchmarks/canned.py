"""An upstream that costs next to nothing: fixed Converse answers from one process, at once or after a delay.

Answers converse with one JSON body and converse-stream with FRAMES event-stream frames, one HTTP chunk each.
`python -m benchmarks.canned canned|sandbox` prints two addresses, the first without latency and the second with
SLOW_MS of it, and serves until its stdin ends. As `sandbox` it is the product's own sandbox with the same answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, cast

import anyio

from bedrock_support.server.sandbox.emulator import open_sandbox
from bedrock_support.server.sandbox.faults import Faults
from bedrock_support.server.sandbox.frames import event, padded
from benchmarks.sides import ANSWER, PIECE, SLOW_MS

FRAMES = 4 + len(ANSWER) // PIECE
"""messageStart, the pieces, contentBlockStop, messageStop, metadata."""
USAGE = {"inputTokens": 420, "outputTokens": 300, "totalTokens": 720}
LABEL = "x-bedrock-support-simulated: true\r\nx-amzn-requestid: 00000000-0000-0000-0000-000000000000\r\n"


def whole() -> bytes:
    """A Converse answer with its HTTP head."""
    body = json.dumps(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": ANSWER}]}},
            "stopReason": "end_turn",
            "usage": USAGE,
            "metrics": {"latencyMs": 1},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{LABEL}\r\n"
    return head.encode() + body


def streamed() -> list[bytes]:
    """A ConverseStream answer: the HTTP head, each frame as a chunk, the last chunk."""
    pieces = [ANSWER[start : start + PIECE] for start in range(0, len(ANSWER), PIECE)]
    events: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"role": "assistant"}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}) for piece in pieces),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
    ]
    frames = [event(name, padded(payload, number)) for number, (name, payload) in enumerate(events)]
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
        f"Transfer-Encoding: chunked\r\n{LABEL}\r\n"
    )
    return [head.encode(), *(b"%x\r\n%s\r\n" % (len(frame), frame) for frame in frames), b"0\r\n\r\n"]


WHOLE = whole()
STREAMED = streamed()


class Canned(asyncio.Protocol):
    """One connection with keep-alive. Reads no more of a request than its path and length."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[:end]).lower()
            size = next((int(row[15:]) for row in head.split(b"\r\n") if row.startswith(b"content-length:")), 0)
            if len(self._read) < end + 4 + size:
                return
            del self._read[: end + 4 + size]
            path = head.split(b" ", 2)[1]
            answer = STREAMED if path.endswith(b"/converse-stream") else [WHOLE]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: list[bytes]) -> None:
        for part in answer:
            # One write each, as a model's frames arrive one by one.
            if self._transport is not None:
                self._transport.write(part)


async def canned() -> None:
    """Serve the fixed answers."""
    loop = asyncio.get_running_loop()
    urls: list[str] = []
    for delay in (0.0, SLOW_MS / 1000):
        server = await loop.create_server(lambda delay=delay: Canned(delay), "127.0.0.1", 0, backlog=256)
        urls.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    print(*urls, flush=True)
    await anyio.to_thread.run_sync(sys.stdin.read)


async def sandbox() -> None:
    """Serve the same answer from the product's own sandbox."""
    quick, slow = Faults(answer=ANSWER), Faults(answer=ANSWER, latency_ms=SLOW_MS)
    async with open_sandbox(faults=quick) as first, open_sandbox(faults=slow) as second:
        print(first.url, second.url, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    anyio.run({"canned": canned, "sandbox": sandbox}[sys.argv[1]])
