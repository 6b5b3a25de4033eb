"""HTTP serving: loopback only unless tokens are asked for, Host and Origin always checked, a bounded end."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio
from mcp.server.transport_security import TransportSecuritySettings

from bedrock_support.routing.clock import SystemClock
from bedrock_support.server.arrival import stamped
from bedrock_support.server.environment import PREFIX, SettingsError
from bedrock_support.server.loopback import as_url, is_loopback

LAST_CALLS = 3
"""Seconds that running calls get to finish once the server is told to stop."""
BACKLOG = 128
KEPT_IDLE = 75
"""Seconds for which an idle connection is kept. Clients give theirs up first (httpx after 5 s, uvicorn's default
too): a server that closes in the moment in which a request is sent leaves its caller not knowing what became of it."""


LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ANY = ("0.0.0.0", "::")  # noqa: S104 - named to be told apart, not listened on


def security(host: str = "127.0.0.1", names: Sequence[str] = ()) -> TransportSecuritySettings:
    """Names that may stand in Host and Origin, so that no web page reaches the server by DNS rebinding.

    They are the loopback ones, the address that is listened on and `names`, each with any port.
    """
    own = () if is_loopback(host) or host in ANY else (f"[{host}]" if ":" in host else host,)
    known = tuple(dict.fromkeys((*LOOPBACK, *own, *names)))
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*(f"{name}:*" for name in known), *names],
        allowed_origins=[
            f"{scheme}://{name}{port}" for scheme in ("http", "https") for name in known for port in ("", ":*")
        ],
    )


def bind(host: str, port: int, *, asks: bool = False, names: Sequence[str] = ()) -> socket.socket:
    """A listening socket: on a loopback address, or on any where the server asks for tokens.

    Raises:
        SettingsError: the address may not be listened on, or can't be had.
    """
    if not is_loopback(host) and not asks:
        raise SettingsError(
            f"--host = {host!r}: not a loopback address, and no token is set. Set {PREFIX}TOKENS or "
            f"{PREFIX}TOKEN_FILE, or serve on 127.0.0.1"
        )
    if host in ANY and not names:
        raise SettingsError(
            f"--host = {host!r}: every address, so nobody knows what clients call it. List the names in {PREFIX}HOSTS"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except socket.gaierror as error:
        listener.close()
        raise SettingsError(f"--host = {host!r}: {error.strerror}. Give an address of this machine") from error
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
