"""A text made ready once for all detectors: most of them can then tell by one look that they have nothing to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from bedrock_support.routing.pii.cues import Cues, cues, held

_TIME = re.compile(
    r"\d(?<!\d\d)(?:(?<=1)9|(?<=2)0)\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d(?!\d))?"
)
"""A moment (RFC 3339): no number of anybody's, but digits enough to make every pattern of numbers try it."""
_CLOCK = b"00:00"
"""What each moment holds, as bones."""
LONG = 18
"""Characters of the shortest secret that is known by its form alone, less two."""
CROWD = 9
"""Digits up to which a row of them is measured."""
_ASCII = bytes(range(128))
_BONES = bytes(48 if 48 <= each <= 57 else 97 if 65 <= each <= 90 or 97 <= each <= 122 else each for each in range(256))
"""Every digit as 0, every letter as a."""


class Before:
    """Words that say what the number behind them is: `|` at either end of one stands for the border of a word.

    A text is asked once which of them it holds at all, and only those are looked for before each number: a pattern that
    must end at the number would be tried with all its words at every place before it.
    """

    __slots__ = ("_between", "_words", "cues")

    def __init__(self, words: Iterable[str], between: str | None = None) -> None:
        self._words = {each.strip("|"): (each.strip("|"), each[0] == "|", each[-1] == "|") for each in words}
        self._between = re.compile(between) if between is not None else None
        """What may stand between the word and the number; None for anything."""
        self.cues = cues(*self._words)

    def within(self, text: Text) -> tuple[tuple[str, bool, bool], ...]:
        """Those that the text holds, each with whether a word must begin and end there."""
        known = text.near.get(self)
        if known is None:
            known = text.near[self] = tuple([self._words[each] for each in sorted(self.cues & text.held)])
        return known

    def said(self, text: Text, begin: int, end: int) -> bool:
        """Whether one of them stands between `begin` and `end`, and nothing but what may behind it."""
        low, between = text.low, self._between
        for word, opens, closes in self.within(text):
            at = low.rfind(word, begin, end)
            while at >= 0:
                behind = at + len(word)
                if (
                    (not opens or at == begin or not _wordly(low[at - 1]))
                    and (not closes or behind == len(low) or not _wordly(low[behind]))
                    and (between is None or between.fullmatch(low, behind, end) is not None)
                ):
                    return True
                at = low.rfind(word, begin, behind - 1) if opens or closes else -1
        return False


Memo = dict[tuple[str, str], list[tuple[int, int, str, int]]]


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and what is asked of it again and again."""

    whole: str
    calm: str
    """The same length, with each moment blotted out: moments hold digits and colons, and are nobody's."""
    back: str
    """`calm` backwards: what stands before a place is matched in it at once."""
    low: str
    """`calm` in lower case, character for character."""
    held: set[str]
    """Those literals of all detectors that its words hold. Logs say the same words again and again, and whether a
    pattern is worth trying is asked some three hundred times of each text."""
    long: str
    """Words of at least LONG characters, as they are written, each once: what a key or a token of some issuer stands in."""
    bones: bytes
    """Of `calm`, one byte a character: digits as 0, ASCII letters as a, whatever else isn't ASCII as a question mark. A
    number of a fixed form is found in it at the speed of memchr."""
    digits: bool
    crowd: int
    """Digits of its longest row of them, with any of the signs ` ./()-` between, up to CROWD."""
    memo: dict[tuple[Callable[[str], bool], str], bool] = field(
        default_factory=dict[tuple[Callable[[str], bool], str], bool]
    )
    """What checks said of values. It goes with the text: nothing of it may outlive the call."""
    told: dict[tuple[str, str], list[tuple[int, str, int]]] = field(
        default_factory=dict[tuple[str, str], list[tuple[int, str, int]]]
    )
    """The same of keys with their values: length, label and rank of each find."""

    seen: Memo = field(default_factory=dict[tuple[str, str], list[tuple[int, int, str, int]]])
    """What was found in a stretch of text, by who looked: hostile texts and logs say the same again and again."""

    near: dict[Before, tuple[tuple[str, bool, bool], ...]] = field(
        default_factory=dict["Before", tuple[tuple[str, bool, bool], ...]]
    )
    """Of each kind of words: those that stand anywhere in this text."""

    def places(self, cues: Cues) -> Iterator[int]:
        """Where each of these literals begins."""
        if cues.isdisjoint(self.held):
            return
        low = self.low
        for cue in sorted(cues & self.held):
            at = low.find(cue)
            while at >= 0:
                yield at
                at = low.find(cue, at + 1)

    def any(self, cues: Cues) -> bool:
        """Whether it holds one of them."""
        return not cues.isdisjoint(self.held)

    def lettered(self, start: int, end: int) -> bool:
        """Whether any letter stands there: only then can a word."""
        return b"a" in self.bones[start:end]


def _wordly(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def prepared(whole: str) -> Text:
    """Everything that detectors ask of a text."""
    calm, bones = whole, _bones(whole)
    if _CLOCK in bones:
        calm = _TIME.sub(_blot, whole)
        bones = _bones(calm)
    low = calm.lower()
    if len(low) != len(calm):
        low = "".join([lower if len(lower := each.lower()) == 1 else each for each in calm])
    words = {*low.split()}
    long = ""
    if max(map(len, words), default=0) >= LONG:
        long = " ".join([each for each in dict.fromkeys(calm.split()) if len(each) >= LONG])
    return Text(whole, calm, calm[::-1], low, held(words), long, bones, b"0" in bones, _crowd(bones))


def _crowd(bones: bytes) -> int:
    row = bones.translate(None, b" ./()-")
    return next((size for size in range(CROWD, 0, -1) if b"0" * size in row), 0)


def _bones(text: str) -> bytes:
    numerals = {each for each in foreign(text) if each.isdecimal()}
    if numerals:
        text = text.translate(dict.fromkeys(map(ord, numerals), "0"))
    return text.encode("ascii", "replace").translate(_BONES)


def foreign(text: str) -> str:
    """Its characters that aren't ASCII: few of most texts, and what asks for one of those alone asks them."""
    if text.isascii():
        return ""
    return text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")


def _blot(found: re.Match[str]) -> str:
    return "\0" * len(found[0])


def backwards(text: str, end: int, length: int) -> str:
    """What stands before `end`, the nearest character first: a pattern is matched against it at once, where a search
    towards `end` would try every place on the way."""
    return text[max(0, end - length) : end][::-1]
