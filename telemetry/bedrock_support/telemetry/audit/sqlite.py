"""Opening SQLite files so that what was committed stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bedrock_support.routing.wal import to_wal
from bedrock_support.telemetry.audit.faults import AuditUnavailable

PATIENCE = 2.0
"""Seconds to wait for another process's transaction: an emergency has five in all."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be used by one thread after another; transactions are begun by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE)
    try:
        to_wal(connection, PATIENCE)
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
    elif name.startswith("SQLITE_IOERR"):
        mend = "Look whether the disk is broken, full, or files may not grow (ulimit -f)"
    elif name.startswith("SQLITE_BUSY"):
        mend = f"Another process held it for {PATIENCE:g} s: ask again"
    else:
        mend = "Check that this user may read and write it and its folder"
    return AuditUnavailable(f"the audit trail {path} can't be used: {str(error) or type(error).__name__}. {mend}")
