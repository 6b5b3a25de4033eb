"""One pass over a log: templates, their counts in time, and stack traces, in bounded memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

from bedrock_support.tools.logs.grid import NO_TIME, Grid
from bedrock_support.tools.logs.injection import suspected
from bedrock_support.tools.logs.onset import next_block
from bedrock_support.tools.logs.plan import Indexed, index_all, order
from bedrock_support.tools.logs.reader import lines_of
from bedrock_support.tools.logs.records import keys_of
from bedrock_support.tools.logs.services import Graves
from bedrock_support.tools.logs.severity import HIGH, mark_codes
from bedrock_support.tools.logs.sources import Source
from bedrock_support.tools.logs.templates import Miner
from bedrock_support.tools.logs.times import StampCache, Stamps
from bedrock_support.tools.logs.trace_finder import Lines, TraceFinder
from bedrock_support.tools.logs.wrapped import prefix_of

SOURCE_SHIFT = 40
"""A place is one number: the source above this bit, the line below."""
_MAX_INJECTIONS = 3
ONSET_SHARE = 0.25
"""Share of the reading time kept for the blocks around the onset, when not all can be read."""


def place(source: int, line: int) -> int:
    return source << SOURCE_SHIFT | line


class Analysis:
    """What was found in a log so far. Run `steps` to the end, or stop it anywhere."""

    def __init__(self, sources: list[Source], reference: float, window: tuple[int, int] | None) -> None:
        self.sources = sources
        self.miner = Miner()
        self.stamps = Stamps(reference)
        self.counts: dict[tuple[int, int], int] = {}
        """(template, bucket) -> lines."""
        self.firsts: dict[tuple[int, int], int] = {}
        self.totals: Counter[int] = Counter()
        self.traces = TraceFinder(self.miner)
        self.graves = Graves()
        self.read: set[int] = set()
        """Indices of the blocks that were read."""
        self.injections: list[int] = []
        """Places of the first lines that speak to a model."""
        self.injected = 0
        """Such lines in all."""
        self.plan: Indexed | None = None
        self._window = window
        self._strong = False
        self._grave: dict[int, frozenset[int]] = {}
        """By block that was read, the templates of its grave lines."""
        self._prefixes: dict[int, re.Pattern[bytes] | None] = {}
        self._bucket = NO_TIME

    @property
    def grid(self) -> Grid:
        assert self.plan is not None  # noqa: S101 - set by the first step
        return self.plan.grid

    def steps(self, now: Callable[[], float], deadline: float, check: Callable[[], None]) -> Iterator[tuple[int, int]]:
        """Work one block at a time; yields bytes done and bytes in all. `check` raises when the call was cancelled."""
        begun = now()
        total = sum(source.size for source in self.sources)
        half = begun + (deadline - begun) / 2
        for step in index_all(self.sources, self.stamps, self._window, lambda: now() < half):
            check()
            self.plan = step
            if step is None:
                yield 0, total
        assert self.plan is not None  # noqa: S101 - index_all ends with the index
        # One cache a source: files may write their times in different zones.
        caches = [StampCache(self.stamps, self.plan.grid.bucket) for _ in self.sources]
        started, done, last = now(), 0, -2
        kept = (deadline - started) * ONSET_SHARE
        spread = order(self.plan, lambda: now() - started, lambda: deadline - kept - now())
        for at in chain(spread, self._around_the_onset(now, deadline), self._what_is_left(now, deadline)):
            check()
            if at != last + 1:
                self._bucket = NO_TIME
            self._feed(at, caches[self.plan.blocks[at].source])
            last = at
            done += self.plan.blocks[at].stop - self.plan.blocks[at].start
            yield done, total
        self._fold()

    def _fold(self) -> None:
        """What was counted for templates that turned out to be one goes to the one that speaks for them."""
        into = {each.number: each.last_word() for each in self.miner.templates if each.into is not None}
        if not into:
            return
        for (number, bucket), count in [pair for pair in self.counts.items() if pair[0][0] in into]:
            one = (into[number].number, bucket)
            self.counts[one] = self.counts.get(one, 0) + count
            line = self.firsts.pop((number, bucket))
            self.firsts[one] = min(self.firsts.get(one, line), line)
            del self.counts[number, bucket]
        for number, one in into.items():
            self.miner.templates[number].hand_over(one)
        for group in self.traces.groups.values():
            group.heads = {into[number].number if number in into else number for number in group.heads}

    def _around_the_onset(self, now: Callable[[], float], deadline: float) -> Iterator[int]:
        while now() < deadline and (at := next_block(self._grave)) is not None:
            yield at

    def _what_is_left(self, now: Callable[[], float], deadline: float) -> Iterator[int]:
        assert self.plan is not None  # noqa: S101 - steps has set it
        for at in range(len(self.plan.blocks)):
            if at not in self.read and now() < deadline:
                yield at

    def _feed(self, at: int, times: StampCache) -> None:
        assert self.plan is not None  # noqa: S101 - steps has set it
        block = self.plan.blocks[at]
        lines = lines_of(self.sources[block.source], block)
        self.read.add(at)
        self._grave[at] = frozenset()
        if not lines:
            return
        data = b"\n".join(lines)
        self._suspect(data, block.source, block.first_line)
        keys = keys_of(mark_codes(data), strong=self._strong)
        numbers, missed = self.miner.numbers(lines, keys)
        templates = self.miner.templates
        self._grave[at] = frozenset(each for each in set(numbers) if each >= 0 and templates[each].severity >= HIGH)
        if missed * 4 > len(lines):
            # Keys that rarely hit cost more than they save: leave out ids too, or go back if that doesn't help.
            self._strong = not self._strong
        base = place(block.source, block.first_line)
        timed = self.plan.grid.timed
        own: list[int | None] = (
            times.buckets(lines, [number < 0 for number in numbers]) if timed else [None] * len(lines)
        )
        buckets = self._filled(own, block.source) if timed else self._counted(len(lines), base)
        if block.source not in self._prefixes:
            self._prefixes[block.source] = prefix_of(lines)
        records = [each is not None for each in own] if timed else None
        prefix = self._prefixes[block.source]
        if grave := self._grave[at]:
            label = self.sources[block.source].label
            self.graves.note(label, prefix, lines, numbers, buckets, base, grave)
        self.traces.look(Lines(lines, keys, numbers, buckets, records, base), prefix)
        self._count(numbers, buckets, base)

    def _suspect(self, data: bytes, source: int, first_line: int) -> None:
        for at in suspected(data):
            self.injected += 1
            if len(self.injections) < _MAX_INJECTIONS:
                self.injections.append(place(source, first_line + at))

    def _filled(self, own: list[int | None], source: int) -> list[int]:
        """Lines without a stamp belong to the stamped line before them."""
        assert self.plan is not None  # noqa: S101 - steps has set it
        if source not in self.plan.timed_sources:
            return [NO_TIME] * len(own)
        if None not in own:
            self._bucket = own[-1] if own[-1] is not None else NO_TIME
            return own  # pyright: ignore[reportReturnType] - no None in it
        bucket = self._bucket
        if bucket == NO_TIME:
            bucket = next((each for each in own if each is not None), NO_TIME)
        filled: list[int] = []
        for each in own:
            if each is not None:
                bucket = each
            filled.append(bucket)
        self._bucket = bucket
        return filled

    def _counted(self, count: int, base: int) -> list[int]:
        assert self.plan is not None  # noqa: S101 - steps has set it
        first = self.plan.bases[base >> SOURCE_SHIFT] + (base & ((1 << SOURCE_SHIFT) - 1)) - 1
        width = self.plan.grid.width
        return [at - at % width for at in range(first, first + count)]

    def _count(self, numbers: list[int], buckets: list[int], base: int) -> None:
        pairs = list(zip(numbers, buckets, strict=True))
        size = len(pairs)
        first_at = dict(zip(reversed(pairs), range(size - 1, -1, -1), strict=True))
        last_at = dict(zip(numbers, range(size), strict=True))
        templates, counts, firsts = self.miner.templates, self.counts, self.firsts
        for pair, count in Counter(pairs).items():
            number = pair[0]
            self.totals[pair[1]] += count
            if number < 0:
                continue
            line = base + first_at[pair]
            counts[pair] = counts.get(pair, 0) + count
            firsts[pair] = min(firsts.get(pair, line), line)
            template = templates[number]
            template.count += count
            template.first = line if template.first < 0 else min(template.first, line)
            template.last = max(template.last, base + last_at[number])
