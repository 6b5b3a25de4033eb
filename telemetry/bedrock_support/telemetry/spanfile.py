"""Spans as OTLP-JSON lines in a file: one `resourceSpans` object a line, ids in hexadecimal, as Jaeger uploads them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any, cast

_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def hexed(value: Any) -> Any:
    """Protobuf's JSON writes bytes as base64, but OTLP's JSON asks for hexadecimal ids."""
    if isinstance(value, list):
        return [hexed(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    pairs = cast("dict[str, Any]", value).items()
    return {key: base64.b64decode(each).hex() if key in _IDS else hexed(each) for key, each in pairs}


def append(path: Path, request: dict[str, Any]) -> None:
    """Add one line by one write, so that several processes can share the file. Blocks: never on the loop.

    Raises:
        OSError: the file cannot be written.
    """
    line = json.dumps(hexed(request), separators=(",", ":")).encode() + b"\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        while line:
            line = line[os.write(handle, line) :]
    finally:
        os.close(handle)
