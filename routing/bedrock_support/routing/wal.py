"""Write-ahead logging for a SQLite file that several processes may open at the same moment."""

from __future__ import annotations

import sqlite3
import threading

from bedrock_support.routing.clock import SystemClock

PAUSE = 0.005
"""Seconds between two tries."""
_PASSING = ("SQLITE_BUSY", "SQLITE_PROTOCOL")


def to_wal(connection: sqlite3.Connection, patience: float) -> None:
    """Set the file to write-ahead logging, waiting up to `patience` seconds for other processes. Blocks.

    SQLite calls no busy handler for this change (https://www.sqlite.org/c3ref/busy_handler.html): without this loop
    whoever opens a new file at the same moment as somebody else is told at once that it is locked.

    Raises:
        sqlite3.OperationalError: others held it for all that time, or the file can't be set to it.
    """
    clock, pause = SystemClock(), threading.Event()
    until = clock.now() + patience
    while True:
        try:
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(_PASSING) or clock.now() >= until:
                raise
        else:
            if clock.now() >= until:
                raise sqlite3.OperationalError("the file can't be set to write-ahead logging")
        pause.wait(PAUSE)
