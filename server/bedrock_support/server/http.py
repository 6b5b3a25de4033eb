"""HTTP serving: loopback only, Host and Origin always checked, a bounded end."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import anyio
from mcp.server.transport_security import TransportSecuritySettings

from bedrock_support.routing.clock import SystemClock
from bedrock_support.server.arrival import stamped
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.loopback import as_url, is_loopback

LAST_CALLS = 3
"""Seconds that running calls get to finish once the server is told to stop."""
BACKLOG = 128
KEPT_IDLE = 75
"""Seconds for which an idle connection is kept. Clients give theirs up first: httpx after 5 s, which is uvicorn's own
default too, and a server that closes in the moment in which a request is sent leaves its caller not knowing what became
of it."""


def security() -> TransportSecuritySettings:
    """Only loopback names may stand in Host and Origin, so no web page reaches the server by DNS rebinding."""
    names = ("127.0.0.1", "localhost", "[::1]")
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[f"{name}:*" for name in names],
        allowed_origins=[f"{scheme}://{name}:*" for scheme in ("http", "https") for name in names],
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address.

    Raises:
        SettingsError: the address is not loopback, or can't be had.
    """
    if not is_loopback(host):
        raise SettingsError(
            f"--host = {host!r}: not a loopback address. This version has no authentication over HTTP; serve on "
            "127.0.0.1 and put a proxy that authenticates in front"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(f"--port = {port}: {error.strerror}. Choose a free port, or 0 for any") from error
    listener.listen(BACKLOG)
    return listener


async def serve_app(app: Any, listener: socket.socket, announce: Callable[[str], None], stop: anyio.Event) -> None:
    """Serve an ASGI application until `stop`; running calls then get LAST_CALLS seconds."""
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None]:
            """Signals are the command line's business, on every transport alike."""
            yield

    server = Server(
        uvicorn.Config(
            stamped(app, SystemClock()),
            log_level="warning",
            timeout_graceful_shutdown=LAST_CALLS,
            timeout_keep_alive=KEPT_IDLE,
            lifespan="on",
            ws="none",
        )
    )
    host, port = listener.getsockname()[:2]
    announce(as_url(host, port))

    async def end() -> None:
        await stop.wait()
        server.should_exit = True

    async with anyio.create_task_group() as group:
        group.start_soon(end)
        await server.serve(sockets=[listener])
        group.cancel_scope.cancel()
