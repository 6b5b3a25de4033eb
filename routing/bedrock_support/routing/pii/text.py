"""A text made ready once for all detectors: most of them can then tell by one look that they have nothing to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

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
_BONES = bytes(48 if 48 <= each <= 57 else 97 if 65 <= each <= 90 or 97 <= each <= 122 else each for each in range(256))
"""Every digit as 0, every letter as a."""


Memo = dict[tuple[str, str], list[tuple[int, int, str, int]]]


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and what is asked of it again and again."""

    whole: str
    calm: str
    """The same length, with each moment blotted out: moments hold digits and colons, and are nobody's."""
    low: str
    """`calm` in lower case, character for character."""
    words: str
    """Its vocabulary: each word once, in lower case, between single blanks. Logs say the same words again and again, and
    whether a pattern is worth trying is asked some two hundred times of each text."""
    long: str
    """Words of at least LONG characters, as they are written, each once: what a key or a token of some issuer stands in."""
    bones: bytes
    """Of `calm`, one byte a character: digits as 0, ASCII letters as a, what isn't ASCII as a question mark. A number of
    a fixed form is found in it at the speed of memchr."""
    digits: bool
    crowd: int
    """Digits of its longest row of them, with any of the signs ` ./()-` between, up to CROWD; CROWD where there may be
    digits that aren't ASCII."""
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

    def places(self, cues: Iterable[str]) -> Iterator[int]:
        """Where each of these literals begins. They are in lower case, and none begins with another."""
        low, words = self.low, self.words
        for cue in cues:
            if cue in words:
                at = low.find(cue)
                while at >= 0:
                    yield at
                    at = low.find(cue, at + 1)

    def lettered(self, start: int, end: int) -> bool:
        """Whether any letter stands there: only then can a word."""
        return b"a" in self.bones[start:end]


def prepared(whole: str) -> Text:
    """Everything that detectors ask of a text."""
    calm, bones = whole, _bones(whole)
    if _CLOCK in bones:
        calm = _TIME.sub(_blot, whole)
        bones = _bones(calm)
    low = calm.lower()
    if len(low) != len(calm):
        low = "".join([lower if len(lower := each.lower()) == 1 else each for each in calm])
    words = dict.fromkeys(low.split())
    long = ""
    if max(map(len, words), default=0) >= LONG:
        long = " ".join([each for each in dict.fromkeys(calm.split()) if len(each) >= LONG])
    digits = b"0" in bones
    crowd = _crowd(bones) if whole.isascii() else CROWD
    return Text(whole, calm, low, f" {' '.join(words)} ", long, bones, digits, crowd)


def _crowd(bones: bytes) -> int:
    row = bones.translate(None, b" ./()-")
    return next((size for size in range(CROWD, 0, -1) if b"0" * size in row), 0)


def _bones(text: str) -> bytes:
    return text.encode("ascii", "replace").translate(_BONES)


def _blot(found: re.Match[str]) -> str:
    return "\0" * len(found[0])


def backwards(text: str, end: int, length: int) -> str:
    """What stands before `end`, the nearest character first: a pattern is matched against it at once, where a search
    towards `end` would try every place on the way."""
    return text[max(0, end - length) : end][::-1]
