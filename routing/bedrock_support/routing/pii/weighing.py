"""What a word adds to the scores of the name tagger, summed up once.

The features are those of names.py, which training uses: a test holds that both give the same sums. Here none is spelled
out. CRC-32 goes on from where it stood after a prefix, so that the hash of a feature is the hash of its word begun at its
prefix's; and what depends on shape and lists alone is summed once for all words that share them.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple
from zlib import crc32

from bedrock_support.routing.pii.names import (
    Lists,
    beside_features,
    bucket,
    candidate,
    far_features,
    shape,
)


class Word(NamedTuple):
    """What a word adds, wherever it stands near a candidate."""

    low: bytes
    """In small letters, as UTF-8."""
    kind: str
    """Shape and lists."""
    may: bool
    own: int
    before: int
    after: int
    before_last: int
    after_next: int
    chain: int
    joint: int
    """The hash of its joint features begun, where it stands before a candidate and the candidate's kind goes on..."""
    around: int
    """...and where the word behind the candidate goes on."""


Sums = tuple[str, bool, int, int, int, int, int, int, int, int]
"""All of it but the word."""


def _seed(prefix: str) -> int:
    return crc32(prefix.encode())


_OWN, _OWN_LOW, _PART = _seed("w"), _seed("l"), _seed("y")
_ENDS = tuple((size, _seed(f"s{size}")) for size in (2, 3, 4, 5))
_BEGINS = tuple((size, _seed(f"p{size}")) for size in (2, 3, 4))
_BEFORE, _BEFORE_END, _AFTER, _AFTER_END = _seed("Pl"), _seed("Ps"), _seed("Nl"), _seed("Ns")
_FAR_BEFORE, _FAR_AFTER, _CHAIN, _CHAIN_END = _seed("Ql"), _seed("Ml"), _seed("tl"), _seed("ts")
_JOINT_BEFORE, _JOINT_AFTER, _JOINT_AROUND = _seed("d"), _seed("e"), _seed("f")
_LONGEST = 12
"""Letters up to which lengths are told apart."""
_MOST = 4_000
Shared = tuple[int, int, int, int, int, int]


class Weigher:
    """Sums of weights by word. Remembers those of shapes and lists, which are nobody's; never a word."""

    def __init__(self, weights: array[int], lists: Lists) -> None:
        self._weights = weights
        self._mask = len(weights) - 1
        self._lists = lists
        self._shared: dict[tuple[str, str, int], Shared] = {}
        self._begun: dict[str, tuple[bytes, int]] = {}

    def summed(self, features: list[str]) -> int:
        """The weights of features that are spelled out."""
        weights, mask = self._weights, self._mask
        total = 0
        for each in features:
            total += weights[crc32(each.encode()) & mask]  # bucket(), without the price of a call
        return total

    def joint(self, before: Word, kind: str, after: Word) -> int:
        """The weights of names.joint_features()."""
        begun = self._begun.get(kind)
        if begun is None:
            if len(self._begun) > _MOST:
                self._begun.clear()
            data = kind.encode()
            begun = self._begun[kind] = data, crc32(data + b"|", _JOINT_AFTER)
        weights, mask, low = self._weights, self._mask, after.low
        return (
            weights[crc32(begun[0], before.joint) & mask]
            + weights[crc32(low, begun[1]) & mask]
            + weights[crc32(low, before.around) & mask]
        )

    def weighed(self, word: str) -> Sums:
        """Everything that a word adds."""
        flags, form = self._lists.flags(word), shape(word)
        low = word.lower()
        size = min(len(word), _LONGEST)
        shared = self._shared.get((form, flags, size)) or self._share(form, flags, size)
        weights, mask = self._weights, self._mask
        data, end = low.encode(), low[-3:].encode()
        own = chain = 0
        if may := candidate(word):
            own = shared[0] + weights[crc32(word.encode(), _OWN) & mask] + weights[crc32(data, _OWN_LOW) & mask]
            for length, seed in _ENDS:
                if len(low) > length:
                    own += weights[crc32(low[-length:].encode(), seed) & mask]
            for length, seed in _BEGINS:
                if len(low) > length:
                    own += weights[crc32(low[:length].encode(), seed) & mask]
            if "-" in word:
                for part in low.split("-"):
                    own += weights[crc32(part.encode(), _PART) & mask]
            chain = shared[5] + weights[crc32(end, _CHAIN_END) & mask] + weights[crc32(data, _CHAIN) & mask]
        begun = data + b"|"
        return (
            form + flags,
            may,
            own,
            shared[1] + weights[crc32(data, _BEFORE) & mask] + weights[crc32(end, _BEFORE_END) & mask],
            shared[2] + weights[crc32(data, _AFTER) & mask] + weights[crc32(end, _AFTER_END) & mask],
            shared[3] + weights[crc32(data, _FAR_BEFORE) & mask],
            shared[4] + weights[crc32(data, _FAR_AFTER) & mask],
            chain,
            crc32(begun, _JOINT_BEFORE),
            crc32(begun, _JOINT_AROUND),
        )

    def _share(self, form: str, flags: str, size: int) -> Shared:
        """Of each feature that names no letter of the word."""
        if len(self._shared) > _MOST:
            self._shared.clear()
        own = [f"h{form}", f"g{flags}", f"n{size}"]
        shared = (
            self.summed(own),
            self.summed(beside_features("P", "", form, flags)[1:3]),
            self.summed(beside_features("N", "", form, flags)[1:3]),
            self.summed(far_features("Q", "", form)[1:]),
            self.summed(far_features("M", "", form)[1:]),
            self._weights[bucket("t", self._mask)] + self._weights[bucket(f"tk{form}{flags}", self._mask)],
        )
        self._shared[form, flags, size] = shared
        return shared
