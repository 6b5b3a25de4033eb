"""A peer over streamable HTTP: the SDK's transport behind a guard that bounds what comes back and where it goes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Any, cast

import anyio
import anyio.to_thread
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from bedrock_support.server.loopback import is_loopback
from bedrock_support.server.peers.config import Entry
from bedrock_support.server.peers.limits import Hostile, Meter, PeerLimits

CONNECT = 10.0
"""Seconds to connect, and to send."""
SHORT = 5.0
"""Seconds for an exchange that has no answer to wait for: a notification, our answer to a request, a good-bye."""
LONG = 660.0
"""Seconds without a byte on a stream. Calls have their own deadline, and the file allows ten minutes."""
Resolve = Callable[[str, int], Awaitable[list[str]]]
Lost = Callable[[str], None]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the system's order."""
    found = await anyio.getaddrinfo(host, port)
    return [str(sockaddr[0]) for *_, sockaddr in found]


async def reachable(host: str, port: int, look_up: Resolve) -> list[str]:
    """The addresses of a host that a peer may live at: public, or loopback where the host is named so.

    Raises:
        Hostile: the name leads into a private or link-local network.
    """
    wanted_loopback = is_loopback(host)
    found = [
        address
        for address in dict.fromkeys([host] if _is_address(host) else await look_up(host, port))
        if (is_loopback(address) if wanted_loopback else ip_address(address.partition("%")[0]).is_global)
    ]
    if not found:
        raise Hostile(f"its host name {host} leads to no public address")
    return found


class Guard(httpx2.AsyncBaseTransport):
    """Stands between the SDK and the network, for one connection to one peer."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, limits: PeerLimits, meter: Meter, look_up: Resolve) -> None:
        self._inner = inner
        self._limits = limits
        self._meter = meter
        self._look_up = look_up
        self._addresses: list[str] = []
        self.lost: Lost = lambda _: None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            # The SDK opens a broken stream again, as often and as soon as the server likes.
            self._meter.count()
            response = await self._send(request)
            try:
                self._check(response)
            except Hostile:
                await response.aclose()
                raise
        except Hostile as error:
            self.lost(str(error))
            raise httpx2.ConnectError(str(error), request=request) from error
        streams = response.headers.get("content-type", "").startswith("text/event-stream")
        body = Bounded(response, self._meter, self.lost, None if streams else self._limits.message)
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=body, extensions=response.extensions
        )

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        """To an address that was checked: a name that is looked up twice may change in between."""
        url = request.url
        if not self._addresses:
            port = url.port or (443 if url.scheme == "https" else 80)
            self._addresses = await reachable(url.host, port, self._look_up)
        seconds = LONG if _awaits_answer(request) else SHORT
        request.extensions = {
            **request.extensions,
            "timeout": {"connect": CONNECT, "write": CONNECT, "pool": CONNECT, "read": seconds},
        }
        if url.scheme == "https":
            request.extensions["sni_hostname"] = url.host
        *others, last = self._addresses
        for address in others:
            request.url = url.copy_with(host=address)
            try:
                response = await self._inner.handle_async_request(request)
            except httpx2.ConnectError:
                continue  # localhost is two addresses, and few servers listen on both
            self._addresses = [address]
            return response
        request.url = url.copy_with(host=last)
        return await self._inner.handle_async_request(request)

    def _check(self, response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Hostile("it compressed an answer, which could be of any size")
        size = response.headers.get("content-length", "0")
        if not size.isdigit() or int(size) > self._limits.message:
            raise Hostile(f"it sent a message of more than {self._limits.message} bytes")

    async def aclose(self) -> None:
        await self._inner.aclose()


class Bounded(httpx2.AsyncByteStream):
    """An answer's body, cut off where it breaks a bound."""

    def __init__(self, response: httpx2.Response, meter: Meter, lost: Lost, most: int | None) -> None:
        self._response = response
        self._meter = meter
        self._lost = lost
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in cast("AsyncIterator[bytes]", self._response.stream):
            size += len(chunk)
            try:
                self._count(len(chunk), size)
            except Hostile as error:
                self._lost(str(error))
                raise httpx2.ReadError(str(error)) from error
            yield chunk

    def _count(self, more: int, size: int) -> None:
        self._meter.count(0, more)
        if self._most is not None and size > self._most:
            raise Hostile(f"it sent a message of more than {self._most} bytes")

    async def aclose(self) -> None:
        await self._response.aclose()


class Metered:
    """The SDK's stream of incoming messages, counted. Hides whose request a message came with: nobody here asks."""

    def __init__(self, inner: Any, meter: Meter, lost: Lost) -> None:
        self._inner = inner
        self._meter = meter
        self._lost = lost

    async def receive(self) -> SessionMessage | Exception:
        try:
            item: SessionMessage | Exception = await self._inner.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._lost("its connection closed")
            raise
        try:
            self._meter.count()
        except Hostile as error:
            self._lost(str(error))
            raise anyio.EndOfStream from error
        return item

    def __aiter__(self) -> Metered:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def __aenter__(self) -> Metered:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@asynccontextmanager
async def web(
    entry: Entry, limits: PeerLimits, meter: Meter, lost: Lost, look_up: Resolve = resolve
) -> AsyncGenerator[tuple[Any, Any]]:
    """The message streams of a server at a URL. `lost` is told why the connection is of no more use.

    Proxies of the environment aren't used: the address is checked here, and a proxy would look it up anew.
    """
    url = entry.url or ""
    # In a thread: it reads certificates from disk. With plain http there's nothing to verify.
    encrypted = url.startswith("https:")
    inner = await anyio.to_thread.run_sync(
        partial(httpx2.AsyncHTTPTransport, verify=encrypted), limiter=anyio.CapacityLimiter(1)
    )
    guard = Guard(inner, limits, meter, look_up)
    guard.lost = lost
    headers = {**entry.headers, "accept-encoding": "identity"}
    async with (
        httpx2.AsyncClient(transport=guard, headers=headers, timeout=LONG) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=limits.message) as (read, write),
    ):
        yield Metered(read, meter, lost), write


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _awaits_answer(request: httpx2.Request) -> bool:
    if request.method == "GET":
        return True
    if request.method != "POST":
        return False
    message = cast("dict[str, Any]", json.loads(request.content))
    return "id" in message and "method" in message
