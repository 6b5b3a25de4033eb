"""`bedrock-support front`: the one address in front of worker servers."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

import anyio

from bedrock_support.server.commands import Commands, port


def add_front_parser(commands: Commands) -> None:
    """The command `front`."""
    front = commands.add_parser("front", help="one loopback address before worker servers, for rollouts without a gap")
    front.add_argument("--state", type=Path, required=True, help="folder for the fleet, flags and evidence")
    front.add_argument("--port", type=port, default=8000, help="0 for any free port")
    front.add_argument("--root", type=Path, action="append", default=[], help="folder that tools may read; repeatable")
    front.set_defaults(run=_front)


def _front(arguments: argparse.Namespace) -> int:
    from bedrock_support.server.access.listed import listed_tokens
    from bedrock_support.server.rollout.files import RolloutFiles
    from bedrock_support.server.rollout.front import run_front
    from bedrock_support.server.settings import load

    settings = load()
    listed_tokens(settings.tokens, settings.token_file)  # what can't be used is said here, and not by each worker

    async def serve() -> None:
        stop = anyio.Event()
        files = RolloutFiles(folder=arguments.state.expanduser().absolute())
        async with anyio.create_task_group() as group:
            group.start_soon(run_front, files, arguments.port, arguments.root, _announce, stop)
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                async for _ in signals:
                    break
            stop.set()

    anyio.run(serve)
    return 0


def _announce(message: str) -> None:
    sys.stderr.write(f"bedrock-support: {message}\n")
    sys.stderr.flush()
