"""Everything that is found in a text, each character of it at most once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.contact import contacts
from bedrock_support.routing.pii.keys import keyed
from bedrock_support.routing.pii.names import NameTagger
from bedrock_support.routing.pii.numbers import numbers
from bedrock_support.routing.pii.people import nobody, people
from bedrock_support.routing.pii.prose import prose
from bedrock_support.routing.pii.secrets import secrets
from bedrock_support.routing.pii.span import SHAPE, Span, resolved
from bedrock_support.routing.pii.tables import tables
from bedrock_support.routing.pii.tagger import SHIPPED
from bedrock_support.routing.pii.text import foreign, prepared

_ODD = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u2010-\u2015\uff01-\uff5e]")
_DISGUISE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]+|\\\\{1,4}u(?!d[89a-f]|D[89A-F])[0-9a-fA-F]{4}")
"""What isn't seen, and how JSON may write any letter, in strings within strings too."""
_STRUCTURE = frozenset("\"'`\\\n\r")
"""What would end a value if it stood there by itself: written as an escape it is part of it."""
_INNER = "\ufffd"


def _plain(found: re.Match[str]) -> str:
    """One character for one, so that places in the text stay what they are."""
    each = ord(found[0])
    return chr(each - 0xFEE0) if each >= 0xFF01 else "-" if 0x2010 <= each <= 0x2015 else " "


_MOST_PARTS, _SHORTEST_PART = 40, 3
_COMMON = frozenset("np")
_WITHIN = frozenset("_-@./\\")
"""What stands within identifiers, addresses and paths."""


class _Plug:
    """What tags names for the whole process: every gate in it must find the same."""

    tagger: NameTagger | None = SHIPPED


def plug(tagger: NameTagger | None) -> None:
    """Have names in running text found by this tagger, or, with None, by rules alone."""
    _Plug.tagger = tagger


def find(text: str) -> list[Span]:
    """Personal data and secrets in the text, in order, without overlaps."""
    strange = foreign(text)
    plain = _ODD.sub(_plain, text) if _ODD.search(strange) else text
    if ("\\u" in text or _DISGUISE.search(strange)) and _DISGUISE.search(plain):
        return _undisguised(plain)
    return _found(plain)


def _undisguised(text: str) -> list[Span]:
    """The same where letters are written as escapes, or what can't be seen stands between them."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for found in _DISGUISE.finditer(text):
        start, end = found.span()
        parts.append(text[at:start])
        starts += range(at, start)
        ends += range(at + 1, start + 1)
        if found[0][0] == "\\":
            letter = chr(int(found[0][-4:], 16))
            parts.append(_INNER if letter in _STRUCTURE else letter)
            starts.append(start)
            ends.append(end)
        at = end
    parts.append(text[at:])
    starts += range(at, len(text))
    ends += range(at + 1, len(text) + 1)
    return [
        Span(starts[start], ends[end - 1], label, rank)
        for start, end, label, rank in _found("".join(parts))
        if end > start
    ]


def _found(whole: str) -> list[Span]:
    text = prepared(whole)
    found = resolved(
        [
            *secrets(text),
            *keyed(text),
            *tables(text),
            *numbers(text),
            *contacts(text),
            *people(text),
            *_tagged(whole),
        ]
    )
    again = [*_again(whole, found)]
    return resolved([*found, *again]) if again else found


def _again(text: str, found: list[Span]) -> Iterator[Span]:
    """Parts of the names that were found, wherever else they stand: whoever is named in full once is often named by a
    part of it later, where nothing says so."""
    names = [text[start:end] for start, end, label, _ in found if label == "PERSON"]
    parts = [each for each in dict.fromkeys(" ".join(dict.fromkeys(names)).split()) if _recognised(each)]
    if not parts:
        return
    taken = bytearray(len(text))
    for start, end, _, _ in found:
        taken[start:end] = b"\1" * (end - start)
    for part in parts[:_MOST_PARTS]:
        at = text.find(part)
        while at >= 0:
            end = at + len(part)
            if not taken[at] and not (_goes_on(text[at - 1 : at]) or _goes_on(text[end : end + 1])):
                yield Span(at, end, "PERSON", SHAPE)
            at = text.find(part, end)


def _recognised(part: str) -> bool:
    """Whether a part of a name is told from other words wherever it stands: by a capital, and being no noun or place."""
    return (
        len(part) >= _SHORTEST_PART
        and part[0].isupper()
        and part.isalpha()
        and not part.isupper()
        and not nobody(part)
        and not _COMMON.intersection(SHIPPED.lists.flags(part))
    )


def _goes_on(sign: str) -> bool:
    return sign.isalnum() or sign in _WITHIN


def _tagged(text: str) -> Iterator[Span]:
    """Names that stand in running text without a cue."""
    tagger = _Plug.tagger
    if tagger is None:
        return
    for start, end in tagger.names(text, prose(text)):
        if not nobody(text[start:end]):
            yield Span(start, end, "PERSON", SHAPE)
