"""Lines whose values alone are new: known again by their other words, without being judged and compared anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import cast

from bedrock_support.tools.logs.severity import speaks_up

MAX_OUTLINES = 8
"""Sets of value places kept for lines of one length: each costs a look-up for a line that none of them knows."""
MAX_KEYS = 4_000

Pick = Callable[[list[bytes]], tuple[bytes, ...]]
"""Some of a line's tokens, at least one."""
_WORD = re.compile(rb"[a-z]+")


class _Outline:
    """Lines of one length with values in the same places."""

    __slots__ = ("known", "rest", "values")

    def __init__(self, count: int, places: frozenset[int]) -> None:
        self.values = picker(sorted(places))
        self.rest = picker(at for at in range(count) if at not in places)
        self.known: dict[tuple[bytes, ...], int] = {}


class Outlines:
    """Template numbers by the words around the values.

    What a line says of itself may stand in a value, too ("connection reset" among "connection accepted", "connection
    idle"): a line with such a word in a value place is neither kept nor known.
    """

    def __init__(self) -> None:
        self._by_count: dict[int, dict[frozenset[int], _Outline]] = {}

    def find(self, tokens: list[bytes]) -> tuple[int, frozenset[int]] | None:
        """The number of lines that are the same but for quiet values, and the places of these."""
        for places, outline in self._by_count.get(len(tokens), {}).items():
            number = outline.known.get(outline.rest(tokens))
            if number is not None and quiet(outline.values(tokens)):
                return number, places
        return None

    def keep(self, tokens: list[bytes], places: frozenset[int], number: int) -> bool:
        """Remember a line's words around its values, where that can help; true if that was news."""
        if not places or len(places) == len(tokens):
            return False
        outlines = self._by_count.setdefault(len(tokens), {})
        if places not in outlines and len(outlines) >= MAX_OUTLINES:
            return False
        outline = outlines.setdefault(places, _Outline(len(tokens), places))
        if len(outline.known) < MAX_KEYS and quiet(outline.values(tokens)):
            rest = outline.rest(tokens)
            before = outline.known.get(rest)
            outline.known[rest] = number
            return before != number
        return False


def quiet(values: Iterable[bytes]) -> bool:
    """Whether values say nothing of how bad a line is, alone or as a part of a phrase."""
    low = b" ".join(values).lower()
    return not speaks_up(low, _WORD.findall(low))


def picker(places: Iterable[int]) -> Pick:
    """What takes the tokens in these places, at least one, from a line's."""
    at = list(places)
    if len(at) > 1:
        return cast(Pick, itemgetter(*at))
    only = at[0]
    return lambda tokens: (tokens[only],)
