"""What a store of the optimizer is, on disk or in memory."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


class Table(Protocol):
    """The rows, while they are locked."""

    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """One write of several that are done together."""

    key: str
    value: bytes
    seconds: float
    drops: bytes | None = None
    """Instead of a value to keep: the one that the key is dropped for."""


class AnyStore(Protocol):
    """What Store does: bytes by key, with an end. Every call may block."""

    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes, seconds: float) -> bool: ...

    def add(self, key: str, value: bytes, seconds: float) -> bool: ...

    def delete(self, key: str, value: bytes) -> None: ...

    def write(self, many: list[Gathered]) -> None:
        """All of these writes in their order, in one transaction where there are such."""
        ...

    def locked(self) -> AbstractContextManager[Table]: ...

    def close(self) -> None: ...
