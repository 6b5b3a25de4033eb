"""Whole results of calls whose answer shows a part: made when somebody reads the resource, not before."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

PREFIX = "support://results/"
MOST_KEPT = 32
"""Results; the oldest gives way."""
MOST_BYTES = 8 * 2**20
"""Of one result as JSON."""


class TooLarge(Exception):
    """The whole result is larger than a client should be given."""


class Results:
    """By id. An id can't be guessed, so that whoever has it was given it."""

    def __init__(self) -> None:
        self._kept: dict[str, Callable[[], BaseModel]] = {}

    def keep(self, token: str, make: Callable[[], BaseModel]) -> str:
        """The resource's address."""
        self._kept[token] = make
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return f"{PREFIX}{token}"

    def has(self, token: str) -> bool:
        return token in self._kept

    def read(self, token: str) -> str:
        """The result as JSON. Blocks: call off the loop.

        Raises:
            KeyError: there is no such result any more.
            TooLarge: it has more than MOST_BYTES bytes.
        """
        text = self._kept[token]().model_dump_json(exclude_none=True)
        if len(text.encode()) > MOST_BYTES:
            raise TooLarge
        return text
