"""Lines whose values alone are new, known again as they stand: not even masked, which costs most of a line's time.

A place of a line is free if whatever kind of value is put there leaves the masks of all other words as they were, and
if a value stands there in the line's template. That is tried out on one line, with all the masks; the lines that are
the same but for what stands in free places, and for digits, are then told by a look-up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, cycle, pairwise, permutations

from bedrock_support.tools.logs.outlines import MAX_OUTLINES, picker, quiet

_DIGITS = b"0123456789"
_SPLIT_WORDS = bytes.maketrans(_DIGITS, b"<" * 10)
"""A mask leaves "error" of "error5", and so must be what is asked whether it is quiet."""
_LETTER = re.compile(rb"[A-Za-z\x80-\xff]")
_PROBES = (b"Oslo", b"7", b"B", b"s", b"Jan", b"(7")
"""A value of each kind that masks join with the words beside it, numbers, units, months, rounded sizes."""
# What could change more than its own place wherever it stands: quotes, brackets and fields that say where a message
# begins and ends, marks of masks and codes, and dates. Each branch begins with a letter, so that the search is fast.
_SIGNS = bytes(range(32)) + b'"*<>\\{\x7f'
_FAR_REACHING = re.compile(
    rb"m(?:sg|essage)=|/[A-Z][a-z]{2}/|B\)"
    rb"|M(?<!\w.)on|T(?<!\w.)(?:ue|hu)|W(?<!\w.)ed|F(?<!\w.)ri|S(?<!\w.)(?:at|un)",
    re.DOTALL,
)
_EVERY = 32
"""Of so many lines that had to be masked though their words were known one is learnt from: frequent ones come first."""
_CREDIT = 32
"""So many lines are learnt from before one of them has helped: each costs as much as masking some thirty."""
_REPAID = 100
"""Lines known that pay for learning from one more."""
_LONGEST = 1_000
"""Bytes of a line that is learnt from."""
_MAX_KEYS = 4_000


class _Free:
    """Lines of one number of words with free places in the same places."""

    __slots__ = ("known", "rest", "values")

    def __init__(self, count: int, places: tuple[int, ...]) -> None:
        self.values = picker(places)
        self.rest = picker(at for at in range(count) if at not in places)
        self.known: dict[bytes, int] = {}


class Unmasked:
    """Template numbers by the words around the free places of lines."""

    def __init__(self) -> None:
        self.fixed: set[bytes] = set()
        """Words of templates, less their masks: a line with one of them in a free place may be meant there."""
        self._by_count: dict[int, dict[tuple[int, tuple[int, ...]], _Free]] = {}
        """By the number of words: by the number of masked words and the free places."""
        self._keys = 0
        self._seen = 0
        self._credit: float = _CREDIT

    def find(self, lines: list[bytes]) -> list[int | None]:
        """The numbers of those lines that are known."""
        if not self._by_count:
            return [None] * len(lines)
        found: list[int | None] = []
        values: list[tuple[bytes, ...]] = []
        for line in lines:
            words = line.split(b" ")
            for kind in self._by_count.get(len(words), {}).values():
                number = kind.known.get(b" ".join(kind.rest(words)).translate(None, _DIGITS))
                if number is not None:
                    found.append(number)
                    values.append(kind.values(words))
                    break
            else:
                found.append(None)
                values.append(())
        for at in self._doubtful(values, 0, len(values)):
            found[at] = None
        self._credit = min(_CREDIT, self._credit + (len(found) - found.count(None)) / _REPAID)
        return found

    def forget(self, count: int) -> None:
        """Forget lines of so many masked words: they may be known by other words from now on."""
        for kinds in self._by_count.values():
            for key in [key for key in kinds if key[0] == count]:
                del kinds[key]

    def learn(self, line: bytes, number: int, places: frozenset[int], masked: Callable[[bytes], list[bytes]]) -> None:
        """Take in a line, the places of values among its masked words, and how to mask one; done now and then only."""
        self._seen += 1
        if self._seen % _EVERY or self._credit < 1 or len(line) > _LONGEST:
            return
        self._credit -= 1
        words = line.split(b" ")
        count, free = self._free(words, places, masked)
        if not free or len(free) == len(words):
            return
        if self._keys >= _MAX_KEYS or len(self._by_count.get(len(words), ())) >= MAX_OUTLINES:
            self._by_count.clear()
            self._keys = 0
        kinds = self._by_count.setdefault(len(words), {})
        kind = kinds.setdefault((count, free), _Free(len(words), free))
        kind.known[b" ".join(kind.rest(words)).translate(None, _DIGITS)] = number
        self._keys += 1

    def _free(
        self, words: list[bytes], places: frozenset[int], masked: Callable[[bytes], list[bytes]]
    ) -> tuple[int, tuple[int, ...]]:
        """How many masked words a line has, and its free places."""
        before = masked(b" ".join(words))

        def same(at: Iterable[int], probes: Iterable[bytes]) -> bool:
            changed = list(words)
            for place, probe in zip(at, cycle(probes)):
                changed[place] = probe
            now = masked(b" ".join(changed))
            return len(now) == len(before) and all(
                place in places or old == new for place, (old, new) in enumerate(zip(before, now, strict=True))
            )

        found = [
            at
            for at, word in enumerate(words)
            if _LETTER.search(word) and _plain([word]) and all(same([at], [probe]) for probe in _PROBES)
        ]
        # Two values side by side may be joined though each alone is not.
        beside = any(two - one == 1 for one, two in pairwise(found))
        if beside and not all(same(found, pair) for pair in permutations(_PROBES, 2)):
            found = []
        return len(before), tuple(found)

    def _doubtful(self, values: list[tuple[bytes, ...]], first: int, last: int) -> Iterator[int]:
        """Which of the values from `first` to `last` might be more: mostly none, which one look at them all tells."""
        said = list(chain.from_iterable(values[first:last]))
        if _plain(said) and self.fixed.isdisjoint(b" ".join(said).translate(None, _DIGITS).split(b" ")):
            return
        if last - first == 1:
            yield first
        else:
            step = max(1, (last - first) // 16)
            for at in range(first, last, step):
                yield from self._doubtful(values, at, min(last, at + step))


def _plain(values: list[bytes]) -> bool:
    """Whether none of these could matter to more than its own place, or says how bad a line is."""
    text = b" ".join(values)
    if b"" in values or len(text.translate(None, _SIGNS)) < len(text) or _FAR_REACHING.search(text):
        return False
    return quiet([text.translate(_SPLIT_WORDS)])
