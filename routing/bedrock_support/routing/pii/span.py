"""What a detector finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
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
    for each in sorted(spans, key=lambda span: (-span.rank, -span.length, span.start)):
        if each.end > each.start and taken.find(1, each.start, each.end) < 0:
            kept.append(each)
            taken[each.start : each.end] = b"\1" * each.length
    return sorted(kept)
