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
    heap: list[Span] = []
    reach = 0
    for each in sorted(spans):
        start, end, _, _ = each
        if end <= start:
            continue
        if start >= reach and heap:
            kept += heap if len(heap) == 1 else _chosen(heap)
            heap = []
        heap.append(each)
        reach = max(reach, end)
    return kept + _chosen(heap)


def _chosen(heap: list[Span]) -> list[Span]:
    """The same of spans each of which overlaps another."""
    kept: list[Span] = []
    begin = heap[0].start if heap else 0
    taken = bytearray(max((each.end for each in heap), default=0) - begin)
    for each in sorted(heap, key=_order):
        start, end = each.start - begin, each.end - begin
        if taken.find(1, start, end) < 0:
            kept.append(each)
            taken[start:end] = b"\1" * (end - start)
    return sorted(kept)


def _order(span: Span) -> tuple[int, int, int]:
    start, end, _, rank = span
    return -rank, start - end, start
