"""What is found in one text: where, how grave, and the line it stands in with every value taken out."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from bedrock_support.routing.pii.late import find
from bedrock_support.routing.pii.span import Span
from bedrock_support.tools.envelope import Severity
from bedrock_support.tools.exposure.abroad import RESIDENCY, abroad, configures, reason

Kind = Literal["pii", "secret", "residency"]
KINDS: tuple[Kind, ...] = ("pii", "secret", "residency")
_SECRETS = frozenset({"SECRET", "OTP", "CVV"})
_HIGH = frozenset(
    {"AT_SVNR", "CH_AHV", "CREDIT_CARD", "DE_ID_CARD", "DE_KVNR", "DE_PASSPORT", "DE_SSN", "DE_TAX_ID"}
) | {
    "DE_TAX_NUMBER",
    "ES_NIF",
    "FR_NIR",
    "IBAN",
    "IT_CF",
    "UK_NINO",
    "US_SSN",
}
"""Numbers that are one person's and do harm in other hands."""
_LOW = frozenset({"GEO", "IP", "MAC", "USERNAME", "VAT_ID"})
ORDER: tuple[Severity, ...] = ("critical", "high", "medium", "low")
_AROUND = 60
"""Characters of a line shown on each side of a find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """One find. Holds nothing of the value, except that a place outside the EU is named."""

    file: str
    line: int
    kind: Kind
    label: str
    severity: Severity
    excerpt: str
    """The line near the find, with [TYPE] for each value."""
    detail: str
    rank: int
    """Of its span: how sure it is."""

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Most important first."""
        return ORDER.index(self.severity), -self.rank, self.file, self.line


def finds(file: str, text: str, kinds: Collection[Kind] = KINDS) -> list[Find]:
    """All finds of these kinds in the text of a file, in its order."""
    inside = find(text)
    outside = abroad(text) if configures(file) else []
    every = sorted([*inside, *outside])
    if not every:
        return []
    starts = [0, *(n + 1 for n, each in enumerate(text) if each == "\n")]
    ends = [each.start for each in inside]
    found: list[Find] = []
    for each in every:
        kind = kind_of(each.label)
        if kind not in kinds:
            continue
        line = bisect_right(starts, each.start)
        named = text[each.start : each.end] if kind == "residency" else ""
        found.append(
            Find(
                file=file,
                line=line,
                kind=kind,
                label=each.label,
                severity=severity_of(each.label),
                excerpt=_excerpt(text, each, inside, ends, starts[line - 1]),
                detail=reason(_bare(named)) if named else "",
                rank=each.rank,
            )
        )
    return found


def kind_of(label: str) -> Kind:
    """What sort of find the label names."""
    if label == RESIDENCY:
        return "residency"
    return "secret" if label in _SECRETS else "pii"


def severity_of(label: str) -> Severity:
    """How grave it is that this stands in a file."""
    if label in _SECRETS:
        return "critical"
    if label in _HIGH or label == RESIDENCY:
        return "high"
    return "low" if label in _LOW else "medium"


def _bare(named: str) -> str:
    """A URL without what may stand before its host or after it: user, password, path, query."""
    if "://" not in named:
        return named
    split = urlsplit(named)
    return f"{split.scheme}://{split.hostname or ''}"


def _excerpt(text: str, each: Span, inside: list[Span], starts: list[int], line: int) -> str:
    """The line around a find, each value in it, and each one that reaches into it, replaced."""
    begin = max(line, each.start - _AROUND)
    stop = text.find("\n", each.end)
    stop = min(stop if stop >= 0 else len(text), each.end + _AROUND)
    parts: list[str] = ["…" if begin > line else ""]
    at = begin
    # The span before may reach into the excerpt: spans don't overlap, so one step back is enough.
    for other in inside[max(0, bisect_left(starts, begin) - 1) : bisect_right(starts, stop)]:
        if other.end <= at or other.start >= stop:
            continue
        parts += [text[at : max(at, other.start)], f"[{other.label}]"]
        at = other.end
    parts.append(text[at:stop])
    return " ".join("".join(parts).split())
