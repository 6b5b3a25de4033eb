"""Child processes that end: bounded in time and output, killed with all that they started."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT

import anyio
from anyio.abc import Process

MOST_OUTPUT = 4_000
"""Bytes kept of what a child says, from its end: that is where test runners sum up."""
GIT_SECONDS = 20.0
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
# A repository may name programs of its own in these; none of them is wanted here.
_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a child."""

    code: int | None
    """Exit code, negative for a signal; None when it ran out of time or couldn't be started."""
    output: str
    """The end of stdout and stderr, together."""
    cut: bool
    late: bool = False

    @property
    def well(self) -> bool:
        return self.code == 0


async def run(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float, most: int = MOST_OUTPUT
) -> Ended:
    """Run a command to its end, or kill its process group when the time is up or the caller is cancelled."""
    try:
        process = await anyio.open_process(
            list(argv), cwd=cwd, env=dict(env), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )
    except OSError as error:
        return Ended(code=None, output=f"{argv[0]} can't be started: {error.strerror}", cut=False)
    kept, cut, late = bytearray(), False, False

    async def listen() -> None:
        nonlocal cut
        assert process.stdout is not None  # noqa: S101 - asked for above
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for part in process.stdout:
                kept.extend(part)
                if len(kept) > most:
                    cut = True
                    del kept[: len(kept) - most]

    try:
        with anyio.move_on_after(seconds) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(listen)
                await process.wait()
                # Whatever it left behind holds the pipe, and would be listened to for ever.
                _kill(process)
        late = scope.cancelled_caught
    finally:
        _kill(process)
        with anyio.CancelScope(shield=True):
            await process.wait()
            await process.aclose()
    code = None if late else process.returncode
    return Ended(code=code, output=kept.decode("utf-8", "replace"), cut=cut, late=late)


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:  # pragma: no cover - Windows has no groups of this sort
            process.kill()


async def git(
    *words: str, cwd: Path, env: Mapping[str, str], seconds: float = GIT_SECONDS, most: int = MOST_OUTPUT
) -> Ended:
    """git, without the programs that a repository's settings may name."""
    return await run(["git", *_SAFE, *words], cwd=cwd, env={**env, **QUIET}, seconds=seconds, most=most)
