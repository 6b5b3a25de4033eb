"""How many tokens a text comes to, without asking anybody: an estimate, calibrated and measured against a tokenizer.

The weights are a least-squares fit of relative errors on logs, briefs, code and prose, rounded, against Mistral's
Tekken, which counts every digit (`python -m benchmarks.token_estimate`): Claude's tokenizer isn't published.
Characters alone won't do: a log full of ids has 1.7 of them to a token, prose 3.8.
"""

from __future__ import annotations

import re
from functools import lru_cache

WORD, LONG_LETTER, DIGIT, SIGNS, BREAK = 1.0, 0.2, 0.95, 0.95, 1.2
"""Tokens for a word, each letter of it past the seventh, a digit, a run of signs, a line break."""
MARGIN = 1.3
"""For sums that must not come out short: above the greatest error measured."""
_LONG = 7
_WORDS = re.compile(r"[A-Za-z]+")
_LONG_WORDS = re.compile(r"[A-Za-z]{8,}")
_SIGNS = re.compile(r"[^A-Za-z0-9\s]+")
_BREAKS = re.compile(r"\n\s*")


@lru_cache(maxsize=64)
def text_tokens(text: str) -> int:
    """Tokens of the text, rounded up; 0 for none."""
    long = _LONG_WORDS.findall(text)
    overlong = len("".join(long)) - _LONG * len(long)
    digits = sum(map(text.count, "0123456789"))
    weighed = WORD * len(_WORDS.findall(text)) + LONG_LETTER * overlong + DIGIT * digits
    found = _SIGNS.findall(text)
    signs = len(found) if text.isascii() else sum(1 if each.isascii() else len(each) for each in found)
    return -int(-(weighed + SIGNS * signs + BREAK * len(_BREAKS.findall(text))) // 1)
