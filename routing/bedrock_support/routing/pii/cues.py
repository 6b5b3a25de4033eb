"""Literals that detectors ask a text for, all of them looked for in its words in one go."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import ClassVar

Cues = frozenset[str]


def cues(*words: str) -> Cues:
    """Literals in lower case that a detector asks a text for before it does anything. None begins with another.

    All that are ever asked for are looked for in one go, by a pattern that is their tree of letters: asking for each by
    itself took a third of the time that short texts take.
    """
    for each in words:
        # A text's vocabulary has each word once, so that phrases are broken in it.
        Known.phrases.setdefault(max(each.split(), key=len) if " " in each[1:-1] else each, set()).add(each)
    Known.tree = None
    Known.words.clear()
    return frozenset(words)


_MOST_NEW = 2_000
"""Words never seen before, in one text, above which none of them is remembered: a text made of such is no usual one."""
_MOST_KEPT = 50_000


class Known:
    """Every literal there is, and their tree."""

    phrases: ClassVar[dict[str, set[str]]] = {}
    """What is looked for, and what it stands for: itself, or phrases with it."""
    tree: ClassVar[re.Pattern[str] | None] = None
    words: ClassVar[dict[int, frozenset[str]]] = {}
    """What words hold, by their hash, which has a key of this process alone: no word itself is kept."""
    hidden: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Of each literal: those that may stand where it was found, and that the tree doesn't find because of it."""


def _planted() -> re.Pattern[str]:
    words = Known.phrases
    starting: dict[str, list[str]] = {}
    for each in words:
        for size in range(1, len(each) + 1):
            starting.setdefault(each[:size], []).append(each)
    for each in words:
        over = {other for at in range(len(each)) for other in starting.get(each[at:], ())}
        inside = {each[at:end] for at in range(len(each)) for end in range(at + 1, len(each) + 1)}
        Known.hidden[each] = tuple((over | inside.intersection(words)) - {each})
    Known.tree = re.compile(_branches(words))
    return Known.tree


def _branches(words: Iterable[str]) -> str:
    by_letter: dict[str, set[str]] = {}
    for each in words:
        if not each:
            return ""
        by_letter.setdefault(each[0], set()).add(each[1:])
    told = [re.escape(letter) + _branches(rest) for letter, rest in sorted(by_letter.items())]
    return told[0] if len(told) == 1 else f"(?:{'|'.join(told)})"


def held(vocabulary: Collection[str]) -> set[str]:
    """The literals that a vocabulary holds. Texts say mostly what others have said: few words have to be looked at."""
    tree, known = Known.tree or _planted(), Known.words
    hashes = [*map(hash, vocabulary)]
    told = {*map(known.get, hashes)}
    if None in told:
        told.discard(None)
        new = [(key, word) for key, word in zip(hashes, vocabulary, strict=True) if key not in known]
        if len(new) > _MOST_NEW:
            told.add(_in_words(tree, f" {' '.join([word for _, word in new])} "))
        else:
            if len(known) > _MOST_KEPT:
                known.clear()
            for key, word in new:
                known[key] = held = _in_words(tree, f" {word} ")
                told.add(held)
    return set[str]().union(*[each for each in told if each])


_NOTHING = frozenset[str]()


def _in_words(tree: re.Pattern[str], words: str) -> frozenset[str]:
    found = {*tree.findall(words)}
    if not found:
        return _NOTHING
    found.update([each for each in set[str]().union(*[Known.hidden[each] for each in found]) if each in words])
    return frozenset[str]().union(*[Known.phrases[each] for each in found])
