"""Findings as callers hand them over: those of our tools, in whatever list they came, held to what can be used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import Field

from bedrock_support.tools.base import InputError, ToolInput

MOST_FINDINGS = 200
MOST_BYTES = 2_000_000
"""Of a file with findings."""
MOST_LINE = 10**9
"""No file has more."""
_LISTS = ("findings", "gaps", "tasks", "causes")
_SEVERITIES = ("critical", "high", "medium", "low", "info")


class RemedyInput(ToolInput):
    """Arguments of plan_remediation. Those that name themselves are described by the tool alone: each word costs."""

    path: str = Field(default=".", max_length=4_096)
    findings: list[dict[str, Any]] | None = None
    findings_file: str | None = Field(default=None, max_length=4_096)
    patch: str | None = Field(default=None, max_length=60_000, description="a diff")
    apply: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One finding that asks for a remedy. Every text in it is data, whoever wrote it."""

    id: str
    title: str
    detail: str
    path: str
    """As given; empty when it names no file."""
    line: int
    """From 1; 0 for none, negative where something was given that is no line."""
    symbol: str
    severity: str
    confidence: float


def findings_in(text: bytes, name: str) -> list[Mapping[str, Any]]:
    """The findings of a JSON file: a list, or an object that has one of our tools' lists.

    Raises:
        InputError: it is neither.
    """
    mend = "Give a JSON list of findings, or a result of one of these tools as JSON"
    if len(text) > MOST_BYTES:
        raise InputError("findings_file", name, f"is longer than {MOST_BYTES} bytes", "Give the findings that matter")
    try:
        loaded: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("findings_file", name, "isn't JSON", mend) from None
    if isinstance(loaded, dict):
        members = cast("dict[str, Any]", loaded)
        loaded = next((members[key] for key in _LISTS if members.get(key)), members.get("findings"))
    if not isinstance(loaded, list):
        raise InputError("findings_file", name, "has no list of findings", mend)
    return [cast("dict[str, Any]", each) for each in cast("list[Any]", loaded) if isinstance(each, dict)]


def wanted(given: Iterable[Mapping[str, Any]]) -> list[Wanted]:
    """The findings, in order, each with an id of its own."""
    found: list[Wanted] = []
    ids: set[str] = set()
    for at, each in enumerate(given, 1):
        if len(found) >= MOST_FINDINGS:
            break
        if each.get("verdict") == "done":  # a row of verify_spec that asks for nothing
            continue
        known = str(each.get("id") or "")[:40]
        name = known if known and known not in ids else f"P{at}"
        ids.add(name)
        found.append(_wanted(name, each))
    return found


def _wanted(name: str, given: Mapping[str, Any]) -> Wanted:
    severity = str(given.get("severity", "medium")).lower()
    symbol = _text(given, 200, "symbol")
    title = _text(given, 300, "title", "reason", "kind") or "finding"
    path = _text(given, 1_000, "path", "file")
    return Wanted(
        id=name,
        title=f"{symbol}: {title}" if symbol and symbol not in title else title,
        detail=_text(given, 800, "detail", "reason"),
        path=path,
        line=_line(given.get("line")) if path else 0,
        symbol=symbol,
        severity=severity if severity in _SEVERITIES else "medium",
        confidence=_share(given.get("confidence")),
    )


def _text(given: Mapping[str, Any], most: int, *keys: str) -> str:
    return next((text.strip()[:most] for key in keys if isinstance(text := given.get(key), str) and text.strip()), "")


def _line(value: object) -> int:
    """As a number, whatever way JSON's writers write one; none is 0."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return max(value or 0, -1)
    if isinstance(value, float) and value.is_integer() and 0 <= value <= MOST_LINE:
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < len(str(MOST_LINE)) else -1


def _share(value: object) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(cast("float", value)) if known else 0.5
