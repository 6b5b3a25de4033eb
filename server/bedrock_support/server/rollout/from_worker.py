"""What a worker may see and begin of the system that it is part of."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from bedrock_support.server.environment import process_environment
from bedrock_support.tools.approval import digest
from bedrock_support.tools.roll_back import Level
from bedrock_support.tools.rollout_status import RolloutSeen


@dataclass(frozen=True, slots=True)
class FromWorker:
    """Over the state folder of the front. Implements Rollbacks and RolloutLook."""

    state: Path

    async def target(self) -> str:
        """Fleet, flags and the last good configuration, as they stand in their files."""
        return await to_thread.run_sync(self._digest)

    async def begin(self, level: Level) -> str:
        """A rollback in a process of its own, since the worker itself may have to go."""
        command = ["-m", "bedrock_support.server", "rollout", "rollback", level, "--state", str(self.state)]
        await to_thread.run_sync(_start, [sys.executable, *command])
        return f"bedrock-support rollout status --state {self.state}"

    async def look(self) -> RolloutSeen | None:
        """The newest rollout as its record says. Raises OSError, sqlite3.Error."""
        from bedrock_support.server.rollout.account import recorded
        from bedrock_support.server.rollout.files import RolloutFiles

        told = await recorded(RolloutFiles(folder=self.state))
        run = told["rollout"]
        if run is None:
            return None
        return RolloutSeen(
            id=run["id"],
            state=run["state"],
            phase=run["phase"],
            under_way=bool(told["under_way"]),
            done=run["progress"]["done"],
            total=run["progress"]["total"],
            now=[name for name, state in run["steps"].items() if state == "begun"] if told["under_way"] else [],
            failed=[each["name"] for each in run["failed"]],
        )

    def _digest(self) -> str:
        from bedrock_support.server.rollout.files import RolloutFiles

        files = RolloutFiles(folder=self.state)
        seen = {path.name: _seen(path) for path in (files.fleet, files.flags, files.good)}
        return digest({"state": str(self.state), **seen})


def _seen(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


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
