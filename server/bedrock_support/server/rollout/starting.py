"""How a worker is started, and how one that a killed front left behind is ended."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.server.environment import PREFIX
from bedrock_support.server.rollout.files import Wanted
from bedrock_support.server.rollout.flag_writer import VARIABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What every worker is started with."""

    base: Mapping[str, str]
    """The front's own environment."""
    flags: Path
    state_key: str
    """Seals multi-round state, so that a call begun on one worker can go on with another."""
    roots: Sequence[Path] = ()

    def command(self) -> list[str]:
        roots = [part for root in self.roots for part in ("--root", str(root))]
        return [sys.executable, "-m", "bedrock_support.server", "serve", "--transport", "http", "--port", "0", *roots]

    def environment(self, wanted: Wanted) -> dict[str, str]:
        ours = {VARIABLE: str(self.flags), f"{PREFIX}ROLLOUT": str(self.flags.parent)}
        env = {f"{PREFIX}STATE_KEYS": self.state_key, **self.base, **ours, **wanted.env}
        if wanted.isolated:
            env = {name: value for name, value in env.items() if not name.startswith("AWS_")}
            env |= {
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            }
        return env


def born(pid: int) -> str:
    """When a process began, as the kernel counts it: an id given out anew has another. Empty where unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    # The name in brackets may hold spaces; the start is field 22 of proc(5).
    return stat.rpartition(")")[2].split()[19]


def end_left_over(left: Mapping[str, str]) -> list[int]:
    """End the processes of a front that was killed: id -> when it began. Blocks. Whom it ended."""
    ended: list[int] = []
    for text, began in left.items():
        pid = int(text)
        if began and born(pid) == began:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)
                ended.append(pid)
    return ended
