"""A front on the sandbox as its users start it, and the command `rollout` beside it; all ended by pid."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.rig import COMMAND, Running, environment, with_bedrock

QUICK = ("--step", "50", "--step", "100", "--samples", "3", "--watch", "0")
"""A rollout as short as a test needs."""
PATIENT = (*QUICK, "--limit", "generated_seconds=60", "--limit", "cached_seconds=60")
"""As short, with its user's own objectives for answers: a machine that is busy with other tests keeps to no others."""
PATIENCE = 400.0
"""Seconds that one command may take on such a machine; what is promised of its time is measured by the benchmarks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """One front and its state folder."""

    folder: Path
    front: Running
    url: str
    env: Mapping[str, str]

    def run(self, *arguments: str, patience: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        """`bedrock-support rollout` to its end, which must come within so many seconds."""
        command = [*COMMAND, "rollout", *arguments, "--state", str(self.folder)]
        return subprocess.run(
            command, env=dict(self.env), capture_output=True, text=True, timeout=patience, check=False
        )

    def begin(self, *arguments: str) -> Running:
        """The same in the background."""
        return Running(["rollout", *arguments, "--state", str(self.folder)], self.env)

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("status", "--json").stdout)

    def workers(self) -> dict[str, dict[str, Any]]:
        told = httpx2.get(self.url.replace("/mcp", "/front/status"), trust_env=False).json()
        return {each["name"]: each for each in told["workers"]}

    def evidence(self) -> list[tuple[str, str, bool | None, str]]:
        """Phase, name, whether it holds, trace; the oldest first."""
        with closing(sqlite3.connect(self.folder / "evidence.sqlite")) as db:
            rows = db.execute("SELECT phase, name, ok, trace FROM evidence ORDER BY id").fetchall()
        return [(phase, name, None if ok is None else bool(ok), trace) for phase, name, ok, trace in rows]


def wait_for(process: Running, words: str) -> None:
    """Until a process has said something on stderr."""
    while words not in (line := process.line()):
        assert line, process.said


@contextmanager
def rig(folder: Path, sandbox: str, **more: str) -> Generator[Rig]:
    """A front whose Bedrock is the sandbox, with one ready worker."""
    env = environment(**with_bedrock(sandbox), **more)
    front = Running(["front", "--state", str(folder), "--port", "0"], env)
    try:
        url = front.url()
        made = Rig(folder=folder, front=front, url=url, env=env)
        while not any(each["state"] == "ready" for each in made.workers().values()):
            assert front.process.poll() is None
        yield made
    finally:
        front.end()
