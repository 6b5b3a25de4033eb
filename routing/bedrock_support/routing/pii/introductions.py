"""What stands before a name and says that one follows: titles, "my name is", "customer".

Told by the last word first, which a dictionary knows at once: a pattern that must end at the name would try all its words
at every place before it.
"""

from __future__ import annotations

from collections.abc import Iterable

from bedrock_support.routing.pii.words import WORDS

TITLES = WORDS["written_titles"]
_STRONG = WORDS["sentences"]
_CUES = (
    *WORDS["roles"],
    *WORDS["kin"],
    *(f"{matter} {word}" for matter in WORDS["matters"] for word in ("for", "of", "from", "von", "für", "an")),
    *(f"{talk} {word}" for talk in WORDS["talks"] for word in ("with", "to", "from", "mit", "von")),
)
_VERBS = ("war", "ist", "was", "is", "est", "es", "è", "era")
_QUOTES = "\"'„“"
_MOST_BLANKS, _MOST_SIGNS = 8, 3


def _by_last_word(phrases: Iterable[str]) -> dict[str, tuple[str, ...]]:
    told: dict[str, tuple[str, ...]] = {}
    for each in phrases:
        last = each.rpartition(" ")[2].rstrip(".")
        told[last] = (*told.get(last, ()), each)
    return told


_STRONG_BY_LAST, _CUES_BY_LAST = _by_last_word(_STRONG), _by_last_word(_CUES)
_LAST = frozenset(
    {
        *_STRONG_BY_LAST,
        *_CUES_BY_LAST,
        *_VERBS,
        *(each.lower().rstrip(".").rpartition("-")[2] for each in TITLES),
        *(each.lower().rstrip(".") for each in TITLES),
    }
)
_ENDS, _BEGINS = " \"'„“:,.", "\"'„“:,.\t([{>-"


def promises(before: str) -> bool:
    """Whether its last word is one that any introduction ends in."""
    last = before.rstrip(_ENDS).rpartition(" ")[2].rpartition("\n")[2]
    return last.strip(_BEGINS).lower() in _LAST


def certain(before: str) -> bool:
    """Whether a title, or a sentence in which somebody says who it is, ends there."""
    return _titled(before) or _says(before, _QUOTES + " ", _MOST_SIGNS, _STRONG_BY_LAST)


def likely(before: str) -> bool:
    """Whether a word ends there that people are often named behind."""
    if before[-1:] in _QUOTES:
        before = before[:-1]
    if _says(before, " \t", _MOST_BLANKS, _CUES_BY_LAST):
        return True
    bare = before.rstrip(" \t").removesuffix(":").removesuffix(",")
    head, _, verb = bare.rpartition(" ")
    return verb.lower() in _VERBS and before[-1:] in (" ", "\t") and _ends_in(head.lower(), _CUES_BY_LAST)


def _titled(before: str) -> bool:
    if before[-1:] != " ":
        return False
    word = before[:-1].rpartition(" ")[2]
    if word in TITLES:
        return True
    at = next((n for n in range(len(word) - 1, -1, -1) if not (word[n].isalpha() or word[n] in ".-")), -1)
    return word[at + 1 :] in TITLES


def _says(before: str, signs: str, most: int, phrases: dict[str, tuple[str, ...]]) -> bool:
    bare = before.rstrip(signs)
    if not 1 <= len(before) - len(bare) <= most:
        return False
    return _ends_in((bare[:-1] if bare[-1:] in (":", ",") else bare).lower(), phrases)


def _ends_in(text: str, phrases: dict[str, tuple[str, ...]]) -> bool:
    last = text.rpartition(" ")[2].rstrip(".")
    at = next((n for n in range(len(last) - 1, -1, -1) if not (last[n].isalnum() or last[n] in "_'’.")), -1)
    for each in (*phrases.get(last[at + 1 :], ()), *phrases.get(last.rpartition("'")[2], ())):
        border = len(text) - len(each) - 1
        if text.endswith(each) and (border < 0 or not (text[border].isalnum() or text[border] == "_")):
            return True
    return False
