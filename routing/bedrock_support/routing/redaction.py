"""Reversible redaction of what `pii` finds: typed placeholders of one call, put back for its caller alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from bedrock_support.routing.found import Found
from bedrock_support.routing.pii.finder import find

_PLACEHOLDER = re.compile(r"\[\[[A-Z_]{2,16}_\d{1,6}_[0-9a-f]{8}\]\]")


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
        parts: list[str] = []
        position = 0
        for each in self.known.in_text(text) if self.known is not None else find(text):
            if _PLACEHOLDER.search(text, max(0, each.start - 40), each.end + 40) and self._is_mark(
                text, each.start, each.end
            ):
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
    return _PLACEHOLDER.sub(lambda found: originals.get(found[0], found[0]), text)


def restore_answer(text: str, originals: Mapping[str, str]) -> str:
    """The same in a model's answer. In JSON each string gets its values back by itself: a value may hold quotes, and
    whoever wrote it into a log must not write the rest of the answer with it."""
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
