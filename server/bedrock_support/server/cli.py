"""The command `bedrock-support` and its parts: serve, sandbox and demo here, the others in modules of their own."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import anyio

from bedrock_support.server.commands import add_commands, port
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.groups import innermost
from bedrock_support.server.heard import INTERRUPTED, Unheard, stdout_watched, unheard
from bedrock_support.server.logs import to_stderr

if TYPE_CHECKING:
    from bedrock_support.server.house import House
    from bedrock_support.server.settings import Settings

USAGE_ERROR = 2
PATIENCE = 1.0
"""Seconds that a thread stuck in a system call may delay the exit."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the result is the exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    if given[:1] == ["audit"]:
        from bedrock_support.server.infra_cli import with_path

        given = list(with_path(given))
    code = USAGE_ERROR
    try:
        with stdout_watched():
            arguments = parser_for(given[0] if given else "").parse_args(given)
            to_stderr()
            code = int(arguments.run(arguments))
    except* SettingsError as errors:  # alone, or in the group that a task raised it in
        for error in errors.exceptions:
            sys.stderr.write(f"bedrock-support: {innermost(error)}\n")
    except* Unheard as errors:
        code = unheard(cast("Unheard", innermost(errors)))
    except* KeyboardInterrupt:  # before, or beside, whoever listens to the signal itself
        code = INTERRUPTED
    return code


class _Version(argparse.Action):
    """Looks the version up only when asked: that reads the installed packages' metadata."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"bedrock-support {version('bedrock-support')}\n")
        parser.exit()


def parser_for(wanted: str) -> argparse.ArgumentParser:
    """A parser that knows this command; all of them, when it is none."""
    parser = argparse.ArgumentParser(prog="bedrock-support", description="Support tools for agents over MCP.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve MCP over stdio (default), streamable HTTP or SSE")
    serve.add_argument("--transport", choices=("stdio", "http", "sse"), default="stdio")
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (http, sse); loopback unless tokens are set"
    )
    serve.add_argument("--port", type=port, default=8000, help="0 for any free port (http, sse)")
    serve.add_argument("--root", type=Path, action="append", default=[], help="folder that tools may read; repeatable")
    serve.set_defaults(run=_serve)
    sandbox = commands.add_parser("sandbox", help="a simulated Bedrock runtime on loopback, with faults on demand")
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=port, default=8001, help="0 for any free port")
    sandbox.set_defaults(run=_sandbox)
    demo = commands.add_parser("demo", help="triage a real log three ways and print the traces")
    demo.set_defaults(run=_demo)
    if wanted not in commands.choices:
        add_commands(commands, wanted)
    return parser


def _serve(arguments: argparse.Namespace) -> int:
    from bedrock_support.server.settings import load

    settings = load(roots=tuple(arguments.root))
    # Start-up makes only objects that stay: collecting among them would cost a tenth of it and find nothing.
    gc.disable()
    anyio.run(_serving, settings, arguments)
    return _leave(0)


async def _serving(settings: Settings, arguments: argparse.Namespace) -> None:
    from bedrock_support.server.from_settings import telemetry_settings
    from bedrock_support.server.wiring import build
    from bedrock_support.telemetry.otel import install

    telemetry = install(telemetry_settings(settings), role="bedrock-support")
    house = build(settings, telemetry=telemetry)
    gc.freeze()
    gc.enable()
    try:
        async with house.running():
            if arguments.transport == "stdio":
                await _over_stdio(house)
            else:
                await _over_http(house, settings, arguments)
    finally:
        with anyio.CancelScope(shield=True):
            await house.aclose()
            await telemetry.shutdown(timeout=2.0)


async def _over_stdio(house: House) -> None:
    from bedrock_support.server.stdio import stdio_streams

    async def serve(done: Callable[[], None]) -> None:
        async with stdio_streams() as (read_stream, write_stream):
            await house.server.serve_streams(read_stream, write_stream)
        done()

    async with anyio.create_task_group() as group:
        group.start_soon(serve, group.cancel_scope.cancel)
        await _told_to_stop()
        group.cancel_scope.cancel()


async def _over_http(house: House, settings: Settings, arguments: argparse.Namespace) -> None:
    from bedrock_support.server.access.listed import listed_tokens
    from bedrock_support.server.access.opened import application
    from bedrock_support.server.http import bind, serve_app

    if settings.rollout is not None:
        # A front waits for the whole start and gives calls from the first moment on, urgent ones too.
        await house.warm()
    tokens = listed_tokens(settings.tokens, settings.token_file)
    names = tuple(each.strip() for each in settings.hosts.split(",") if each.strip())
    listener = bind(arguments.host, arguments.port, asks=bool(tokens), names=names)
    app = application(house, arguments.transport, tokens, arguments.host, names)
    path = "/mcp" if arguments.transport == "http" else "/sse"
    stop = anyio.Event()

    def announce(url: str) -> None:
        _announce(f"listening on {url}{path}")

    async with anyio.create_task_group() as group:
        group.start_soon(serve_app, app, listener, announce, stop)
        await _told_to_stop()
        stop.set()


def _sandbox(arguments: argparse.Namespace) -> int:
    from bedrock_support.server.sandbox.emulator import run_sandbox

    async def serve() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(run_sandbox, arguments.host, arguments.port, _announce)
            await _told_to_stop()
            group.cancel_scope.cancel()

    anyio.run(serve)
    return 0


def _demo(_: argparse.Namespace) -> int:
    from bedrock_support.server.demo.show import run_demo

    return anyio.run(run_demo)


async def _told_to_stop() -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            return


def _announce(message: str) -> None:
    """To stderr: over stdio, stdout belongs to the protocol."""
    sys.stderr.write(f"bedrock-support: {message}\n")
    sys.stderr.flush()


def _leave(code: int) -> int:
    """Return, or leave at once when a thread that nothing can wake would keep the process alive."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(PATIENCE)
            if thread.is_alive():
                sys.stderr.flush()
                os._exit(code)
    return code
