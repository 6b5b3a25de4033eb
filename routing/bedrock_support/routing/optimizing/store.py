"""The shared store on disk, and the only door to diskcache: bytes under text keys, nothing else, never a pickle.

diskcache unpickles whatever its table says is a pickle, so whoever can write the folder can run code in every process
that reads it (CVE-2025-69872). This Disk takes bytes and text alone, in the row itself, and refuses every other mode.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import diskcache  # pyright: ignore[reportMissingTypeStubs]
from diskcache.core import MODE_RAW  # pyright: ignore[reportMissingTypeStubs]

from bedrock_support.routing.optimizing.port import Gathered, Table

T = TypeVar("T")
log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024 * 1024
"""Size at which the oldest entries give way."""
BUSY_SECONDS = 0.5
"""How long a write waits for another process's: a cache is never worth a late answer."""
LOCK_TRIES = 6
"""How often a lock is waited for as long: money isn't given up so soon."""
_IN_ROW = 1 << 30
"""No value goes to a file of its own: a name of a file in the table would be another way to read what isn't ours."""


class Busy(OSError):
    """Other processes held the store for too long."""


class Refused(ValueError):
    """The table holds something that this store would never have written."""


class BytesDisk(diskcache.Disk):
    """Keys are text, values are bytes. Everything else is refused, on the way in and on the way out."""

    def put(self, key: Any) -> Any:
        if not isinstance(key, str):
            raise TypeError(f"key of type {type(key).__name__}; give text")
        return key, True

    def get(self, key: Any, raw: Any) -> Any:
        if not raw or not isinstance(key, str):
            raise Refused("a key is not text")
        return key

    def store(self, value: Any, read: Any, key: Any = None) -> Any:
        if not isinstance(value, bytes) or read:
            raise TypeError(f"value of type {type(value).__name__}; give bytes")
        return 0, MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> Any:
        if mode != MODE_RAW or filename is not None or not isinstance(value, bytes):
            raise Refused("a value is not bytes")
        return bytes(value)


class Store:
    """Bytes by key, with an end, shared by processes. Every call blocks: use it off the event loop.

    A damaged file is set aside and an empty one takes its place. What can't be read or written is a miss: this store
    holds nothing that can't be had again, but for money, which `locked` guards and which fails loudly.
    """

    def __init__(self, folder: Path, *, most_bytes: int | None = MOST_BYTES) -> None:
        """`most_bytes` None: nothing ever gives way."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._opening = threading.Lock()
        self._cache: Any = None
        self._identity: tuple[int, int] | None = None
        """Of the file that is open."""
        self.set_aside = 0
        """Damaged files that were put out of the way."""

    def get(self, key: str) -> bytes | None:
        """The value, or None where there is none, it has ended, or it can't be read."""
        return self._tried(lambda cache: cache.get(key))

    def set(self, key: str, value: bytes, seconds: float) -> bool:
        """Keep the value for so long. False when it couldn't be kept."""
        return bool(self._tried(lambda cache: cache.set(key, value, expire=seconds)))

    def add(self, key: str, value: bytes, seconds: float) -> bool:
        """Keep the value unless there is one: at any moment one caller of all processes succeeds."""
        return bool(self._tried(lambda cache: cache.add(key, value, expire=seconds)))

    def delete(self, key: str, value: bytes) -> None:
        """Drop the key where it still holds this value."""

        def drop(cache: Any) -> None:
            with cache.transact():
                if cache.get(key) == value:
                    cache.delete(key)

        self._tried(drop)

    def write(self, many: list[Gathered]) -> None:
        """All of these writes in one transaction; a busy store is waited for as money does, since nobody waits here."""

        def all_of_them(cache: Any) -> None:
            with self._held(cache):
                for each in many:
                    if each.drops is None:
                        cache.set(each.key, each.value, expire=each.seconds)
                    elif cache.get(each.key) == each.drops:
                        cache.delete(each.key)

        self._tried(all_of_them)

    @contextmanager
    def locked(self) -> Generator[Table]:
        """The table under a lock that holds across processes; everything in the block happens or nothing does.

        Raises:
            OSError, sqlite3.Error, ValueError: the store can't be used just now, or is damaged.
        """
        cache = self._opened()
        try:
            with self._held(cache):
                yield cache
        except (sqlite3.DatabaseError, Refused) as fault:
            if not isinstance(fault, sqlite3.OperationalError):
                self._put_aside(fault)  # this caller is told; the next one finds a new store
            raise

    @contextmanager
    def _held(self, cache: Any) -> Generator[None]:
        with ExitStack() as stack:
            for left in reversed(range(LOCK_TRIES)):
                try:
                    stack.enter_context(cache.transact(retry=False))
                    break
                except diskcache.Timeout:
                    if not left:
                        raise Busy("the store is held by other processes") from None
            yield

    def size(self) -> int:
        """Bytes on disk; 0 when it can't be told."""
        return int(self._tried(lambda cache: cache.volume()) or 0)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._opening:
            cache, self._cache = self._cache, None
            if cache is not None:
                cache.close()

    def _tried(self, work: Callable[[Any], T]) -> T | None:
        try:
            return work(self._opened())
        except (diskcache.Timeout, OSError):
            return None
        except sqlite3.OperationalError:
            return None  # a full disk, a lock: both pass
        except (sqlite3.DatabaseError, Refused) as fault:
            self._put_aside(fault)
            return None

    def _opened(self) -> Any:
        with self._opening:
            if self._cache is None:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._cache = self._made()
                self._identity = self._on_disk()
            return self._cache

    def _on_disk(self) -> tuple[int, int] | None:
        with suppress(OSError):
            status = (self._folder / "cache.db").stat()
            return status.st_dev, status.st_ino
        return None

    def _made(self) -> Any:
        try:
            return self._new()
        except (sqlite3.DatabaseError, Refused) as fault:
            if isinstance(fault, sqlite3.OperationalError):
                raise
            self._identity = self._on_disk()
            self._move(fault)
            return self._new()

    def _new(self) -> Any:
        return diskcache.Cache(
            str(self._folder),
            disk=BytesDisk,
            timeout=BUSY_SECONDS,  # pyright: ignore[reportArgumentType] - sqlite takes parts of a second
            size_limit=self._most_bytes or MOST_BYTES,
            # Any other policy than these writes at each read.
            eviction_policy="none" if self._most_bytes is None else "least-recently-stored",
            disk_min_file_size=_IN_ROW,
            statistics=0,
        )

    def _put_aside(self, fault: Exception) -> None:
        with self._opening:
            cache, self._cache = self._cache, None
            if cache is not None:
                cache.close()
                self._move(fault)

    def _move(self, fault: Exception) -> None:
        mine = self._identity
        if mine is None or self._on_disk() != mine:
            return  # another process has put it aside and begun anew
        self.set_aside += 1
        log.warning("the store in %s is damaged (%s): set aside, begun anew", self._folder, type(fault).__name__)
        for suffix in ("", "-wal", "-shm"):
            path = self._folder / f"cache.db{suffix}"
            if path.exists():
                path.replace(self._folder / f"damaged-{mine[1]}.db{suffix}")
