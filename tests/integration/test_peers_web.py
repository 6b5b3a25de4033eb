"""Upstreams over HTTP that misbehave: whatever they answer is bounded, and harms no more than its own call."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import psutil
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.peers.limits import PeerLimits
from tests.peer_rig import HUGE, tool
from tests.peer_rig_pool import fails, peers, say
from tests.promises import promise

Misbehave = Callable[[anyio.abc.ByteStream, Any], Any]
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def answered(request_id: Any, result: dict[str, Any], *headers: str) -> bytes:
    return raw(json.dumps({"jsonrpc": "2.0", "id": request_id, "result": result}).encode(), *headers)


def raw(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def huge_body(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await stream.send(raw(b"", "X: y")[:-2].replace(b"Content-Length: 0", f"Content-Length: {HUGE}".encode()) + b"\r\n")


async def huge_chunks(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(HUGE // 100_000):
        await stream.send(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")


async def huge_event(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await stream.send(SSE + b"data: ")
    for _ in range(HUGE // 100_000):
        await stream.send(b"x" * 100_000)


async def flood(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}
    await stream.send(SSE)
    for _ in range(10_000):
        await stream.send(b"data: " + json.dumps(message).encode() + b"\n\n")


async def bomb(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await stream.send(raw(gzip.compress(b" " * HUGE), "Content-Encoding: gzip"))


async def redirect(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await stream.send(b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:9/mcp\r\nContent-Length: 0\r\n\r\n")


async def forgotten(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await stream.send(b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n")


async def nonsense(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await stream.send(SSE + b'data: {"secret": 1}\n\n')


async def nothing(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await anyio.sleep(30)


async def cut(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    await stream.aclose()


async def spin(stream: anyio.abc.ByteStream, request_id: Any) -> None:
    """A stream that ends at once and asks to be opened again at once."""
    await stream.send(SSE + b"id: 1\nretry: 0\ndata: \n\n")
    await stream.aclose()


@asynccontextmanager
async def misbehaving(misbehave: Misbehave) -> AsyncGenerator[tuple[str, list[str]]]:
    """A legacy server that is good until its first call. Yields its URL and the methods it has seen."""
    seen: list[str] = []

    async def serve(stream: anyio.abc.SocketStream) -> None:
        buffered = BufferedByteReceiveStream(stream)
        try:
            while True:
                head = (await buffered.receive_until(b"\r\n\r\n", 65536)).decode().lower()
                size = next((int(x.split(":")[1]) for x in head.splitlines() if x.startswith("content-length")), 0)
                body = await buffered.receive_exactly(size) if size else b"{}"
                await answer(stream, head.split()[0], json.loads(body))
        except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
            pass
        finally:
            await anyio.aclose_forcefully(stream)

    async def answer(stream: anyio.abc.SocketStream, verb: str, message: dict[str, Any]) -> None:
        method, request_id = message.get("method", verb), message.get("id")
        seen.append(method)
        if method == "initialize":
            info = {"name": "bad", "version": "1"}
            version = message["params"]["protocolVersion"]
            result: dict[str, Any] = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
            await stream.send(answered(request_id, result, "Mcp-Session-Id: abc"))
        elif method == "tools/list":
            await stream.send(answered(request_id, {"tools": [tool("echo", "Says it again.")]}))
        elif method == "tools/call" or (method == "get" and misbehave is spin):
            await misbehave(stream, request_id)
        elif request_id is None and "method" in message:
            await stream.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        else:
            await stream.send(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        yield f"http://127.0.0.1:{port}/mcp", seen
        group.cancel_scope.cancel()


@promise("peers:hostile")
@pytest.mark.parametrize(
    ("misbehave", "why"),
    [
        (huge_body, "more than 4194304 bytes"),
        (huge_chunks, "more than 4194304 bytes"),
        (huge_event, "peer it"),
        (flood, "more than 1000 messages"),
        (bomb, "it compressed an answer"),
        (nonsense, "its answer is no JSON-RPC message"),
        (redirect, "Redirect to http://127.0.0.1:9/mcp not followed"),
        (nothing, "did not answer echo within 1.0 s"),
        (cut, "peer it"),
    ],
)
async def test_a_bad_answer_fails_its_call_in_bounded_memory_and_time(
    misbehave: Misbehave, why: str, tmp_path: Path
) -> None:
    us = psutil.Process()
    errors: list[RouteError] = []
    with anyio.fail_after(20):
        async with misbehaving(misbehave) as (url, _):
            before, began = us.memory_info().rss, time.monotonic()
            async with peers(tmp_path, {"it": {"url": url, "support": {"era": "legacy"}}}) as pool:
                # What is cut off for its size must be cut off for that, on a slow machine too.
                errors.append(await fails(pool.peers["it"], seconds=1.0 if misbehave is nothing else 12.0))
                assert pool.peers["it"].health().calls == 0
            assert time.monotonic() - began < 10
            assert us.memory_info().rss - before < 40 * 1024 * 1024
    assert why in str(errors[0])


@promise("peers:hostile")
async def test_a_stream_that_always_ends_at_once_is_not_opened_without_end(tmp_path: Path) -> None:
    limits = PeerLimits(burst=50, per_second=10)
    with anyio.fail_after(20):
        async with (
            misbehaving(spin) as (url, seen),
            peers(tmp_path, {"it": {"url": url, "support": {"era": "legacy"}}}, limits=limits) as pool,
        ):
            error = await fails(pool.peers["it"], seconds=3.0)
            assert "more than 50 messages" in str(error)
            assert len(seen) < 200


@promise("peers:reconnects")
async def test_nobody_at_the_address_is_told_at_once(tmp_path: Path) -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    await listener.aclose()
    with anyio.fail_after(10):
        async with peers(tmp_path, {"it": {"url": f"http://localhost:{port}/mcp"}}) as pool:
            began = time.monotonic()
            assert "nobody answers at its address" in str(await fails(pool.peers["it"]))
            assert time.monotonic() - began < 1


@promise("peers:reconnects")
@pytest.mark.parametrize("how", [cut, forgotten])
async def test_a_server_that_comes_back_is_found_again(how: Misbehave, tmp_path: Path) -> None:
    async def well(stream: anyio.abc.ByteStream, request_id: Any) -> None:
        await stream.send(answered(request_id, {"content": [{"type": "text", "text": "hi"}]}))

    calls = 0

    async def once_cut(stream: anyio.abc.ByteStream, request_id: Any) -> None:
        nonlocal calls
        calls += 1
        await (how if calls == 2 else well)(stream, request_id)

    with anyio.fail_after(10):
        async with (
            misbehaving(once_cut) as (url, _),
            peers(tmp_path, {"it": {"url": url, "support": {"era": "legacy"}}}) as pool,
        ):
            assert await say(pool.peers["it"]) == "hi"
            assert (await fails(pool.peers["it"])).kind is FailureKind.CONNECTION
            assert await say(pool.peers["it"]) == "hi"
            assert pool.peers["it"].health().restarts == 1
