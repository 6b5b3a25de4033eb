"""A rollback that a worker starts: in a process of its own, since the worker itself may have to go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio

from bedrock_support.server.environment import process_environment
from bedrock_support.tools.roll_back import Begin, Level


def beginning(state: Path) -> Begin:
    """Starts `rollout rollback` on this state folder; it has the record, whatever becomes of the worker."""

    async def begin(level: Level) -> str:
        command = ["-m", "bedrock_support.server", "rollout", "rollback", level, "--state", str(state)]
        await anyio.to_thread.run_sync(_start, [sys.executable, *command])
        return f"bedrock-support rollout status --state {state}"

    return begin


def _start(command: list[str]) -> None:
    # Nobody waits for it: who ends this worker must not end it too.
    subprocess.Popen(  # noqa: S603 - our own command
        command,
        env=dict(process_environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
