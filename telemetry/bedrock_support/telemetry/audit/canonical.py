"""One way to write a record down: RFC 8785 (JSON Canonicalization Scheme), on the part of JSON that records use.

Records hold strings, integers, booleans, null, lists and objects. Fractions are left out, so that no reader has to
agree with ECMAScript on how to print one: amounts are whole microseconds, milliseconds and millionths of a dollar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

MOST = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 7493, section 2.2)."""
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


class NotCanonical(ValueError):
    """The value can't be written in one way that all readers agree on."""


def canonical(record: Mapping[str, Any]) -> str:
    """The record as text; equal records give equal text.

    Raises:
        NotCanonical: it holds a fraction, an integer beyond 2^53 - 1, a lone surrogate, or a key that isn't ASCII.
    """
    _check(record)
    # Keys are ASCII, so that sorting by code point is RFC 8785's sorting by UTF-16 unit.
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotCanonical("a text holds a lone surrogate") from None
    return text


def _check(value: object) -> None:
    if isinstance(value, str | bool | None):
        return
    if isinstance(value, int):
        if abs(value) > MOST:
            raise NotCanonical(f"{value} is beyond 2^53 - 1")
    elif isinstance(value, list | tuple):
        for each in cast("list[object]", value):
            _check(each)
    elif isinstance(value, dict):
        for key, each in cast("dict[object, object]", value).items():
            if not isinstance(key, str) or not _NAME.fullmatch(key):
                raise NotCanonical(f"{key!r} is no name for a field: 1 to 64 ASCII letters, digits and _.:-")
            _check(each)
    else:
        raise NotCanonical(f"a {type(value).__name__} has no canonical form")
