"""Stack traces in a run of lines: where each begins and ends, which record announces it, and how often it came."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bedrock_support.tools.logs.records import FRAME
from bedrock_support.tools.logs.templates import CONTINUES, IN_FRAME, Miner
from bedrock_support.tools.logs.times import stamped
from bedrock_support.tools.logs.traces import EXCEPTION, Trace, end_of, parse
from bedrock_support.tools.logs.wrapped import unwrapped

_MAX_TRACES = 300
_MAX_RUNS = 5_000
_LOOK_BACK = 4


@dataclass(slots=True)
class TraceGroup:
    """All appearances of one stack trace."""

    trace: Trace
    first: int
    length: int
    """Lines of its first appearance."""
    counts: Counter[int] = field(default_factory=Counter[int])
    firsts: dict[int, int] = field(default_factory=dict[int, int])
    heads: set[int] = field(default_factory=set[int])
    """Numbers of the templates that announce it."""

    @property
    def count(self) -> int:
        return self.counts.total()


@dataclass(slots=True)
class Lines:
    """A block of lines and what is known of each."""

    lines: list[bytes]
    keys: list[bytes]
    numbers: list[int]
    """Numbers of templates; lines that turn out to continue a trace are set to CONTINUES."""
    buckets: list[int]
    records: list[bool] | None
    """Whether a line begins a record; None when the log has no times to tell it by."""
    base: int
    """Place of the first line."""


@dataclass(slots=True)
class _Strand:
    """The lines of one writer, in order."""

    lines: Sequence[bytes]
    keys: Sequence[bytes]
    numbers: list[int]
    buckets: Sequence[int]
    records: Sequence[bool]
    places: Sequence[int]
    timed: bool


class TraceFinder:
    """Collects the stack traces of a log, in bounded memory."""

    def __init__(self, miner: Miner) -> None:
        self.groups: dict[tuple[str, str, str], TraceGroup] = {}
        self.lost = 0
        """Traces that found no room."""
        self._miner = miner
        self._runs: dict[int, tuple[str, str, str] | None] = {}

    def look(self, block: Lines, prefix: re.Pattern[bytes] | None) -> None:
        """Find the traces of a block, whose lines all begin with `prefix` if there is one."""
        if prefix is not None:
            self._wrapped(block, prefix)
        elif IN_FRAME in block.numbers or not self._miner.starts.isdisjoint(block.numbers):
            size = len(block.lines)
            places = range(block.base, block.base + size)
            records = block.records or [False] * size
            timed = block.records is not None
            self._find(_Strand(block.lines, block.keys, block.numbers, block.buckets, records, places, timed))
        self._stacks_inside(block)

    def _wrapped(self, block: Lines, prefix: re.Pattern[bytes]) -> None:
        bare, of = unwrapped(block.lines, prefix)
        for at, line in enumerate(bare):
            if line[:1] in (b" ", b"\t") and FRAME.match(line):
                block.numbers[at] = IN_FRAME
        for indices in of.values():
            numbers = [block.numbers[at] for at in indices]
            if IN_FRAME not in numbers and self._miner.starts.isdisjoint(numbers):
                continue
            lines = [bare[at] for at in indices]
            records = [stamped(line) for line in lines]
            strand = _Strand(
                lines,
                lines,
                numbers,
                [block.buckets[at] for at in indices],
                records,
                [block.base + at for at in indices],
                any(records),
            )
            self._find(strand)
            for at, number in zip(indices, numbers, strict=True):
                block.numbers[at] = number

    def _find(self, own: _Strand) -> None:
        numbers, lines, records = own.numbers, own.lines, own.records
        at, floor = 0, 0
        while at < len(lines):
            number = numbers[at]
            if number != IN_FRAME and number not in self._miner.starts:
                at += 1
                continue
            begin = at if number in self._miner.starts else self._head(own, at, floor)
            stop = end_of(lines, begin, records)
            # Most logs announce a trace by a record of their own just before it.
            announced = begin and own.timed and not records[begin] and records[begin - 1]
            head = numbers[begin - 1 if announced else begin]
            run = hash(tuple(own.keys[begin:stop]))
            self._keep(lines[begin:stop], run, head, own.buckets[begin], own.places[begin])
            # The record that carries the trace is counted; the lines that only continue it are not.
            first = begin + 1 if records[begin] or numbers[begin] >= 0 else begin
            numbers[first:stop] = [CONTINUES] * (stop - first)
            at = floor = max(stop, at + 1)

    def _head(self, own: _Strand, at: int, floor: int) -> int:
        """The line that names the exception whose frames begin at `at`."""
        for back in range(at - 1, max(floor, at - _LOOK_BACK) - 1, -1):
            if own.records[back] or (own.numbers[back] >= 0 and EXCEPTION.search(own.lines[back][:1000])):
                return back
        return max(floor, at - 1)

    def _keep(self, lines: Sequence[bytes], run: int, head: int, bucket: int, line: int) -> None:
        if run in self._runs:
            key = self._runs[run]
        else:
            trace = parse(lines)
            key = None if trace is None else self._group(trace, line, len(lines))
            if len(self._runs) > _MAX_RUNS:
                self._runs.clear()
            self._runs[run] = key
        if key is not None:
            self._tell(self.groups[key], head, bucket, line)

    def _stacks_inside(self, block: Lines) -> None:
        """Traces that JSON lines carry in a field, one for each template."""
        carrying = {each.number for each in self._miner.templates if each.stack}
        if carrying.isdisjoint(block.numbers):
            return
        for at, (number, bucket) in enumerate(zip(block.numbers, block.buckets, strict=True)):
            if number in carrying:
                self._keep(self._miner.templates[number].stack, -1 - number, number, bucket, block.base + at)

    def _group(self, trace: Trace, line: int, length: int) -> tuple[str, str, str] | None:
        where = f"{trace.frame.file}:{trace.frame.line}" if trace.frame else ""
        key = (trace.language, trace.kind, where)
        if key not in self.groups:
            if len(self.groups) >= _MAX_TRACES:
                self.lost += 1
                return None
            self.groups[key] = TraceGroup(trace, line, length)
        return key

    def _tell(self, group: TraceGroup, head: int, bucket: int, line: int) -> None:
        group.counts[bucket] += 1
        group.firsts[bucket] = min(group.firsts.get(bucket, line), line)
        group.first = min(group.first, line)
        if head >= 0:
            group.heads.add(head)
