"""Names of people that stand in running text without a cue: a linear tagger over hashed features, in plain Python.

Each capitalised word gets the sum of the weights of its features (itself, its affixes and shape, its neighbours, lists
of first names and surnames); the best sequence of name and no name is found over such words (Viterbi, two states).
The weights are made by benchmarks/names_train.py; names.md says from what.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

MAGIC = b"BSN2"
HEAD = struct.Struct("<4sBiIIII")
"""Magic, bits of the table of weights, what every candidate's score starts with, bytes of each of the four lists."""
_SECOND = 0x9E3779B9
"""Where the second hash of a list begins."""
PROBES = 5
"""Bits a name sets in its list (a Bloom filter; about 1 % of other words pass)."""
TOKEN = re.compile(r"\n|[^\W\d_]\.(?=[ -][^\W\d_])|\w+(?:['’-]\w+)*|[^\w\s]")
BORDER = "\n"
"""Stands for what lies before the first and behind the last token of a stretch."""


Stretch = tuple[int, int, str]
"""Begin and end of running text, and its language: de, or empty for another."""


class NameTagger(Protocol):
    """Finds names of people in running text; a better model plugs in here."""

    def names(self, text: str, stretches: Iterable[Stretch]) -> Iterable[tuple[int, int]]:
        """Begin and end of each name in these stretches of the text, in order, without overlaps."""
        ...


_SHORTEST = 4
"""Letters of the last part of a compound, at least."""


@dataclass(frozen=True, slots=True)
class Lists:
    """First names, surnames, German common nouns in all their forms, and places, as Bloom filters."""

    first: bytes
    last: bytes
    nouns: bytes
    places: bytes

    def flags(self, word: str) -> str:
        """f for a first name, l for a surname, p for a place, of any part of a hyphenated word; n for a noun, or c for
        a compound that ends in one, of its last part."""
        if not word[0].isupper():
            return ""
        parts = word.split("-")
        told = ""
        for flag, names in (("f", self.first), ("l", self.last), ("p", self.places)):
            if any(inside(names, each) for each in parts):
                told += flag
        end = parts[-1]
        if inside(self.nouns, end):
            return told + "n"
        low = end[1:]
        tries = (low[at:] for at in range(2, len(low) - _SHORTEST + 1))
        return told + ("c" if any(inside(self.nouns, each.capitalize()) for each in tries) else "")


def inside(bloom: bytes, word: str) -> bool:
    """Whether the word is (almost surely) in the list. The bits of probes(), one after another: most words that aren't
    in it fail at the first or second."""
    bits = len(bloom) * 8
    if not bits:
        return False
    data = word.encode()
    at = crc32(data)
    one = at % bits
    if not bloom[one >> 3] >> (one & 7) & 1:
        return False
    step = crc32(data, _SECOND) | 1
    for _ in range(PROBES - 1):
        at += step
        one = at % bits
        if not bloom[one >> 3] >> (one & 7) & 1:
            return False
    return True


def probes(word: str, bits: int) -> Iterator[int]:
    """The bits that a word sets. Kirsch and Mitzenmacher 2006: two hashes do for any number of probes."""
    one, two = crc32(word.encode()), crc32(word.encode(), _SECOND) | 1
    return ((one + n * two) % bits for n in range(PROBES))


def shape(word: str) -> str:
    """The kind of characters of a word, runs made one."""
    if word.isalpha():
        if word.islower():
            return "x"
        if len(word) > 1 and word[0].isupper() and word[1:].islower():
            return "Xx"
    told: list[str] = []
    for each in word:
        kind = "X" if each.isupper() else "x" if each.isalpha() else "d" if each.isdigit() else each
        if not told or told[-1] != kind:
            told.append(kind)
        elif len(told) == 1 and kind == "X":
            told.append("X")
    return "".join(told[:6])


def candidate(word: str) -> bool:
    """Whether the word can be part of a name: it begins with a capital and holds no digit."""
    return word[0].isupper() and (word.isalpha() or not any(map(str.isdigit, word)))


def own_features(word: str, form: str, flags: str) -> list[str]:
    """Features of the word itself."""
    low = word.lower()
    told = [f"w{word}", f"l{low}", f"h{form}", f"g{flags}", f"n{min(len(word), 12)}"]
    told += [f"s{n}{low[-n:]}" for n in (2, 3, 4, 5) if len(low) > n]
    told += [f"p{n}{low[:n]}" for n in (2, 3, 4) if len(low) > n]
    if "-" in word:
        told += [f"y{part}" for part in low.split("-")]
    return told


def beside_features(place: str, low: str, form: str, flags: str) -> list[str]:
    """Features of a neighbour; `place` says which."""
    return [f"{place}l{low}", f"{place}h{form}", f"{place}g{flags}", f"{place}s{low[-3:]}"]


def far_features(place: str, low: str, form: str) -> list[str]:
    """Features of the word after next, or before last."""
    return [f"{place}l{low}", f"{place}h{form}"]


def kind_features(before: str, own: str, after: str) -> list[str]:
    """Features of shape and lists of a word and its neighbours together."""
    return [f"a{before}|{own}", f"b{own}|{after}", f"c{before}|{own}|{after}"]


def joint_features(previous: str, own: str, following: str) -> list[str]:
    """Features of shape and lists of a word with its neighbours in small letters."""
    return [f"d{previous}|{own}", f"e{own}|{following}", f"f{previous}|{following}"]


def chain_features(own: str, word: str) -> list[str]:
    """Features of a word whose predecessor is part of a name."""
    return ["t", f"tk{own}", f"ts{word[-3:].lower()}", f"tl{word.lower()}"]


def bucket(feature: str, mask: int) -> int:
    """Where the weight of a feature stands."""
    return crc32(feature.encode()) & mask
