"""Which lines of a text are running text: only there is a name without a cue looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.letters import has
from bedrock_support.routing.pii.names import Stretch
from bedrock_support.routing.pii.words import WORDS

GERMAN = "de"
_LINE = re.compile(r"[^\n]{16,}")
_MOMENT = re.compile(r"\s{0,8}[\[<(]?(?:\d{2,4}[-/:]\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:)")
_LEVELS = ("ERROR", "WARN", "INFO", "DEBUG", "TRACE")
_LEVEL = re.compile(r".{0,200}?\b(?:ERROR|WARN|WARNING|INFO|DEBUG|TRACE)\b")
"""Within so many characters of its beginning a line of a log says how grave it is."""
_CODE = b"{}[]<>=|\\_@#$%^*~`+/"
"""Signs that code and markup are full of, and prose nearly free of."""
_SPARSE = 40
"""Characters of prose to each such sign, at least."""
_GERMAN = WORDS["german"]
_OTHERS = WORDS["others"]
"""The commonest small words of German, and of English, French, Italian and Spanish. Two different ones, or
one and a full stop, make a sentence likely."""
_ENDS = (".", "!", "?", '."', ".“", ":")
_ENOUGH = 2
_LOW_SHARE = 0.25
"""Share of words in small letters, at least: lists of names, titles and headings have fewer."""
_FEW = 4


def prose(text: str) -> Iterator[Stretch]:
    """Each line that is running text."""
    for found in _LINE.finditer(text):
        line = found[0]
        words = line.split()
        if len(words) < _FEW:
            continue
        small = {words[0].lower(), *words}
        german = len(_GERMAN.intersection(small))
        others = len(_OTHERS.intersection(small))
        if (
            max(german, others) + line.rstrip().endswith(_ENDS) < _ENOUGH
            or _logged(line)
            or _signs(line) * _SPARSE > len(line)
        ):
            continue
        if sum([each[0].islower() for each in words]) >= len(words) * _LOW_SHARE:
            yield *found.span(), GERMAN if german >= others else ""


def _logged(line: str) -> bool:
    """Whether it begins with a moment, or says how grave it is: a line of a log."""
    if _MOMENT.match(line):
        return True
    return has(line, _LEVELS) and _LEVEL.match(line) is not None


def _signs(line: str) -> int:
    """How many signs of code it holds. Through bytes: a pattern would take twenty times as long."""
    data = line.encode(errors="replace")
    return len(data) - len(data.translate(None, _CODE))
