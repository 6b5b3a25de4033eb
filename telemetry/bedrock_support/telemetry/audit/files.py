"""Where an audit trail lives: one folder, its owner's alone."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.telemetry.audit.faults import AuditUnavailable

PATIENCE = 2.0
"""Seconds to wait for another process's transaction: an emergency has five in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFiles:
    """The names inside the folder."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log.db"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    @property
    def public_key(self) -> Path:
        return self.folder / "key.pub"

    @property
    def subjects(self) -> Path:
        """Apart from the log: a backup of the log must not bring an erased key back."""
        return self.folder / "subjects.db"


def identity(path: Path) -> tuple[int, int]:
    """Tells a file from another one of the same name."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def private(path: Path) -> None:
    """Make the file, for its owner alone, where it is missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that exists isn't opened here: closing it would drop the locks that SQLite holds on it in this process
    # (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be used by one thread after another; transactions are begun by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A commit that returned is on the disk: https://www.sqlite.org/pragma.html#pragma_synchronous
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def unavailable(path: Path, error: sqlite3.Error | OSError) -> AuditUnavailable:
    """The error in words that say what to do."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        mend = "Keep the file as evidence, run `bedrock-support audit verify`, and restore a copy"
    elif name.startswith("SQLITE_FULL"):
        mend = "Free disk space, or run `bedrock-support audit prune`"
    elif name.startswith("SQLITE_BUSY"):
        mend = f"Another process held it for {PATIENCE:g} s: ask again"
    else:
        mend = "Check that this user may read and write it and its folder"
    return AuditUnavailable(f"the audit trail {path} can't be used: {str(error) or type(error).__name__}. {mend}")
