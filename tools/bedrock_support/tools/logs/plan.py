"""What to read and in which order, so that a budget that ends early has still seen the most useful parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bedrock_support.tools.logs.grid import Grid, counted_grid, timed_grid
from bedrock_support.tools.logs.reader import Block
from bedrock_support.tools.logs.reader import index as index_source
from bedrock_support.tools.logs.sources import Source
from bedrock_support.tools.logs.times import Stamps

_SMALL = 16
"""Up to so many blocks are read from front to back."""
_ENDS = 4
_PEEK = 4_096


@dataclass(slots=True)
class Indexed:
    """Every block with the first stamp in it, and the grid they span."""

    blocks: list[Block]
    stamps: list[int | None]
    grid: Grid
    whole: bool
    """False: the budget ended while newlines were counted, and what lies behind is unknown."""
    timed_sources: frozenset[int]
    bases: list[int]
    """Lines before each source, counted through all of them."""


def index_all(
    sources: list[Source], stamps: Stamps, window: tuple[int, int] | None, go_on: Callable[[], bool]
) -> Iterator[Indexed | None]:
    """Index block by block; yields None after each, then the finished index."""
    blocks: list[Block] = []
    firsts: list[int | None] = []
    bases: list[int] = []
    lasts: list[int] = []
    whole, lines = True, 0
    for number, source in enumerate(sources):
        bases.append(lines)
        for block in index_source(source, number):
            blocks.append(block)
            firsts.append(_first_stamp(source.read_at(block.start, min(_PEEK, block.stop - block.start)), stamps))
            lines += block.lines
            yield None
            # The first block is always read, however small the budget.
            if not go_on():
                whole = False
                break
        lasts += _last_stamps(source, blocks, stamps)
        if not whole:
            break
    known = sorted([stamp for stamp in firsts if stamp is not None] + lasts)
    timed = frozenset(block.source for block, stamp in zip(blocks, firsts, strict=True) if stamp is not None)
    yield Indexed(blocks, firsts, _grid(known, lines, window), whole, timed, bases)


def order(plan: Indexed, used: Callable[[], float], left: Callable[[], float]) -> Iterator[int]:
    """Indices of blocks, most useful first; ends when no time is `left`, given the time `used` so far."""
    waiting = list(range(len(plan.blocks)))
    done = 0
    for at in _first_lap(plan):
        if done and left() <= 0:
            return
        waiting.remove(at)
        yield at
        done += 1
    while waiting:
        skipped: list[int] = []
        at = 0
        while at < len(waiting):
            if done and left() <= 0:
                return
            yield waiting[at]
            done += 1
            # If the rest doesn't fit, skip evenly, so that what is read stays a fair sample of the whole.
            fits = max(1.0, left() / max(1e-6, used() / done))
            step = max(1, -(-(len(waiting) - at - 1) // max(1, int(fits))))
            skipped += waiting[at + 1 : at + step]
            at += step
        waiting = skipped


def _first_lap(plan: Indexed) -> list[int]:
    if len(plan.blocks) <= _SMALL:
        return []
    wanted: dict[int, None] = {}
    if plan.grid.window:
        first, last = plan.grid.window
        for at, stamp in enumerate(plan.stamps):
            later = plan.stamps[at + 1] if at + 1 < len(plan.stamps) else None
            if stamp is not None and stamp < last and (later is None or later >= first):
                wanted[at] = None
    of: dict[int, list[int]] = {}
    for at, block in enumerate(plan.blocks):
        of.setdefault(block.source, []).append(at)
    each = _ENDS if len(of) <= 4 else 1
    for blocks in list(of.values())[:32]:
        wanted |= dict.fromkeys(blocks[-each:])
        wanted |= dict.fromkeys(blocks[:each])
    return list(wanted)


def _grid(known: list[int], lines: int, window: tuple[int, int] | None) -> Grid:
    if not known:
        return counted_grid(lines)
    first, last = known[0], known[-1]
    # One broken clock must not stretch the axis: a few stamps are left out if they lie far from all others.
    trim = max(1, len(known) // 50)
    if len(known) > 2 * trim + 4 and last - first > 4 * (known[-1 - trim] - known[trim]) + 60:
        first, last = known[trim], known[-1 - trim]
    return timed_grid(first, last, window)


def _first_stamp(data: bytes, stamps: Stamps) -> int | None:
    for line in data.split(b"\n")[:25]:
        found = stamps.read(line)
        if found:
            return found.seconds
    return None


def _last_stamps(source: Source, blocks: list[Block], stamps: Stamps) -> list[int]:
    stop = blocks[-1].stop if blocks else source.size
    tail = source.read_at(max(0, stop - 2 * _PEEK), 2 * _PEEK).split(b"\n")
    found = [stamp.seconds for stamp in map(stamps.read, tail[1:] or tail) if stamp]
    return [max(found)] if found else []
