"""One SQLite file that several processes use: opened safely, its layout checked, one transaction at a time.

WAL: what was committed survives kill -9 at any instant. What was committed with synchronous=FULL survives a power cut,
too (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.routing.wal import to_wal

WAL_KEPT = 4 * 1024 * 1024
"""Bytes of the journal that stay on the disk when it is empty."""
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


@dataclass(frozen=True, slots=True)
class Layout:
    """Whose file it is, and how an empty one is made into such a file."""

    application: int
    """Marks the file: four letters."""
    version: int
    statements: tuple[str, ...]

    def make(self, connection: sqlite3.Connection) -> None:
        """Lay out an empty file, inside the caller's transaction."""
        for statement in self.statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {self.application}")
        connection.execute(f"PRAGMA user_version = {self.version}")


def marks(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """Application and version that a file says it has; None for an empty file."""
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not (application or version or connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]):
        return None
    return application, version


def damaged(error: BaseException) -> bool:
    """Whether SQLite says that the file itself is broken."""
    return error_name(error).startswith(_DAMAGED)


def error_name(error: BaseException) -> str:
    """SQLite's name of an error; empty for errors of others."""
    return getattr(error, "sqlite_errorname", "") or ""


def identity(path: Path) -> tuple[int, int]:
    """Tells a file from another one of the same name. Raises OSError."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def made(path: Path) -> tuple[int, int]:
    """The file's identity; made for its owner alone, folder and all, where it was missing. Raises OSError."""
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
    return identity(path)


@contextmanager
def whole(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Generator[None]:
    """Everything inside happens, or nothing. Raises sqlite3.Error."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class OneFile(ABC):
    """One file, one connection, opened when first used. Every call blocks; safe to use from several threads, not over
    a fork. A subclass says what the file is, and turns errors into its own."""

    layout: Layout
    patience: float
    """Seconds to wait for another process's transaction."""
    pragmas: Sequence[str] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._durable: bool | None = None
        """What the connection is set to; None for SQLite's own choice."""

    def close(self) -> None:
        """Let go of the file; the next transaction opens it again."""
        with self._lock:
            self._close()

    @contextmanager
    def _transaction(self, *, durable: bool = True) -> Generator[sqlite3.Connection]:
        """Everything inside happens, or nothing; `durable`: it outlives a power cut. Raises what _failed() makes of
        errors."""
        with self._lock:
            try:
                connection = self._open()
                if self._durable is not durable:
                    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                    self._durable = durable
                self._begin(connection)
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    self._undo(connection)
                    raise
            except UnicodeError as error:
                raise self._failed(error) from None  # the error holds the text
            except (sqlite3.Error, OSError) as error:
                raise self._failed(error) from error
            self._committed()

    def _begin(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")

    def _committed(self) -> None:  # noqa: B027 - nothing is to be done where a file has no use for it
        """A transaction is through."""

    @abstractmethod
    def _failed(self, error: sqlite3.Error | OSError | UnicodeError) -> Exception:
        """The error in the subclass's words, after whatever it asks for. The lock is held."""

    def _moved(self) -> None:  # noqa: B027 - as above
        """The file isn't where it was: raise, or return to begin with the one that is there now."""

    @abstractmethod
    def _refuse(self, application: int, version: int) -> None:
        """Raise unless a file that is marked so can be used."""

    def _lay_out(self, connection: sqlite3.Connection, *, empty: bool) -> None:
        """Inside the first transaction of each opening."""
        if empty:
            self.layout.make(connection)

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            # What is written to a file that was moved away nobody finds again.
            with suppress(FileNotFoundError):
                if identity(self.path) == self._identity:
                    return self._connection
            self._close()
            self._moved()
        self._identity, self._durable = made(self.path), None
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=self.patience)
        try:
            # Before the first change: a file that isn't ours keeps its journal. In one transaction, since another
            # process may be laying it out right now.
            with whole(connection, "BEGIN"):
                self._known(connection)
            to_wal(connection, self.patience)
            for each in (*self.pragmas, f"journal_size_limit = {WAL_KEPT}"):
                connection.execute(f"PRAGMA {each}")
            with whole(connection):
                self._lay_out(connection, empty=not self._known(connection))
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _known(self, connection: sqlite3.Connection) -> bool:
        found = marks(connection)
        if found is not None:
            self._refuse(*found)
        return found is not None

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
