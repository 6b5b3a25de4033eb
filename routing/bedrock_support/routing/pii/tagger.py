"""The shipped name tagger: weights from names.bin, sums remembered by word, the best sequence by two states."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from bedrock_support.routing.pii.names import (
    BORDER,
    HEAD,
    MAGIC,
    TOKEN,
    Lists,
    beside_features,
    bucket,
    candidate,
    chain_features,
    far_features,
    joint_features,
    own_features,
    shape,
)

PARTICLES = frozenset(
    "von van vom zu zum zur de del della di da dos das la le el al der den ter bin ben ibn y e du des af d".split()
)
"""Small words inside names."""
MOST_PARTICLES = 2
_SEEN = 50_000
"""Words, and pairs and threes of kinds, whose sums are remembered; then all are forgotten."""


class Word(NamedTuple):
    """What a word adds, wherever it stands near a candidate."""

    low: str
    kind: str
    """Shape and lists."""
    may: bool
    own: int
    before: int
    after: int
    before_last: int
    after_next: int
    chain: int


class LinearTagger:
    """A table of weights (one signed byte each), and lists of first names and surnames."""

    def __init__(self, weights: array[int], lists: Lists, bias: int) -> None:
        self._weights = weights
        self._mask = len(weights) - 1
        self._lists = lists
        self._bias = bias
        self._words: dict[str, Word] = {}
        self._joint: dict[str, int] = {}

    def names(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Begin and end of each name in text[start:end]."""
        tokens = list(TOKEN.finditer(text, start, end))
        border = self._word(BORDER)
        words = [border, border, *(self._word(each[0]) for each in tokens), border, border]
        run: list[tuple[int, int, int]] = []
        """Candidates that may be one name: index, score, and what it adds to follow a part of a name."""
        last = -9
        for at in range(2, len(words) - 2):
            word = words[at]
            if not word.may:
                continue
            if run and not (at - last == 1 or all(words[n].low in PARTICLES for n in range(last + 1, at))):
                yield from ((tokens[a].start(), tokens[b].end()) for a, b in _best(run))
                run = []
            elif run and at - last > MOST_PARTICLES + 1:
                yield from ((tokens[a].start(), tokens[b].end()) for a, b in _best(run))
                run = []
            run.append((at - 2, self._score(words, at), word.chain))
            last = at
        yield from ((tokens[a].start(), tokens[b].end()) for a, b in _best(run))

    def _score(self, words: list[Word], at: int) -> int:
        own, before, after = words[at], words[at - 1], words[at + 1]
        score = own.own + before.before + after.after + words[at - 2].before_last + words[at + 2].after_next
        return score + self._bias + self._together(before, own, after)

    def _together(self, before: Word, own: Word, after: Word) -> int:
        total = 0
        known = self._joint
        for feature in joint_features(before.low, before.kind, own.kind, after.low, after.kind):
            weight = known.get(feature)
            if weight is None:
                if len(known) > _SEEN:
                    known.clear()
                weight = known[feature] = self._weights[bucket(feature, self._mask)]
            total += weight
        return total

    def _word(self, word: str) -> Word:
        known = self._words.get(word)
        if known is None:
            if len(self._words) > _SEEN:
                self._words.clear()
            known = self._words[word] = self._weighed(word)
        return known

    def _weighed(self, word: str) -> Word:
        flags, form = self._lists.flags(word), shape(word)
        kind = form + flags
        return Word(
            low=word.lower(),
            kind=kind,
            may=candidate(word),
            own=self._sum(own_features(word, flags)),
            before=self._sum(beside_features("P", word, flags)),
            after=self._sum(beside_features("N", word, flags)),
            before_last=self._sum(far_features("Q", word)),
            after_next=self._sum(far_features("M", word)),
            chain=self._sum(chain_features(kind, word)),
        )

    def _sum(self, features: list[str]) -> int:
        weights, mask = self._weights, self._mask
        return sum(weights[bucket(each, mask)] for each in features)


def _best(run: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """First and last index of each name in a run of candidates: the states whose scores add up to the most."""
    if not run:
        return
    off, on = 0, run[0][1]
    came: list[tuple[bool, bool]] = [(False, False)]
    """Of each candidate: whether the best way to no name, and to a name, comes from a name."""
    for _, score, chain in run[1:]:
        came.append((on > off, on + chain > off))
        off, on = max(off, on), score + max(off, on + chain)
    named = on > off
    states: list[bool] = []
    for each in reversed(came):
        states.append(named)
        named = each[named]
    states.reverse()
    begin: int | None = None
    for (at, _, _), state in zip(run, states, strict=True):
        if state and begin is None:
            begin = at
        if not state and begin is not None:
            yield begin, previous
            begin = None
        previous = at
    if begin is not None:
        yield begin, previous


@cache
def shipped() -> LinearTagger:
    """The tagger that is part of this package. Reads a file: call off the loop, or with the module."""
    return loaded(files("bedrock_support.routing.pii").joinpath("names.bin").read_bytes())


def loaded(data: bytes) -> LinearTagger:
    """A tagger from the bytes that benchmarks/names_train.py writes.

    Raises:
        ValueError: they are something else, or cut.
    """
    magic, bits, bias, first, last = HEAD.unpack_from(data)
    weights = 1 << bits
    if magic != MAGIC or len(data) != HEAD.size + weights + first + last:
        raise ValueError("no model of names")
    table = array("b", data[HEAD.size : HEAD.size + weights])
    lists = data[HEAD.size + weights :]
    return LinearTagger(table, Lists(lists[:first], lists[first:]), bias)
