"""A server of ours as a process of its own: started, found by the address it announces, ended by its id."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ANNOUNCED = re.compile(r"listening on (http://\S+)")
START = 30
"""Seconds a server may take until it announces its address."""
END = 10
"""Seconds a server may take to end once it is told to."""
TEST_SERVER = (sys.executable, "-m", "tests.conformance.serve", "--port", "0")
PRODUCT = (sys.executable, "-m", "bedrock_support.server", "serve")


@contextmanager
def serving(command: Sequence[str], log: Path) -> Generator[str]:
    """Run a server for the length of a block; yields the address it announced on stderr."""
    with log.open("wb") as sink, subprocess.Popen(command, cwd=ROOT, stderr=sink, stdin=subprocess.DEVNULL) as process:
        try:
            yield address(process, log)
        finally:
            end(process)


def address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the announcement."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        found = ANNOUNCED.search(log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the server announced no address:\n{log.read_text(encoding='utf-8', errors='replace')}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Tell the process to end; one that won't is killed."""
    process.terminate()
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"the server did not end within {END} s of SIGTERM") from None
