"""Lines of a file as JSON objects: one at a time, whatever is in them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

MOST_LINE = 4_000_000
"""Bytes of one line; longer ones are passed over."""
HEAD = 160
"""Characters of a line that are kept for quoting."""


@dataclass(frozen=True, slots=True)
class Line:
    """One JSON object of a file."""

    number: int
    head: str
    value: dict[str, Any]


@dataclass(slots=True)
class Tally:
    """What was read of all files, and what was not."""

    files: int = 0
    lines: int = 0
    size: int = 0
    unreadable: int = 0
    """Lines that are no JSON object, or too long."""
    unknown: int = 0
    """Objects of no known form."""
    forms: set[str] = field(default_factory=set[str])


def read_lines(handle: int, tally: Tally, budget: int) -> Iterator[Line]:
    """JSON objects of an open file, which is closed at the end. At most `budget` bytes are read. Blocks."""
    with os.fdopen(handle, "rb") as file:
        number = 0
        while budget > 0 and (raw := file.readline(min(MOST_LINE, budget))):
            number += 1
            tally.lines += 1
            budget -= len(raw)
            tally.size += len(raw)
            whole = len(raw) < MOST_LINE
            while not whole and budget > 0 and (more := file.readline(65_536)):
                budget -= len(more)
                tally.size += len(more)
                if more.endswith(b"\n"):
                    break
            if not raw.strip():
                continue
            value = _object(raw) if whole or raw.endswith(b"\n") else None
            if value is None:
                tally.unreadable += 1
            else:
                yield Line(number, raw[: HEAD * 4].decode("utf-8", "replace")[:HEAD].rstrip(), value)


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def obj(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The value if it is a list, at most 10,000 of its entries, else an empty one."""
    return cast("list[Any]", value)[:10_000] if isinstance(value, list) else []


def word(value: object, most: int = 200) -> str:
    """The value if it is text, cut."""
    return value[:most] if isinstance(value, str) else ""


def whole(value: object) -> int:
    """A count, from 0 to a billion; anything else is 0."""
    return int(min(max(_number(value), 0.0), 1e9))


def moment(value: object) -> float | None:
    """Seconds of an ISO date, or of a number of seconds or milliseconds."""
    if isinstance(value, str) and 10 <= len(value) <= 40:
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = _number(value)
    return seconds / 1000 if seconds > 1e11 else seconds


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return found if math.isfinite(found) else 0.0
