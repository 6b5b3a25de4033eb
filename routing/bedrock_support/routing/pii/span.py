"""What a detector finds."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A find: characters [start, end) of the text, what they are, and how sure that is."""

    start: int
    end: int
    label: str
    rank: int = 0
    """Of two finds that overlap the higher rank wins: 3 proven by check digits or a fixed form, 2 by a key, 1 by
    context, 0 by shape alone."""

    @property
    def length(self) -> int:
        return self.end - self.start


PROVEN, KEYED, CONTEXT, SHAPE = 3, 2, 1, 0


def resolved(spans: list[Span]) -> list[Span]:
    """Spans that don't overlap: higher rank first, then the longer, then the earlier. In order of their start."""
    kept: list[Span] = []
    taken = bytearray(max((each.end for each in spans), default=0))
    for each in sorted(spans, key=_order):
        start, end, _, _ = each
        if end > start and taken.find(1, start, end) < 0:
            kept.append(each)
            taken[start:end] = b"\1" * (end - start)
    return sorted(kept)


def _order(span: Span) -> tuple[int, int, int]:
    start, end, _, rank = span
    return -rank, start - end, start
