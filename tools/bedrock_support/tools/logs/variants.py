"""Lines of one shape that differ in a word: kept apart while the words are few, taken together once they are many.

"VM started" and "VM paused" say two things; "login of alice", "of bob", "of carol" and so on one. How many different
words stand in a place tells which it is, and that is known only after some lines. So each combination of words is a
template of its own at first; a place that turns out to hold values is closed and the templates that differ only there
become one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from operator import ne

from bedrock_support.tools.logs.severity import Verdict, unmark

WILD = b"<*>"
MAX_WORDS = 4
"""So many different words in one place are still parts of the message, one more and they are values. The best of 1 to 8
on the Loghub samples, see docs/triage.md."""
MAX_VARIANTS = 16
"""Combinations of words kept for one shape."""

# A value is known by its looks: digits, paths, addresses, dotted names, great length. A word with a number at its end
# (SOCKS5, eth0) may be either, and its number is masked already.
_VALUE = re.compile(rb"\A(?![A-Za-z]{2,41}<\*>\Z)[^\0]*(?:[0-9/\\@<>{}]|\.[^.]+\.)|[^\0]{41}")


class Template:
    """One thing that the log says, with the places where its values stand."""

    __slots__ = ("count", "first", "into", "label", "last", "number", "severity", "stack", "tokens")

    def __init__(self, number: int, tokens: list[bytes], verdict: Verdict) -> None:
        self.number = number
        self.tokens = tokens
        self.severity, self.label = verdict
        self.count = 0
        self.first = self.last = -1
        self.stack: list[bytes] = []
        self.into: Template | None = None
        """Set once it turned out to be the same as another: what it counts is the other's."""

    @property
    def text(self) -> str:
        """The template as people read it."""
        return unmark(b" ".join(self.tokens)).decode("utf-8", "replace")

    def hand_over(self, other: Template) -> None:
        """Add what this one counted to another, and count nothing any more."""
        if self.count:
            other.first = self.first if other.first < 0 else min(other.first, self.first)
            other.last = max(other.last, self.last)
            other.count, self.count = other.count + self.count, 0

    def last_word(self) -> Template:
        """The template that speaks for this one now."""
        found = self
        while found.into is not None:
            found = found.into
        return found


class Shape:
    """Lines of equal length that share most of their words, and the templates among them."""

    __slots__ = ("_closed", "_open", "fixed", "tokens", "variants", "wild")

    def __init__(self, tokens: list[bytes]) -> None:
        self.tokens = tokens
        self.wild = [at for at, token in enumerate(tokens) if token == WILD]
        self.fixed = len(tokens) - len(self.wild)
        self.variants: dict[tuple[bytes, ...], Template] = {}
        self._closed = set(self.wild)
        self._open: dict[int, set[bytes]] = {}

    @property
    def settled(self) -> frozenset[int]:
        """The places of values, once no place is left in doubt; else none."""
        return frozenset() if self._open else frozenset(self._closed)

    def place(self, tokens: list[bytes], make: Callable[[list[bytes]], Template | None]) -> Template | None:
        """The template of a line of this shape; `make` may refuse a new one with None."""
        # Where the words that all share stand, or where a value is known to stand, nothing is to be learnt.
        if self._open or sum(map(ne, self.tokens, tokens)) > sum([tokens[at] != WILD for at in self.wild]):
            self._learn(tokens)
        key = self._key(tokens)
        found = self.variants.get(key)
        if found is None:
            if len(self.variants) >= MAX_VARIANTS and self._open:
                self._close(max(self._open, key=lambda at: (len(self._open[at]), -at)))
                return self.place(tokens, make)
            found = make(list(key))
            if found is not None:
                self.variants[key] = found
        return found

    def _learn(self, tokens: list[bytes]) -> None:
        for at, (old, new) in enumerate(zip(self.tokens, tokens, strict=True)):
            if old == new or at in self._closed:
                continue
            if at not in self._open:
                self._open[at] = {self.tokens[at]}
                self.tokens[at] = WILD
                self.wild.append(at)
                self.fixed -= 1
            words = self._open[at]
            words.add(tokens[at])
            if len(words) > MAX_WORDS or any(map(_VALUE.match, words)):
                self._close(at)

    def _key(self, tokens: Iterable[bytes]) -> tuple[bytes, ...]:
        key = list(tokens)
        for at in self._closed:
            key[at] = WILD
        return tuple(key)

    def _close(self, at: int) -> None:
        self._closed.add(at)
        del self._open[at]
        old, self.variants = self.variants, {}
        for key, template in old.items():
            kept = self.variants.setdefault(self._key(key), template)
            if kept is not template:
                template.into = kept
            kept.tokens = list(self._key(key))
