"""Everything that is found in a text, each character of it at most once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.contact import contacts
from bedrock_support.routing.pii.keys import keyed
from bedrock_support.routing.pii.letters import vocabulary
from bedrock_support.routing.pii.names import NameTagger
from bedrock_support.routing.pii.numbers import numbers
from bedrock_support.routing.pii.people import nobody, people
from bedrock_support.routing.pii.prose import prose
from bedrock_support.routing.pii.secrets import secrets
from bedrock_support.routing.pii.span import SHAPE, Span, resolved
from bedrock_support.routing.pii.tables import tables
from bedrock_support.routing.pii.tagger import SHIPPED

_ODD = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u2010-\u2015\uff01-\uff5e]")
_PLAIN = (
    dict.fromkeys((160, *range(8192, 8203), 8239, 8287), " ")
    | dict.fromkeys(range(8208, 8214), "-")
    | {each: chr(each - 0xFEE0) for each in range(0xFF01, 0xFF5F)}
)
"""One character for one, so that places in the text stay what they are."""
_TIME = re.compile(
    r"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d(?!\d))?"
)
"""A moment (RFC 3339): no number of anybody's, but digits enough to make every pattern of numbers try it."""
_NOTHING = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")


class _Plug:
    """What tags names for the whole process: every gate in it must find the same."""

    tagger: NameTagger | None = SHIPPED


def plug(tagger: NameTagger | None) -> None:
    """Have names in running text found by this tagger, or, with None, by rules alone."""
    _Plug.tagger = tagger


def find(text: str) -> list[Span]:
    """Personal data and secrets in the text, in order, without overlaps."""
    if text.isascii():
        return _found(text)
    plain = text.translate(_PLAIN) if _ODD.search(text) else text
    if not _NOTHING.search(plain):
        return _found(plain)
    kept = [index for index, each in enumerate(plain) if not _NOTHING.match(each)]
    bare = "".join(plain[index] for index in kept)
    return [Span(kept[each.start], kept[each.end - 1] + 1, each.label, each.rank) for each in _found(bare)]


def _found(text: str) -> list[Span]:
    calm = _TIME.sub(_blot, text)
    words = vocabulary(calm)
    return resolved(
        [
            *secrets(text, words),
            *keyed(text, calm),
            *tables(text, words),
            *numbers(calm, words),
            *contacts(calm, words),
            *people(text, words),
            *_tagged(text),
        ]
    )


def _tagged(text: str) -> Iterator[Span]:
    """Names that stand in running text without a cue."""
    tagger = _Plug.tagger
    if tagger is None:
        return
    for start, end in tagger.names(text, prose(text)):
        if not nobody(text[start:end]):
            yield Span(start, end, "PERSON", SHAPE)


def _blot(found: re.Match[str]) -> str:
    return "\0" * len(found[0])
