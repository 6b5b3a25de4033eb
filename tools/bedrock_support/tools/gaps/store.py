"""What was once read of a file, kept by the hash of its content: a second run reads only what changed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

from bedrock_support.routing.wal import to_wal
from bedrock_support.tools.gaps.options import FACTS_VERSION

if TYPE_CHECKING:
    from bedrock_support.tools.gaps.facts import FileFacts

MOST_ROWS = 200_000
PATIENCE = 1.0
"""Seconds to wait for another process: what isn't remembered is read again."""
"""Files that are remembered."""
_MOST_JSON = 50_000_000
"""Bytes that one entry may unpack to: a cache is a file that others may have written."""
_ASKED_AT_ONCE = 500


def key_of(source: bytes, language: str = "py") -> bytes:
    """Hash of content, of its language and of the shape of facts."""
    return hashlib.sha256(FACTS_VERSION.to_bytes(4, "big") + language.encode() + b"\0" + source).digest()


class FactStore:
    """Facts in one SQLite file, or in memory without one. A file that can't be used is no error: nothing is remembered.

    Used from worker threads.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._memory: dict[bytes, bytes] = {}
        self._base: sqlite3.Connection | None = None
        self._lock = Lock()

    @property
    def lasting(self) -> bool:
        """Whether the file is open: else facts last as long as the process."""
        return self._base is not None

    def open(self) -> None:
        """Open or make the file. Blocks: call off the loop."""
        if self._path is None or self._base is not None:
            return
        with self._lock, suppress(sqlite3.Error, OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            base = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            to_wal(base, PATIENCE)
            base.execute("PRAGMA synchronous=OFF")
            base.execute("CREATE TABLE IF NOT EXISTS facts (hash BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID")
            self._base = base

    def find(self, keys: list[bytes]) -> dict[bytes, FileFacts]:
        """Remembered facts of those keys that have any."""
        packed = {key: self._memory[key] for key in keys if key in self._memory}
        if self._base is not None:
            with self._lock, suppress(sqlite3.Error):
                for at in range(0, len(keys), _ASKED_AT_ONCE):
                    part = keys[at : at + _ASKED_AT_ONCE]
                    holes = ",".join("?" * len(part))
                    rows = self._base.execute(f"SELECT hash, body FROM facts WHERE hash IN ({holes})", part)  # noqa: S608
                    packed |= {bytes(row[0]): bytes(row[1]) for row in rows}
        return {key: facts for key, body in packed.items() if (facts := unpack(body)) is not None}

    def keep(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Remember packed facts."""
        listed = list(entries)
        if self._base is None:
            self._memory.update(listed)
            for key in list(self._memory)[: max(0, len(self._memory) - MOST_ROWS // 10)]:
                del self._memory[key]
            return
        with self._lock, suppress(sqlite3.Error):
            self._base.execute("BEGIN")
            self._base.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", listed)
            (rows,) = self._base.execute("SELECT COUNT(*) FROM facts").fetchone()
            if rows > MOST_ROWS:
                # Hashes are spread evenly: the first by order are as good as any to forget.
                self._base.execute(
                    "DELETE FROM facts WHERE hash IN (SELECT hash FROM facts ORDER BY hash LIMIT ?)",
                    (rows - MOST_ROWS,),
                )
            self._base.execute("COMMIT")

    def close(self) -> None:
        if self._base is not None:
            with suppress(sqlite3.Error):
                self._base.close()
            self._base = None


def pack(facts: FileFacts) -> bytes:
    return zlib.compress(json.dumps(facts, separators=(",", ":")).encode(), 1)


def unpack(body: bytes) -> FileFacts | None:
    """Facts from their packed form; None for whatever isn't."""
    try:
        machine = zlib.decompressobj()
        text = machine.decompress(body, _MOST_JSON)
        loaded: object = json.loads(text)
    except (zlib.error, ValueError, RecursionError):
        return None
    if (
        not isinstance(loaded, dict)
        or not {"functions", "classes", "uses", "imported", "names", "tests", "problem"} <= loaded.keys()
    ):
        return None
    return cast("FileFacts", loaded)
