"""How many tokens a text comes to, without asking anybody: an estimate, calibrated and measured against a tokenizer.

The weights are a least-squares fit of relative errors on logs, briefs, code and prose, rounded, against Mistral's
Tekken, which counts every digit (`python -m benchmarks.token_estimate`): Claude's tokenizer isn't published.
Characters alone won't do: a log full of ids has 1.7 of them to a token, prose 3.8.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

WORD, LONG_LETTER, DIGIT, SIGNS, BREAK = 1.0, 0.2, 0.95, 0.95, 1.2
"""Tokens for a word, each letter of it past the seventh, a digit, a run of signs, a line break."""
MARGIN = 1.3
"""For sums that must not come out short: above the greatest error measured."""
_LONG = 7
_WORDS = re.compile(r"[A-Za-z]+")
_SIGNS = re.compile(r"[^A-Za-z0-9\s]+")
_BREAKS = re.compile(r"\n\s*")
_DIGITS = b"0123456789"


def _only(wanted: Callable[[str], bool]) -> bytes:
    """A table that leaves of ASCII text what is wanted, with blanks for all else."""
    return bytes(code if code < 128 and wanted(chr(code)) else 32 for code in range(256))


_LETTERS = _only(str.isalpha)
_REST = _only(lambda each: not each.isalnum() and not each.isspace())


@lru_cache(maxsize=64)
def text_tokens(text: str) -> int:
    """Tokens of the text, rounded up; 0 for none."""
    if text.isascii():
        # With every call, and several times as fast as the same by patterns.
        plain = text.encode()
        words = [len(each) for each in plain.translate(_LETTERS).split()]
        digits = len(plain) - len(plain.translate(None, _DIGITS))
        signs = len(plain.translate(_REST).split())
    else:
        words = [len(each) for each in _WORDS.findall(text)]
        digits = sum(map(text.count, "0123456789"))
        signs = sum(1 if each.isascii() else len(each) for each in _SIGNS.findall(text))
    overlong = sum([each - _LONG for each in words if each > _LONG])
    weighed = WORD * len(words) + LONG_LETTER * overlong + DIGIT * digits
    return -int(-(weighed + SIGNS * signs + BREAK * len(_BREAKS.findall(text))) // 1)
