"""Reading a log beside its writers: one snapshot, nothing locked, nothing believed."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bedrock_support.telemetry.audit.faults import AuditUnavailable
from bedrock_support.telemetry.audit.sqlite import PATIENCE

AT_ONCE = 2000
"""Rows held in memory."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record as it lies in the file, whatever an attacker made of it."""

    index: int
    body: bytes | None
    """None: pruned, only its leaf is left."""
    leaf: bytes


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection]:
    """A read-only connection in one transaction; texts come as bytes, since they may be anything.

    Raises:
        AuditUnavailable: there is no such file, or it can't be opened.
    """
    if not path.is_file():
        raise AuditUnavailable(f"there is no audit trail at {path}. Give its folder, or run the server once")
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None, timeout=PATIENCE
    )
    try:
        connection.text_factory = bytes
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()


def rows(connection: sqlite3.Connection, first: int = 0) -> Iterator[Row]:
    """Every record in the file's order of indexes."""
    cursor = connection.execute("SELECT idx, body, leaf FROM records WHERE idx >= ? ORDER BY idx", (first,))
    while batch := cursor.fetchmany(AT_ONCE):
        for index, body, leaf in batch:
            yield Row(index, body, leaf)


def leaves(connection: sqlite3.Connection, first: int, end: int) -> list[bytes]:
    """Leaf hashes from index `first` up to, not with, `end`; as many as there are."""
    query = "SELECT leaf FROM records WHERE idx >= ? AND idx < ? ORDER BY idx"
    return [row[0] for row in connection.execute(query, (first, end))]


def notes(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """Size and signed note of each checkpoint in the file, smallest first."""
    query = "SELECT size, note FROM checkpoints ORDER BY size"
    return [(size, bytes(signed).decode(errors="replace")) for size, signed in connection.execute(query)]


def origin(connection: sqlite3.Connection) -> str:
    """Which log the file says it is."""
    row = connection.execute("SELECT value FROM about WHERE name = 'origin'").fetchone()
    return "" if row is None else bytes(row[0]).decode(errors="replace")
