"""The file of what outlives the process: opened safely, its layout checked, set aside when it is damaged.

WAL: what was committed survives kill -9 at any instant. A durable transaction survives a power cut too
(https://www.sqlite.org/pragma.html#pragma_synchronous); the others may lose their last ones to it, and nothing else.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from bedrock_support.routing.wal import to_wal

log = logging.getLogger(__name__)

VERSION = 1
APPLICATION = 0x4253504C
"""Marks the file as ours: BSPL."""
PATIENCE = 1.0
"""Seconds to wait for another process's transaction: what is kept here is never worth a late answer."""
PAGES = 65_536
"""Most pages of the file, of 4096 bytes; beyond, nothing more is kept until the oldest rows have gone."""
WAL_KEPT = 4 * 1024 * 1024
SCHEMA = (
    """CREATE TABLE questions (
        id TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        op_class TEXT NOT NULL,
        brief TEXT NOT NULL,
        evidence TEXT NOT NULL,
        decision TEXT NOT NULL,
        handed_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        answered INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX questions_by_end ON questions (expires_at)",
    """CREATE TABLE attempts (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        setup TEXT NOT NULL,
        at REAL NOT NULL,
        route TEXT NOT NULL,
        channel TEXT NOT NULL,
        op_class TEXT NOT NULL,
        learnt TEXT NOT NULL,
        size REAL NOT NULL,
        budget REAL NOT NULL,
        seconds REAL NOT NULL,
        failure TEXT NOT NULL,
        simulated INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX attempts_by_time ON attempts (setup, at)",
    """CREATE TABLE decisions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        at REAL NOT NULL,
        entry TEXT NOT NULL
    ) STRICT""",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class LastingUnavailable(Exception):
    """The file can't be used just now. Safe to show."""


class LastingFile:
    """One file, one connection, opened when first used. Every call blocks; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._durable: bool | None = None
        self.set_aside = 0
        """Damaged files that were put out of the way."""

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Generator[sqlite3.Connection]:
        """Everything inside happens, or nothing; `durable`: it is on the disk afterwards.

        Raises:
            LastingUnavailable: the file can't be used just now. A damaged one was set aside: the next call begins anew.
        """
        with self._lock:
            try:
                connection = self._open()
                if self._durable is not durable:
                    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                    self._durable = durable
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    self._undo(connection)
                    raise
            except UnicodeError as error:
                raise LastingUnavailable(f"{self.path}: a text in it isn't UTF-8") from error
            except (sqlite3.Error, OSError) as error:
                self._failed(error)
                raise LastingUnavailable(f"{self.path} can't be used: {str(error) or type(error).__name__}") from error

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

    def _failed(self, error: Exception) -> None:
        if (getattr(error, "sqlite_errorname", "") or "").startswith(_DAMAGED):
            self._close()
            self._move(error)
        elif isinstance(error, OSError):
            self._close()

    def _move(self, error: Exception) -> None:
        """Put the damaged file out of the way, unless another process has done so already."""
        mine = self._identity
        with suppress(OSError):
            if mine is None or _identity(self.path) != mine:
                return
            self.set_aside += 1
            log.warning("%s is damaged (%s): set aside, begun anew", self.path, type(error).__name__)
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    part = self.path.with_name(f"{self.path.name}{suffix}")
                    part.replace(self.path.with_name(f"damaged-{mine[1]}-{part.name}"))

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            # Another process may have set it aside: what is written to that one nobody finds again.
            with suppress(FileNotFoundError):
                if _identity(self.path) == self._identity:
                    return self._connection
            self._close()
        self._identity = _made(self.path)
        self._durable = None
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=PATIENCE)
        try:
            _set_up(connection, self.path)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection


def _identity(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _made(path: Path) -> tuple[int, int]:
    """The file's identity; made readable for its owner alone where it was missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that exists isn't opened here: closing it would drop the locks that SQLite holds on it in this process
    # (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    return _identity(path)


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    # Before the first change: a file that isn't ours keeps its journal. In one transaction, since another process may
    # be laying it out right now.
    connection.execute("BEGIN")
    try:
        _known(connection, path)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    to_wal(connection, PATIENCE)
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
    connection.execute(f"PRAGMA max_page_count = {PAGES}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _known(connection, path):
            for statement in SCHEMA:
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _known(connection: sqlite3.Connection, path: Path) -> bool:
    """False for an empty file; LastingUnavailable for one that isn't ours to use."""
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    empty = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if empty and not application and not version:
        return False
    if (application, version) != (APPLICATION, VERSION):
        raise LastingUnavailable(
            f"{path} is no file of layout {VERSION} (application {application:#x}, layout {version}). "
            "Give the store another folder, or use the version of this program that made it"
        )
    return True
