"""The store of a server that was given no folder: in memory, for this process, bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.optimizing.port import Gathered

MOST_ENTRIES = 2_000


class MemoryStore:
    """What Store does, until the process ends. For any thread."""

    def __init__(self, clock: Clock, *, most: int = MOST_ENTRIES) -> None:
        self._clock = clock
        self._most = most
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            value, end = self._entries.get(key, (None, 0.0))
            return value if end > self._clock.now() else None

    def set(self, key: str, value: bytes, seconds: float = float("inf")) -> bool:
        with self._lock:
            self._entries[key] = value, self._clock.now() + seconds
            self._entries.move_to_end(key)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
            return True

    def add(self, key: str, value: bytes, seconds: float) -> bool:
        with self._lock:
            return self.get(key) is None and self.set(key, value, seconds)

    def delete(self, key: str, value: bytes) -> None:
        with self._lock:
            if self.get(key) == value:
                del self._entries[key]

    def write(self, many: list[Gathered]) -> None:
        with self._lock:
            for each in many:
                if each.drops is None:
                    self.set(each.key, each.value, each.seconds)
                else:
                    self.delete(each.key, each.drops)

    @contextmanager
    def locked(self) -> Generator[MemoryStore]:
        with self._lock:
            yield self

    def close(self) -> None:
        """Nothing is held."""
