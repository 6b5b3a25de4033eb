"""The shipped name tagger: weights from names.bin, sums remembered by word, the best sequence by two states."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from importlib.resources import files

from bedrock_support.routing.pii.names import BORDER, HEAD, MAGIC, TOKEN, Lists, Stretch, joint_features, kind_features
from bedrock_support.routing.pii.prose import GERMAN
from bedrock_support.routing.pii.weighing import Sums, Weigher, Word
from bedrock_support.routing.pii.words import WORDS

PARTICLES = WORDS["particles"]
"""Small words inside names."""
_PARTICLES = frozenset(each.encode() for each in PARTICLES)
MOST_PARTICLES = 2
_GAP = re.compile(r"\s\s|\t")
EAGER, CAREFUL = 24, -16
"""Added to every score in German, and in other languages: steps of 1/24 of log-odds. German names stand among
capitalised nouns, so that the scores are low; English prose about software is full of capitalised products."""
_SEEN = 20_000
"""Words in small letters, and threes of kinds, whose sums are remembered from text to text; then all are forgotten. Of
words that may be names only the sums are, under a hash whose key is this process's alone."""


Run = list[tuple[int, int, int]]
"""Of each candidate: which token it is, its score, and what it adds when it follows a part of a name."""


class LinearTagger:
    """A table of weights (one signed byte each), and lists of names, nouns and places."""

    def __init__(self, weights: array[int], lists: Lists, bias: int) -> None:
        self.lists = lists
        self.weigher = Weigher(weights, lists)
        self._bias = bias
        self._most_joint = max(weights) * len(joint_features("", "", ""))
        self._small: dict[str, Word] = {}
        self._sums: dict[int, Sums] = {}
        self._kinds: dict[tuple[str, str, str], int] = {}

    def names(self, text: str, stretches: Iterable[Stretch]) -> Iterator[tuple[int, int]]:
        """Begin and end of each name in these stretches of the text."""
        capital: dict[str, Word] = {}
        border = self._small.get(BORDER) or self._word(BORDER, capital)
        for start, end, language in stretches:
            if text[start:end].islower():
                continue
            # Without their places, which only the few stretches with a name in them are asked for.
            tokens = TOKEN.findall(text, start, end)
            known = self._small
            words = [
                border,
                border,
                *[known.get(each) or capital.get(each) or self._word(each, capital) for each in tokens],
                border,
                border,
            ]
            bias = self._bias + (EAGER if language == GERMAN else CAREFUL)
            found = [
                name
                for run in _runs(words)
                if len(run) > 1 or not self._never(words, run[0], language, bias)
                for name in _best([(at - 2, self._score(words, at) + bias, words[at].chain) for at in run])
                if _plausible(words[name[0] + 2 : name[1] + 3], language)
            ]
            if not found:
                continue
            places = [each.span() for each in TOKEN.finditer(text, start, end)]
            for first, last in found:
                while first < last and _what_for(words[first + 2], words[first + 3]):
                    first += 1
                begin, stop = places[first][0], places[last][1]
                if _plausible(words[first + 2 : last + 3], language) and not _GAP.search(text, begin, stop):
                    yield begin, stop

    def _never(self, words: list[Word], at: int, language: str, bias: int) -> bool:
        """Whether a lone word can't be a name whatever its neighbours say together: most sentences begin with such."""
        return not _plausible([words[at]], language) or self._alone(words, at) + bias + self._most_joint <= 0

    def _score(self, words: list[Word], at: int) -> int:
        return self._alone(words, at) + self.weigher.joint(words[at - 1], words[at].kind, words[at + 1])

    def _alone(self, words: list[Word], at: int) -> int:
        """The score without what only three words together tell."""
        own, before, after = words[at], words[at - 1], words[at + 1]
        kinds = before.kind, own.kind, after.kind
        together = self._kinds.get(kinds)
        if together is None:
            if len(self._kinds) > _SEEN:
                self._kinds.clear()
            together = self._kinds[kinds] = self.weigher.summed(kind_features(*kinds))
        return own.own + before.before + after.after + words[at - 2].before_last + words[at + 2].after_next + together

    def _word(self, word: str, capital: dict[str, Word]) -> Word:
        """A word that neither this text nor any before it has shown."""
        key = hash(word)
        sums = self._sums.get(key) or self.weigher.weighed(word)
        known = Word(word.lower().encode(), *sums)
        if known.may and not _common(known.kind):
            if len(self._sums) > _SEEN:
                self._sums.clear()
            self._sums[key] = sums
            capital[word] = known
        else:
            if len(self._small) > _SEEN:
                self._small.clear()
            self._small[word] = known
        return known


def _runs(words: list[Word]) -> list[list[int]]:
    """Candidates that may be one name: nothing stands between them but a few particles."""
    runs: list[list[int]] = []
    last = -9
    for at in [at for at, each in enumerate(words) if each.may]:
        between = at - last - 1
        if not between or (
            between <= MOST_PARTICLES
            and words[at - 1].low in _PARTICLES
            and (between == 1 or all(each.low in _PARTICLES for each in words[last + 1 : at - 1]))
        ):
            runs[-1].append(at)
        else:
            runs.append([at])
        last = at
    return runs


def _plausible(words: list[Word], language: str) -> bool:
    """Whether this can be a name: not all in capitals. Of a lone word more is asked: it is no first name that is a noun
    as well (Ernst, Wolf), and outside German it is in a list."""
    if len(words) > 1:
        return any("x" in each.kind for each in words if each.may)
    kind = words[0].kind
    listed = "f" in kind
    return "x" in kind and not (listed and "n" in kind) and (language == GERMAN or listed or "l" in kind)


def _common(kind: str) -> bool:
    """Whether a word is in the list of nouns and in none of names: nobody's secret."""
    return "n" in kind and "f" not in kind and "l" not in kind


def _what_for(word: Word, following: Word) -> bool:
    """Whether a noun before a first name only says what its bearer is."""
    nouns = "n" in word.kind or "c" in word.kind
    return nouns and "f" not in word.kind and following.may and "f" in following.kind


def _best(run: Run) -> Iterator[tuple[int, int]]:
    """First and last index of each name in a run of candidates: the states whose scores add up to the most."""
    for _, score, chain in run:
        if score > 0 or score + chain > 0:
            break
    else:
        return  # whatever comes before it, none of them is worth being one
    off, on = 0, run[0][1]
    came: list[tuple[bool, bool]] = [(False, False)]
    """Of each candidate: whether the best way to no name, and to a name, comes from a name."""
    for _, score, chain in run[1:]:
        came.append((on > off, on + chain > off))
        off, on = max(off, on), score + max(off, on + chain)
    named = on > off
    states: list[bool] = []
    previous = run[0][0]
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


def loaded(data: bytes) -> LinearTagger:
    """A tagger from the bytes that benchmarks/names_train.py writes.

    Raises:
        ValueError: they are something else, or cut.
    """
    magic, bits, bias, *sizes = HEAD.unpack_from(data)
    at = HEAD.size + (1 << bits)
    if magic != MAGIC or len(data) != at + sum(sizes):
        raise ValueError("no model of names")
    table = array("b", data[HEAD.size : at])
    lists: list[bytes] = []
    for size in sizes:
        lists.append(data[at : at + size])
        at += size
    return LinearTagger(table, Lists(*lists), bias)


SHIPPED = loaded(files("bedrock_support.routing.pii").joinpath("names.bin").read_bytes())
"""The tagger that is part of this package; read with the module, which is imported before there is a loop to block."""
