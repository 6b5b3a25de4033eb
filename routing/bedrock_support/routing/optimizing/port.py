"""What a store of the optimizer is, on disk or in memory."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Table(Protocol):
    """The rows, while they are locked."""

    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes) -> object: ...


class AnyStore(Protocol):
    """What Store does: bytes by key, with an end. Every call may block."""

    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes, seconds: float) -> bool: ...

    def add(self, key: str, value: bytes, seconds: float) -> bool: ...

    def delete(self, key: str, value: bytes) -> None: ...

    def locked(self) -> AbstractContextManager[Table]: ...

    def close(self) -> None: ...
