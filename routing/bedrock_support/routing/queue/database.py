"""The queue's SQLite file: opened safely, its layout checked, one transaction at a time.

WAL with synchronous=FULL: a commit that returned is on the disk (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from bedrock_support.routing.queue.model import QueueRefused, QueueUnavailable
from bedrock_support.routing.wal import to_wal

VERSION = 1
APPLICATION = 0x42535051
"""Marks the file as ours: BSPQ."""
PATIENCE_MS = 5000
"""Wait for another process's transaction."""
WAL_KEPT = 4 * 1024 * 1024

SCHEMA = (
    """CREATE TABLE messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        topic TEXT NOT NULL,
        key TEXT,
        digest TEXT NOT NULL,
        payload BLOB NOT NULL,
        result BLOB,
        size INTEGER NOT NULL,
        level INTEGER NOT NULL,
        urgent INTEGER NOT NULL,
        rank REAL NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        enqueued_at REAL NOT NULL,
        available_at REAL NOT NULL,
        deadline REAL NOT NULL,
        due REAL NOT NULL,
        token TEXT,
        worker TEXT NOT NULL DEFAULT '',
        ended_at REAL,
        dead_reason TEXT,
        error TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE UNIQUE INDEX by_key ON messages (topic, key) WHERE key IS NOT NULL",
    "CREATE INDEX by_rank ON messages (topic, urgent, rank, number) WHERE state = 'waiting'",
    "CREATE INDEX by_due ON messages (due) WHERE state IN ('waiting', 'leased')",
    "CREATE INDEX by_end ON messages (due) WHERE state IN ('done', 'cancelled', 'discarded')",
    "CREATE INDEX by_death ON messages (number) WHERE state = 'dead'",
    "CREATE TABLE totals (state TEXT PRIMARY KEY, rows INTEGER NOT NULL, size INTEGER NOT NULL) STRICT",
    """INSERT INTO totals VALUES ('waiting', 0, 0), ('leased', 0, 0), ('done', 0, 0), ('dead', 0, 0),
        ('cancelled', 0, 0), ('discarded', 0, 0)""",
    """CREATE TRIGGER counted AFTER INSERT ON messages BEGIN
        UPDATE totals SET rows = rows + 1, size = size + new.size WHERE state = new.state; END""",
    """CREATE TRIGGER uncounted AFTER DELETE ON messages BEGIN
        UPDATE totals SET rows = rows - 1, size = size - old.size WHERE state = old.state; END""",
    """CREATE TRIGGER recounted AFTER UPDATE OF state, size ON messages BEGIN
        UPDATE totals SET rows = rows - 1, size = size - old.size WHERE state = old.state;
        UPDATE totals SET rows = rows + 1, size = size + new.size WHERE state = new.state; END""",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT",
    "INSERT INTO facts VALUES ('seen', 0), ('dropped', 0)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)

ORIGINS = (
    "CREATE TABLE IF NOT EXISTS origins (id TEXT PRIMARY KEY, trace TEXT NOT NULL) STRICT",
    """CREATE TRIGGER IF NOT EXISTS origin_gone AFTER DELETE ON messages BEGIN
        DELETE FROM origins WHERE id = old.id; END""",
)
"""The spans that messages come from. Beside the layout, not in it: files and programs that know nothing of it go on."""


class Database:
    """One file, one connection, opened when first used. Safe to use from several threads, not over a fork."""

    def __init__(self, path: Path, pages: int) -> None:
        self.path = path
        self._pages = pages
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Everything inside happens, or nothing. sqlite3's and the system's errors become QueueUnavailable."""
        with self._lock:
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    self._undo(connection)
                    raise
            except UnicodeEncodeError:
                raise QueueRefused("an argument holds a lone surrogate. Send text that UTF-8 can hold") from None
            except UnicodeDecodeError:
                raise QueueUnavailable(
                    f"the queue's file {self.path} is damaged: a text in it isn't UTF-8. "
                    "Move it aside and restore a copy; a new one is made when none is there"
                ) from None
            except (sqlite3.Error, OSError) as error:
                raise self._unavailable(error) from error

    def close(self) -> None:
        """Let go of the file; the next transaction opens it again."""
        with self._lock:
            self._close()

    def _undo(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._close()  # closing rolls back too

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            # A file that was moved away would take messages that nobody finds again.
            try:
                still = _inode(os.stat(self.path)) == self._inode
            except FileNotFoundError:
                still = False
            if still:
                return self._connection
            self._close()
            raise QueueUnavailable(
                f"the queue's file {self.path} was moved or deleted while in use. "
                "Put it back, or ask again for a new one"
            )
        self._inode = _made(self.path)
        wait = PATIENCE_MS / 1000
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=wait)
        try:
            connection.row_factory = sqlite3.Row
            _set_up(connection, self._pages, self.path)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _unavailable(self, error: sqlite3.Error | OSError) -> QueueUnavailable:
        words = str(error) or type(error).__name__
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            self._close()
            mend = "Move it aside and restore a copy; a new one is made when none is there"
        elif name.startswith("SQLITE_FULL"):
            mend = "Free disk space, or discard dead letters, and ask again"
        elif name.startswith("SQLITE_BUSY"):
            mend = f"Another process held it for {PATIENCE_MS / 1000:g} s: ask again"
        else:
            self._close()
            mend = "Check that this user may read and write it and its folder, and ask again"
        return QueueUnavailable(f"the queue's file {self.path} can't be used: {words}. {mend}")


def _inode(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _made(path: Path) -> tuple[int, int]:
    """The file's identity; made readable for its owner alone where it was missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that exists isn't opened here: closing it would drop the locks that SQLite holds on it in this process
    # (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name survives a power cut
        finally:
            os.close(folder)
    return _inode(os.stat(path))


def _set_up(connection: sqlite3.Connection, pages: int, path: Path) -> None:
    # Before the first change: a file that isn't ours keeps its mode and its journal.
    connection.execute("BEGIN")
    try:
        _known_layout(connection, path)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(FileNotFoundError):
            if os.stat(each).st_mode & 0o077:
                os.chmod(each, 0o600)
    to_wal(connection, PATIENCE_MS / 1000)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
    connection.execute(f"PRAGMA max_page_count = {int(pages)}")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _known_layout(connection, path):
            for statement in SCHEMA:
                connection.execute(statement)
        for statement in ORIGINS:
            connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _known_layout(connection: sqlite3.Connection, path: Path) -> bool:
    """False for an empty file; QueueUnavailable for one that isn't ours to use."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if empty and version == 0 and application == 0:
        return False
    if application != APPLICATION:
        raise QueueUnavailable(f"{path} is another program's database. Give the queue a file of its own")
    if version > VERSION:
        raise QueueUnavailable(
            f"{path} was written by a newer bedrock-support (layout {version}, this one knows {VERSION}). "
            "Use that version, or give the queue another file"
        )
    if version != VERSION:
        raise QueueUnavailable(f"{path} has the unknown layout {version}. Give the queue another file")
    return True
