"""Keys of those whose calls are recorded. Destroying one makes every digest and every tag of theirs mean nothing.

A record names its subject by a random tag, and digests what it is about under the subject's key. Tag and key stand in
this file alone, under a keyed digest of the subject's name. The file isn't part of the log, so that the log's proofs
stay whole when a key goes.
"""

from __future__ import annotations

import hmac
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.routing.clock import Entropy
from bedrock_support.routing.one_file import made
from bedrock_support.telemetry.audit.faults import AuditUnavailable
from bedrock_support.telemetry.audit.sqlite import connect, unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What records may say of somebody."""

    tag: str
    """Random; says nothing without this file."""
    key: bytes

    def digest(self, label: str, text: str) -> str:
        """HMAC-SHA-256, hexadecimal; `label` keeps equal texts of different kinds apart."""
        data = label.encode() + b"\x00" + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, data, "sha256").hex()


class SubjectKeys:
    """The keys, opened when first used. Safe to use from several threads and processes.

    Nothing is kept in memory: another process may destroy a key at any time.
    """

    def __init__(self, path: Path, entropy: Entropy) -> None:
        self._path = path
        self._entropy = entropy
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pepper = b""

    def of(self, name: str) -> Subject:
        """The subject's tag and key, made when first asked for. Raises AuditUnavailable."""
        with self._opened() as connection:
            found = self._find(connection, name)
            if found is not None:
                return found
            tag, key = self._entropy.token(), bytes.fromhex(self._entropy.token() + self._entropy.token())
            connection.execute("INSERT OR IGNORE INTO subjects VALUES (?, ?, ?)", (self._lookup(name), tag, key))
            new = self._find(connection, name)
            if new is None:
                raise sqlite3.OperationalError("a key just made is gone")
            return new

    def known(self, name: str) -> Subject | None:
        """The subject, if it has a key."""
        with self._opened() as connection:
            return self._find(connection, name)

    def tags(self) -> set[str]:
        """Tags whose key is there."""
        with self._opened() as connection:
            return {row[0] for row in connection.execute("SELECT tag FROM subjects")}

    def destroy(self, tag: str) -> None:
        """Overwrite the key, in the file and in its write-ahead log.

        Raises:
            AuditUnavailable: it is deleted, but somebody reads the file, so that the log couldn't be emptied.
        """
        with self._opened() as connection:
            connection.execute("DELETE FROM subjects WHERE tag = ?", (tag,))
        self.overwrite()

    def overwrite(self) -> None:
        """Leave no bytes of keys that were deleted. Raises AuditUnavailable when somebody reads the file just now."""
        with self._opened() as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise AuditUnavailable(
                f"bytes of a deleted key may still be in {self._path}-wal, since another process reads it. "
                "Run `bedrock-support audit erase` again"
            )

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            self._close()

    def _find(self, connection: sqlite3.Connection, name: str) -> Subject | None:
        row = connection.execute("SELECT tag, key FROM subjects WHERE lookup = ?", (self._lookup(name),)).fetchone()
        return None if row is None else Subject(tag=row[0], key=row[1])

    def _lookup(self, name: str) -> bytes:
        return hmac.digest(self._pepper, name.encode("utf-8", "surrogatepass"), "sha256")

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                self._close()
                raise unavailable(self._path, error) from error

    def _open(self) -> sqlite3.Connection:
        made(self._path)
        connection = connect(self._path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT")
            connection.execute(
                """CREATE TABLE IF NOT EXISTS subjects
                    (lookup BLOB PRIMARY KEY, tag TEXT NOT NULL UNIQUE, key BLOB NOT NULL) STRICT"""
            )
            pepper = bytes.fromhex(self._entropy.token() + self._entropy.token())
            connection.execute("INSERT OR IGNORE INTO about VALUES ('pepper', ?)", (pepper,))
            self._pepper = connection.execute("SELECT value FROM about WHERE name = 'pepper'").fetchone()[0]
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
