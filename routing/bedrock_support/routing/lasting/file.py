"""The file of what outlives the process: set aside when it is damaged, and begun anew.

A durable transaction survives a power cut; the others may lose their last ones to it, and nothing else.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from bedrock_support.routing.one_file import Layout, OneFile, damaged, identity

log = logging.getLogger(__name__)

APPLICATION = 0x4253504C
"""BSPL."""
PAGES = 65_536
"""Most pages of the file, of 4096 bytes; beyond, nothing more is kept until the oldest rows have gone."""
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
)


class LastingUnavailable(Exception):
    """The file can't be used just now. Safe to show."""


class LastingFile(OneFile):
    """One file, one connection, opened when first used. Every call blocks; safe to use from several threads."""

    layout = Layout(APPLICATION, 1, SCHEMA)
    patience = 1.0  # what is kept here is never worth a late answer
    pragmas = ("secure_delete = ON", "trusted_schema = OFF", f"max_page_count = {PAGES}")

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.set_aside = 0
        """Damaged files that were put out of the way."""

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Generator[sqlite3.Connection]:
        """Everything inside happens, or nothing; `durable`: it is on the disk afterwards.

        Raises:
            LastingUnavailable: the file can't be used just now. A damaged one was set aside: the next call begins anew.
        """
        with self._transaction(durable=durable) as connection:
            yield connection

    def _failed(self, error: sqlite3.Error | OSError | UnicodeError) -> LastingUnavailable:
        if isinstance(error, UnicodeError):
            return LastingUnavailable(f"{self.path}: a text in it isn't UTF-8")
        if damaged(error):
            self._close()
            self._move(error)
        elif isinstance(error, OSError):
            self._close()
        return LastingUnavailable(f"{self.path} can't be used: {str(error) or type(error).__name__}")

    def _move(self, error: Exception) -> None:
        """Put the damaged file out of the way, unless another process has done so already."""
        mine = self._identity
        with suppress(OSError):
            if mine is None or identity(self.path) != mine:
                return
            self.set_aside += 1
            log.warning("%s is damaged (%s): set aside, begun anew", self.path, type(error).__name__)
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    part = self.path.with_name(f"{self.path.name}{suffix}")
                    part.replace(self.path.with_name(f"damaged-{mine[1]}-{part.name}"))

    def _refuse(self, application: int, version: int) -> None:
        if (application, version) != (self.layout.application, self.layout.version):
            raise LastingUnavailable(
                f"{self.path} is no file of layout {self.layout.version} (application {application:#x}, layout "
                f"{version}). Give the store another folder, or use the version of this program that made it"
            )
