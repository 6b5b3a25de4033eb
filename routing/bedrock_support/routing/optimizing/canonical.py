"""What a question comes down to: the text without what changes from one asking to the next.

Four things don't matter and are taken out, each by a form that proves what it is: a full date with its time of day (its
distance from the first one stays, for how events follow each other does matter); a value under a key that names a
request, trace, span, session or correlation (which ones are equal stays); our own evidence ids and marks; the nonce of
a placeholder (a digest of the value behind it stays). Lines of evidence may stand in any order. Everything else is kept
to the letter, so one digit, one host or one severity makes another question.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_TIME = r"(?P<time>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
_LOOKS_LIKE = r"\[\[(?!EMAIL|PERSON|NAME|USERNAME|ADDRESS|SECRET)[A-Z_]{3,16}_\d{1,6}_[0-9a-f]{8}\]\]"
"""Redaction takes one random id in a hundred for a number of somebody's, the whole of it or a part."""
_KEYED = (
    r"(?i:\b(?:x-)?(?:amzn-?)?(?:request|req|trace|span|correlation|session)(?:[_-]?id)?\b)"
    r"\\{0,3}[\"']?\s{0,2}[=:]\s{0,2}\\{0,3}[\"']?"
    rf"(?P<keyed>(?=[\w-]{{4}}|[\w-]{{0,3}}\[\[)(?:[\w-]|{_LOOKS_LIKE}){{1,128}})"
)
_EVIDENCE = r"\"id\": \"(?P<evidence>E\d{1,6})\""
_MARK = r"</?evidence-(?P<mark>[0-9a-f]{16})>"
_PLACEHOLDER = r"(?P<placeholder>\[\[[A-Z_]{3,16}_\d{1,6}_[0-9a-f]{8}\]\])"
_VARYING = re.compile("|".join((_PLACEHOLDER, _MARK, _EVIDENCE, _TIME, _KEYED)))
_TIMES = re.compile(_TIME)
_LOOSE = re.compile(rf"{_TIME}|\b\d\d:\d\d:\d\d\b|\bE\d{{1,6}}\b")
"""What an answer may not hold once everything that varies has been taken out of it."""
_SLOT = "\x1a{}\x1a"
_SLOTS = re.compile("\x1a(\\d{1,6})\x1a")


@dataclass(frozen=True, slots=True)
class Canonical:
    """A text without what varies, and what that was."""

    text: str
    literals: tuple[str, ...]
    """What stood in each slot, in the order of their first appearance."""

    def general(self, answer: str) -> str | None:
        """An answer with slots for what it repeats of the question; None when it holds more of that kind than that."""
        known = {each: number for number, each in enumerate(self.literals)}
        if "\x1a" in answer:
            return None
        if known:
            longest = sorted(known, key=len, reverse=True)
            found = re.compile("|".join(rf"(?<![\w-]){re.escape(each)}(?![\w-])" for each in longest))
            answer = found.sub(lambda each: _SLOT.format(known[each[0]]), answer)
        return None if _LOOSE.search(answer) else answer

    def special(self, answer: str) -> str | None:
        """A general answer with this question's own values; None when it asks for one that isn't there."""
        missing = False

        def fill(found: re.Match[str]) -> str:
            nonlocal missing
            number = int(found[1])
            if number >= len(self.literals):
                missing = True
                return ""
            return self.literals[number]

        filled = _SLOTS.sub(fill, answer)
        return None if missing else filled


def canonical(text: str, behind: Mapping[str, str]) -> Canonical:
    """What the text comes down to. `behind` has the value of each placeholder, of which only a digest is kept."""
    lines = text.split("\n")
    # Sorted by what is left of them, and like ones by their times, so that their order doesn't decide.
    bare = sorted(range(len(lines)), key=lambda at: (_VARYING.sub(_kind, lines[at]), _TIMES.findall(lines[at]), at))
    state = _Numbering(behind)
    return Canonical("\n".join([_VARYING.sub(state.slot, lines[at]) for at in bare]), tuple(state.literals))


def _kind(found: re.Match[str]) -> str:
    group = found.lastgroup or ""
    start, end = found.span(group)
    return f"{found[0][: start - found.start()]}<{group}>{found[0][end - found.start() :]}"


class _Numbering:
    """Gives each varying value its slot."""

    def __init__(self, behind: Mapping[str, str]) -> None:
        self._behind = behind
        self._numbers: dict[str, int] = {}
        self._first: datetime | None = None
        self.literals: list[str] = []

    def slot(self, found: re.Match[str]) -> str:
        group = found.lastgroup or ""
        value = found[group]
        number = self._numbers.setdefault(value, len(self.literals))
        if number == len(self.literals):
            self.literals.append(value)
        start, end = found.span(group)
        about = self._about(group, value)
        return f"{found[0][: start - found.start()]}<{group} {number}{about}>{found[0][end - found.start() :]}"

    def _about(self, group: str, value: str) -> str:
        if group == "placeholder":
            label = value[2:].rpartition("_")[0].rpartition("_")[0]
            return f" {label} {hashlib.sha256(self._behind.get(value, value).encode()).hexdigest()}"
        if group != "time":
            return ""
        moment = _moment(value)
        if moment is None:
            return f" {value}"
        if self._first is None:
            self._first = moment
        return f" {(moment - self._first).total_seconds():+.0f}"


def _moment(value: str) -> datetime | None:
    text = value.replace(",", ".").replace("Z", "+00:00")
    whole, dot, rest = text.partition(".")
    if dot:
        # datetime takes six digits at most; further ones don't change a whole second.
        digits = re.match(r"\d+", rest)
        length = digits.end() if digits else 0
        text = f"{whole}.{rest[:length][:6]:0<6}{rest[length:]}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
