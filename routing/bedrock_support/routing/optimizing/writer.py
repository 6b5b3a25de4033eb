"""A store whose writes are gathered: whoever writes doesn't wait for the disk, nor for another process's lock."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager, suppress
from sqlite3 import Error

from bedrock_support.routing.optimizing.port import AnyStore, Gathered, Table

MOST_WAITING = 1024
"""Writes that wait; beyond, the next ones are refused: an answer that isn't kept is asked for again."""
MOST_BYTES = 32 * 1024 * 1024
"""Bytes of them together."""
AT_ONCE = 128
"""Writes in one transaction: between two of them another process gets its turn."""
IDLE = 5.0
"""Seconds without a write after which the thread ends."""


class BoundedWriter:
    """A store in front of another one. A write is in force here at once, and elsewhere a moment later, in order.

    What a killed process had not written is as if it had never been kept: a miss. One thread writes, only while there
    is something to write. Reads look at what waits first.
    """

    def __init__(self, store: AnyStore) -> None:
        self._store = store
        self._waiting: OrderedDict[int, Gathered] = OrderedDict()
        self._newest: dict[str, Gathered] = {}
        self._bytes = 0
        self._last = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ending = False
        self.refused = 0
        """Writes that found no room."""

    def get(self, key: str) -> bytes | None:
        """The value that waits to be written, else the store's."""
        with self._changed:
            found = self._newest.get(key)
        if found is None or found.drops is not None:
            return self._store.get(key)
        return found.value

    def set(self, key: str, value: bytes, seconds: float) -> bool:
        """Take it in; False where too much waits. Never waits."""
        return self._take(Gathered(key=key, value=value, seconds=seconds))

    def add(self, key: str, value: bytes, seconds: float) -> bool:
        """Past the gathering: of all processes one succeeds, and is told now."""
        return self._store.add(key, value, seconds)

    def delete(self, key: str, value: bytes) -> None:
        """Drop the key where it holds this value, after all that was written before: whoever sees it gone sees that."""
        if not self._take(Gathered(key=key, value=b"", seconds=0.0, drops=value)):
            self.flush()
            self._store.delete(key, value)

    def write(self, many: list[Gathered]) -> None:
        """All of them, as they come."""
        for each in many:
            self._take(each)

    @contextmanager
    def locked(self) -> Generator[Table]:
        """The table of the store itself, with all that was written."""
        self.flush()
        with self._store.locked() as table:
            yield table

    def flush(self) -> None:
        """Wait until everything that was taken in is written, or was tried."""
        with self._changed:
            last = self._last
            self._changed.wait_for(lambda: not self._waiting or next(iter(self._waiting)) > last)

    def close(self) -> None:
        """Write the rest, end the thread and close the store; a later call begins anew."""
        self.flush()
        with self._changed:
            self._ending, thread = True, self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join()
        self._ending = False
        self._store.close()

    def _take(self, one: Gathered) -> bool:
        with self._changed:
            size = len(one.value)
            if len(self._waiting) >= MOST_WAITING or self._bytes + size > MOST_BYTES:
                self.refused += 1
                return False
            self._last += 1
            self._waiting[self._last] = one
            self._newest[one.key] = one
            self._bytes += size
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bounded-writer", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting and not self._ending:
                    self._changed.wait_for(lambda: self._waiting or self._ending, IDLE)
                if not self._waiting:
                    self._thread = None
                    return
                first = list(self._waiting.items())[:AT_ONCE]
            with suppress(OSError, Error, ValueError):  # as for one write: what can't be kept is a miss
                self._store.write([one for _, one in first])
            with self._changed:
                for number, one in first:
                    del self._waiting[number]
                    self._bytes -= len(one.value)
                    if self._newest.get(one.key) is one:
                        del self._newest[one.key]
                self._changed.notify_all()
