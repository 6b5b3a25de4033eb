"""One record per tool call of an agent, appended to a folder that several hooks write to at once."""

from __future__ import annotations

import fcntl
import json
import os
import select
import stat
import sys
from pathlib import Path
from typing import Any, cast

from bedrock_support.routing.clock import Clock, SystemClock
from bedrock_support.routing.redaction import Redactor
from bedrock_support.server.environment import process_environment, spool_folder
from bedrock_support.tools.executions.spool import record_of

MOST_PAYLOAD = 8_000_000
"""Bytes of what a hook is given."""
MOST_RECORD = 4_000
"""Bytes of one record: short enough for one write."""
MOST_FILE = 16_000_000
"""Bytes of the file; then it becomes the old one, and the old one goes."""
PATIENCE = 2.0
"""Seconds to wait for more of the payload."""
CURRENT, OLD = "hook.jsonl", "hook.1.jsonl"
"""The old one comes first in the order of names."""


def ingest(folder: Path | None) -> None:
    """Read what the hook was given and append its record.

    Raises:
        ValueError: it is no JSON object, or too long.
        OSError: the record can't be written.
    """
    # Kiro before 1.0 gives the payload in a variable and leaves stdin open without ever writing to it.
    raw = process_environment().get("USER_PROMPT", "").encode()
    if not raw.lstrip().startswith(b"{"):
        raw = _stdin(sys.stdin.fileno())
    try:
        payload = json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(payload, dict):
        raise TypeError("no object")
    append(folder or spool_folder(), cast("dict[str, Any]", payload), SystemClock())


def append(folder: Path, payload: dict[str, Any], clock: Clock) -> None:
    """Append the record of a payload. Blocks.

    Raises:
        ValueError: the record would be too long.
        OSError: it can't be written.
    """
    # Nothing is ever put back from a record, and equal arguments are to have equal digests: the nonce is a fixed one.
    record = record_of(payload, clock.wall(), lambda text: Redactor("00000000").redact(text))
    line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    if len(line) > MOST_RECORD:
        raise ValueError("record too long")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_room(folder)
    handle = _open(folder / CURRENT)
    try:
        if os.write(handle, line) != len(line):
            raise OSError("the disk is full")
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    handle = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("the spool isn't a regular file")
    return handle


def _make_room(folder: Path) -> None:
    """Turn the file over when it is full; under a lock, so that two hooks don't turn it over twice."""
    path = folder / CURRENT
    if not _full(path):
        return
    lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _full(path):
            path.replace(folder / OLD)
    finally:
        os.close(lock)


def _full(path: Path) -> bool:
    try:
        return path.lstat().st_size >= MOST_FILE
    except FileNotFoundError:
        return False


def _stdin(handle: int) -> bytes:
    """All of stdin, or what came before nothing came for a while.

    Raises:
        ValueError: it is too long.
    """
    parts: list[bytes] = []
    size = 0
    while select.select([handle], [], [], PATIENCE)[0]:
        part = os.read(handle, 65_536)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if size > MOST_PAYLOAD:
            raise ValueError("too long")
    return b"".join(parts)
