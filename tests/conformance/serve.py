"""Test entry point: the product's own server with the suite's fixtures on it, over streamable HTTP.

`python -m tests.conformance.serve --port N`; with 0 any free port, announced on stderr as by the product.
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any

import anyio
from mcp.server import MCPServer
from starlette.applications import Starlette

from bedrock_support.server.http import bind, security, serve_app
from bedrock_support.server.settings import load
from bedrock_support.server.wiring import build
from tests.conformance import fixtures
from tests.conformance.fixtures_handlers import EventLog

HOST = "127.0.0.1"
RETRY_MS = 100
"""What a client is told to wait before it reconnects; short, so that scenarios of lost streams are quick."""


def product_server() -> MCPServer[Any]:
    """The server under test, before the fixtures."""
    return build(load({})).server


def application() -> Starlette:
    """The server under test as an HTTP application, behind the product's own Host and Origin checks."""
    server = product_server()
    fixtures.register(server)
    return server.streamable_http_app(
        event_store=EventLog(), retry_interval=RETRY_MS, host=HOST, transport_security=security()
    )


async def serve(port: int) -> None:
    """Serve until SIGTERM or SIGINT."""

    def announce(url: str) -> None:
        print(f"listening on {url}/mcp", file=sys.stderr, flush=True)

    stop = anyio.Event()
    async with anyio.create_task_group() as group:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            group.start_soon(serve_app, application(), bind(HOST, port), announce, stop)
            async for _ in signals:
                break
        stop.set()


def main() -> None:
    """Read the port and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    anyio.run(serve, parser.parse_args().port)


if __name__ == "__main__":
    main()
