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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter

_PLACEHOLDER = re.compile(r"\[\[[A-Z_]{2,16}_\d{1,6}_[0-9a-f]{8}\]\]")
_LOOKS_LIKE = r"\[\[(?!EMAIL|PERSON|NAME|USERNAME|ADDRESS|SECRET)[A-Z_]{3,16}_\d{1,6}_[0-9a-f]{8}\]\]"
"""Redaction takes one random id in a hundred for a number of somebody's, the whole of it or a part."""
_TIME = re.compile(r"\d(?<!\w\d)\d{3}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")
"""Begins with its digit, so that the rest of a text is skipped at the speed of a search for one."""
_KEYED = re.compile(
    r"(?i:\b(?:x-)?(?:amzn-?)?(?:request|req|trace|span|correlation|session)(?:[_-]?id)?\b)"
    r"\\{0,3}[\"']?[^\S\n]{0,2}[=:][^\S\n]{0,2}\\{0,3}[\"']?"
    rf"(?=[\w-]{{4}}|[\w-]{{0,3}}\[\[)((?:[\w-]{{1,128}}|{_LOOKS_LIKE}){{1,8}})"
)
_KEYS = ("req", "trace", "span", "correlation", "session")
_BEFORE_KEY = (7, 6, 5, 4, 2, 0)
"""Characters before such a word in which its key may begin: x-amzn-, x-amzn, amzn-, amzn, x-."""
_PREFIXED = frozenset("-n")
_EVIDENCE = re.compile(r"E\d{1,6}(?=\")")
_MARK = re.compile(r"[0-9a-f]{16}(?=>)")
_LOOSE = re.compile(rf"{_TIME.pattern}|\b\d\d:\d\d:\d\d\b|\bE\d{{1,6}}\b")
"""What an answer may not hold once everything that varies has been taken out of it."""
_SLOT = "\x1a{}\x1a"
_SLOTS = re.compile("\x1a(\\d{1,6})\x1a")
_PLAIN = "_00000000]]"
"""How placeholders end here, whatever the call's nonce."""

Place = tuple[int, int, str]
"""Begin and end of a value that varies, and its kind."""


@dataclass(frozen=True, slots=True)
class Slots:
    """What stood where a text varies, in the order of first appearance."""

    literals: tuple[str, ...]

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


@dataclass(frozen=True, slots=True)
class Canonical:
    """A text without what varies, and what that was."""

    text: str
    slots: Slots


def plain_marks(text: str, behind: Mapping[str, str]) -> tuple[str, str]:
    """The text with one nonce for all calls in this call's placeholders, and the nonce that was theirs.

    The nonce is empty where there is nothing to do, or where somebody wrote what would then be taken for ours. Only
    marks that canonical() knows lose theirs: what it took for plain words would count without the value behind it.
    """
    nonce = next(iter(behind))[-10:-2] if behind else ""
    if not nonce or _PLAIN in text or not all(_PLACEHOLDER.fullmatch(mark) for mark in behind):
        return text, ""
    return text.replace(f"_{nonce}]]", _PLAIN), nonce


def with_nonce(literals: tuple[str, ...], nonce: str) -> tuple[str, ...]:
    """The literals of a text of plain_marks(), in a call's own placeholders."""
    return tuple([each.replace(_PLAIN, f"_{nonce}]]") for each in literals]) if nonce else literals


def canonical(text: str, behind: Mapping[str, str]) -> Canonical:
    """What the text comes down to. `behind` has the value of each placeholder, of which only a digest is kept."""
    places = list(_varying(text))
    lines: list[tuple[str, list[str], int, int, int, list[Place]]] = []
    begin = at = 0
    for number, line in enumerate(text.split("\n")):
        end = begin + len(line)
        mine: list[Place] = []
        while at < len(places) and places[at][0] < end:
            mine.append(places[at])
            at += 1
        times = [text[first:last] for first, last, kind in mine if kind == "time"]
        lines.append((_bare(text, begin, end, mine) if mine else line, times, number, begin, end, mine))
        begin = end + 1
    # Sorted by what is left of them, and like ones by their times, so that their order doesn't decide.
    lines.sort(key=itemgetter(0, 1, 2))
    state = _Numbering(text, behind)
    told = [state.line(begin, end, mine) if mine else bare for bare, _, _, begin, end, mine in lines]
    return Canonical("\n".join(told), Slots(tuple(state.literals)))


def _varying(text: str) -> Iterator[Place]:
    """Where what varies stands, in order; of two that overlap the one that begins first."""
    found = [(each.start(), each.end(), each.start(), "time") for each in _TIME.finditer(text)]
    if "[[" in text:
        found += [(each.start(), each.end(), each.start(), "placeholder") for each in _PLACEHOLDER.finditer(text)]
    for head, pattern, kind in (
        ('"id": "', _EVIDENCE, "evidence"),
        ("<evidence-", _MARK, "mark"),
        ("</evidence-", _MARK, "mark"),
    ):
        for at in _each(text, head):
            value = pattern.match(text, at + len(head))
            if value is not None:
                found.append((at, value.end() + 1, at + len(head), kind))
    found += _keyed(text)
    done = 0
    for start, end, first, kind in sorted(found):
        if start >= done:
            done = end
            yield first, end - (kind in ("evidence", "mark")), kind


def _keyed(text: str) -> Iterator[tuple[int, int, int, str]]:
    low = text.lower()
    if len(low) != len(text):
        return  # of such a text places don't agree: what is kept to the letter is asked anew at worst
    for at in [at for key in _KEYS for at in _each(low, key)]:
        for before in _BEFORE_KEY if low[at - 1 : at] in _PREFIXED else (0,):
            value = _KEYED.match(text, at - before) if at >= before else None
            if value is not None:
                yield at - before, value.end(), value.start(1), "keyed"


def _each(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))


def _bare(text: str, begin: int, end: int, places: list[Place]) -> str:
    parts: list[str] = []
    at = begin
    for first, last, kind in places:
        parts += (text[at:first], f"<{kind}>")
        at = last
    parts.append(text[at:end])
    return "".join(parts)


class _Numbering:
    """Gives each varying value its slot."""

    def __init__(self, text: str, behind: Mapping[str, str]) -> None:
        self._text = text
        self._behind = behind
        self._numbers: dict[str, int] = {}
        self._first: datetime | None = None
        self.literals: list[str] = []

    def line(self, begin: int, end: int, places: list[Place]) -> str:
        """The line with a slot for each value."""
        text = self._text
        parts: list[str] = []
        at = begin
        for first, last, kind in places:
            value = text[first:last]
            number = self._numbers.setdefault(value, len(self.literals))
            if number == len(self.literals):
                self.literals.append(value)
            # A sign that no cleared text holds, so that nobody can write what looks like a slot.
            parts += (text[at:first], f"\x1a{kind} {number}{self._about(kind, value)}\x1a")
            at = last
        parts.append(text[at:end])
        return "".join(parts)

    def _about(self, kind: str, value: str) -> str:
        if kind == "placeholder":
            label = value[2:].rpartition("_")[0].rpartition("_")[0]
            return f" {label} {hashlib.sha256(self._behind.get(value, value).encode()).hexdigest()}"
        if kind != "time":
            return ""
        moment = _moment(value)
        if moment is None:
            return f" {value}"
        if self._first is None:
            self._first = moment
        # To the thousandth: what came first within one second matters.
        return f" {(moment - self._first).total_seconds():+.3f}"


def _moment(value: str) -> datetime | None:
    if "." not in value and "," not in value:
        text = value
    else:
        whole, _, rest = value.replace(",", ".").partition(".")
        # datetime takes six digits at most; further ones don't change a thousandth.
        digits = re.match(r"\d+", rest)
        length = digits.end() if digits else 0
        text = f"{whole}.{rest[:length][:6]:0<6}{rest[length:]}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
