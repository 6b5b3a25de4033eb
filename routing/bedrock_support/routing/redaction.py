"""Reversible redaction of what `pii` finds: typed placeholders of one call, put back for its caller alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

from bedrock_support.routing.found import Found
from bedrock_support.routing.pii.late import find
from bedrock_support.routing.pii.span import KEYED, Span, resolved

_PLACEHOLDER = re.compile(r"\[\[[A-Z_]{2,16}_\d{1,6}_[0-9a-f]{8}\]\]")
_JOINT = r"\s{0,2}(?:\\{0,2}[_\-\u2010-\u2015]|\s)\s{0,2}"
_MANGLED = re.compile(
    rf"(?:\\{{0,2}}[\[<{{]\s{{0,2}}){{0,2}}(?<![A-Za-z])([A-Za-z]{{1,16}}(?:{_JOINT}[A-Za-z]{{1,16}}){{0,3}})"
    rf"{_JOINT}(\d{{1,6}}){_JOINT}([0-9a-fA-F]{{8}})(?![0-9A-Za-z])(?:\s{{0,2}}\\{{0,2}}[\]>}}]){{0,2}}"
)
"""A placeholder as models write it when they don't copy it: other brackets or none, escapes, blanks, small letters."""
_WORDS = re.compile(r"[A-Za-z]+")
_ONCE = ((re.compile("evidence-[0-9a-f]{16}"), "evidence-"), (re.compile(r"_[0-9a-f]{8}\]\]"), "_]]"))
"""What changes from call to call, and what is left of it. Two patterns: each is looked for by the letters it begins
with, a dozen times as fast as both in one."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_CONTROLS = bytes(each for each in range(128) if _UNSEEN.match(chr(each)))
_PROBE = "kT9xQ2vLw8"
"""What nobody would take for anything but a secret, and that only where a name says so."""
SECRET_KINDS = frozenset({"SECRET", "OTP", "CVV"})
"""Labels of what opens something; all others are of personal data."""
_REACH = 90
"""Characters before its nonce in which a placeholder begins."""
_MOST_MENDED = 5_000
"""Placeholders of one answer."""
_MOST_CONTEXT = 4_000
"""Characters of a value up to which the name that it stands under counts."""


@dataclass(slots=True)
class Redactor:
    """Redacts the texts of one call: the same value gets the same placeholder, and can be put back.

    The nonce is unguessable and of this call alone, so that a text that already looks like a
    placeholder is never restored into somebody's data.
    """

    nonce: str
    """8 hexadecimal digits."""
    known: Found | None = None
    """What was found before in the same texts; None looks through each."""
    originals: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """Placeholder -> value."""
    _known: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str], repr=False)

    def redact(self, text: str) -> str:
        """The text with every find replaced by `[[LABEL_n_nonce]]`."""
        return self._replaced(text, self.known.in_text(text) if self.known is not None else find(text))

    def redact_value(self, value: Any, name: str = "") -> Any:
        """The same in every part of a JSON value, names of members too. What stands under a name is looked at with it:
        under `password` everything is one, and a number under `iban` may be one. Raises RecursionError."""
        if isinstance(value, str):
            return self._replaced(value, resolved([*find(value), *_named(name, value)]))
        if isinstance(value, list):
            return [self.redact_value(each, name) for each in cast("list[Any]", value)]
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value).items()
            return {self.redact(key): self.redact_value(each, key) for key, each in members}
        if isinstance(value, int | float) and not isinstance(value, bool):
            told = json.dumps(value)
            cleaned = self.redact_value(told, name)
            return value if cleaned == told else cleaned
        return value

    def _replaced(self, text: str, found: Iterable[Span]) -> str:
        parts: list[str] = []
        position = 0
        for each in found:
            if self._is_mark(text, each.start, each.end):
                continue  # a placeholder of an earlier pass: the text of a queued question, an answer sent back
            parts += (text[position : each.start], self._placeholder(each.label, text[each.start : each.end]))
            position = each.end
        parts.append(text[position:])
        return "".join(parts)

    @staticmethod
    def _is_mark(text: str, start: int, end: int) -> bool:
        return any(
            found.start() < end and start < found.end()
            for found in _PLACEHOLDER.finditer(text, max(0, start - 40), min(len(text), end + 40))
        )

    def _placeholder(self, label: str, value: str) -> str:
        key = (label, value)
        if key not in self._known:
            mark = f"[[{label}_{len(self._known) + 1}_{self.nonce}]]"
            self._known[key] = mark
            self.originals[mark] = value
        return self._known[key]


def blanked(text: str) -> str:
    """The text with the kind of each find in its place, for good: for logs, notices and other words of this server."""
    parts: list[str] = []
    position = 0
    for each in find(text):
        parts += (text[position : each.start], f"[{each.label}]")
        position = each.end
    parts.append(text[position:])
    return "".join(parts)


def seen(text: str) -> str:
    """The text without what no reader sees: controls, marks of direction, tags, and widths of nothing.

    Instructions are hidden in them. Joiners stay, which scripts and emoji need.
    """
    if text.isascii() and len(plain := text.encode()) == len(plain.translate(None, _CONTROLS)):
        return text  # nearly every text, and far faster than by the pattern
    return _UNSEEN.sub("", text)


def digest_of(redacted: str) -> str:
    """SHA-256, hexadecimal, of a redacted text without what changes from call to call: equal for equal questions.

    It may leave: a digest of the evidence itself would let anyone who can guess a short value check the guess.
    """
    for once, left in _ONCE:
        redacted = once.sub(left, redacted)
    return hashlib.sha256(redacted.encode("utf-8", "surrogatepass")).hexdigest()


def _named(name: str, value: str) -> list[Span]:
    """What is found in a value because of the name that it stands under."""
    if not name or not value or len(value) > _MOST_CONTEXT:
        return []
    head = json.dumps({name: ""}, ensure_ascii=False)[:-2]
    if json.dumps(value, ensure_ascii=False)[1:-1] != value:
        # With escapes places don't agree: where the name makes a secret of anything, the whole value is one.
        probed = [each for each in find(f'{head}{_PROBE}"}}') if each.end > len(head)]
        return [Span(0, len(value), probed[0].label, KEYED)] if probed else []
    found = [(each, each.start - len(head), each.end - len(head)) for each in find(f'{head}{value}"}}')]
    return [
        Span(max(0, start), min(end, len(value)), each.label, each.rank)
        for each, start, end in found
        if end > 0 and start < len(value)
    ]


def has_placeholders(value: Any) -> bool:
    """Whether any string of a parsed JSON value holds a placeholder. Raises RecursionError."""
    if isinstance(value, str):
        return _PLACEHOLDER.search(value) is not None
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value)
        return any(has_placeholders(each) for pair in items.items() for each in pair)
    return isinstance(value, list) and any(has_placeholders(each) for each in cast("list[object]", value))


def restore(text: str, originals: Mapping[str, str]) -> str:
    """Put the original values back; placeholders that this call didn't make stay as they are."""
    return _PLACEHOLDER.sub(lambda found: originals.get(found[0], found[0]), tidied(text, originals))


def tidied(text: str, marks: Collection[str]) -> str:
    """The text with placeholders of this call written as they were given out, however a model copied them.

    What holds no nonce of the call, or names a placeholder that was never given out, stays as it is.
    """
    if not marks:
        return text
    nonce = next(iter(marks))[-10:-2]

    def mend(found: re.Match[str]) -> str:
        words = list(_WORDS.finditer(found[1]))
        for at, word in enumerate(words):  # words before the label may be the sentence's own
            label = "_".join(each[0].upper() for each in words[at:])
            mark = f"[[{label}_{found[2]}_{found[3].lower()}]]"
            if mark in found[0] and mark in marks:
                return found[0]  # well copied: what stands around it is the text's own
            if mark in marks:
                return found[1][: word.start()] + mark
        return found[0]

    parts: list[str] = []
    position = 0
    # Around each nonce alone: the answer may be long, and is a stranger's.
    for each in islice(re.finditer(nonce, text, re.IGNORECASE), _MOST_MENDED):
        near = _MANGLED.finditer(text, max(position, each.start() - _REACH), each.end() + 8)
        found = next((one for one in near if one.start(3) == each.start()), None)
        if found is not None:
            parts += (text[position : found.start()], mend(found))
            position = found.end()
    parts.append(text[position:])
    return "".join(parts)


def restore_answer(text: str, originals: Mapping[str, str]) -> str:
    """The same in a model's answer. In JSON each string gets its values back by itself: a value may hold quotes, and
    whoever wrote it into a log must not write the rest of the answer with it."""
    text = tidied(text, originals)
    if _PLACEHOLDER.search(text) is None:
        return text
    try:
        parsed: Any = json.loads(text)
        return json.dumps(restored(parsed, originals), ensure_ascii=False)
    except (ValueError, RecursionError):
        return restore(text, originals)


def restored(value: Any, originals: Mapping[str, str]) -> Any:
    """The same in every string of a parsed JSON value, names of members too. Raises RecursionError."""
    if isinstance(value, str):
        return restore(value, originals)
    if isinstance(value, list):
        return [restored(each, originals) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return {restore(name, originals): restored(each, originals) for name, each in members}
    return value
