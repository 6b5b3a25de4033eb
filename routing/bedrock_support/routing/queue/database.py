"""The queue's SQLite file: what is in it, and its errors in words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from bedrock_support.routing.one_file import Layout, OneFile, damaged, error_name
from bedrock_support.routing.queue.model import QueueRefused, QueueUnavailable

VERSION = 1
APPLICATION = 0x42535051
"""BSPQ."""

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
)

ORIGINS = (
    "CREATE TABLE IF NOT EXISTS origins (id TEXT PRIMARY KEY, trace TEXT NOT NULL) STRICT",
    """CREATE TRIGGER IF NOT EXISTS origin_gone AFTER DELETE ON messages BEGIN
        DELETE FROM origins WHERE id = old.id; END""",
)
"""The spans that messages come from. Beside the layout, not in it: files and programs that know nothing of it go on."""


class Database(OneFile):
    """One file, one connection, opened when first used. Safe to use from several threads, not over a fork."""

    layout = Layout(APPLICATION, VERSION, SCHEMA)
    patience = 5.0

    def __init__(self, path: Path, pages: int) -> None:
        super().__init__(path)
        self.pragmas = (
            "trusted_schema = OFF",
            f"max_page_count = {int(pages)}",
        )

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Everything inside happens, or nothing. Raises QueueRefused, QueueUnavailable."""
        with self._transaction() as connection:
            yield connection

    def _moved(self) -> None:
        raise QueueUnavailable(
            f"the queue's file {self.path} was moved or deleted while in use. Put it back, or ask again for a new one"
        )

    def _refuse(self, application: int, version: int) -> None:
        if application != APPLICATION:
            raise QueueUnavailable(f"{self.path} is another program's database. Give the queue a file of its own")
        if version > VERSION:
            raise QueueUnavailable(
                f"{self.path} was written by a newer bedrock-support (layout {version}, this one knows {VERSION}). "
                "Use that version, or give the queue another file"
            )
        if version != VERSION:
            raise QueueUnavailable(f"{self.path} has the unknown layout {version}. Give the queue another file")

    def _lay_out(self, connection: sqlite3.Connection, *, empty: bool) -> None:
        connection.row_factory = sqlite3.Row
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                each = self.path.with_name(f"{self.path.name}{suffix}")
                if os.stat(each).st_mode & 0o077:
                    os.chmod(each, 0o600)
        super()._lay_out(connection, empty=empty)
        for statement in ORIGINS:
            connection.execute(statement)

    def _failed(self, error: sqlite3.Error | OSError | UnicodeError) -> QueueRefused | QueueUnavailable:
        if isinstance(error, UnicodeEncodeError):
            return QueueRefused("an argument holds a lone surrogate. Send text that UTF-8 can hold")
        if isinstance(error, UnicodeError):
            return QueueUnavailable(
                f"the queue's file {self.path} is damaged: a text in it isn't UTF-8. "
                "Move it aside and restore a copy; a new one is made when none is there"
            )
        name = error_name(error)
        if damaged(error):
            self._close()
            mend = "Move it aside and restore a copy; a new one is made when none is there"
        elif name.startswith("SQLITE_FULL"):
            mend = "Free disk space, or discard dead letters, and ask again"
        elif name.startswith("SQLITE_BUSY"):
            mend = f"Another process held it for {self.patience:g} s: ask again"
        else:
            self._close()
            mend = "Check that this user may read and write it and its folder, and ask again"
        words = str(error) or type(error).__name__
        return QueueUnavailable(f"the queue's file {self.path} can't be used: {words}. {mend}")
