"""Files that aren't lines of text as they stand: UTF-16, gzip, zstd and JSON exports of CloudWatch become such."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO, Any, Protocol, cast

import zstandard

from bedrock_support.tools.logs.span_lines import lines_of_spans

MAX_UNPACKED = 1 << 30
"""Bytes that one packed file may become."""
MAX_EXPORT = 64 << 20
"""Bytes of a JSON export that are looked at: it can be read only as a whole."""
MAX_TRACES = 32 << 20
"""Bytes of a file of traces that are looked at, for the same reason."""
_MAX_WINDOW = 128 << 20
"""Memory that a zstd frame may ask for, as much as the zstd program allows without being told."""
_PIECE = 1 << 18
_ZSTD_PIECE = 512
_EXPORT = re.compile(rb'\A\s*[{\[][^\0]{0,4000}?"(?:events|logEvents|results)"\s*:\s*\[', re.DOTALL)
_SPANS = re.compile(rb'\A\s*\{\s*(?:"resourceSpans"\s*:\s*\[|"data"\s*:\s*\[\s*\{\s*"(?:traceID|spans|processes)"\s*:)')
_ARRAY = re.compile(r'"(?:events|logEvents|results)"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


class Packed(Protocol):
    """What is needed of a source to unpack it."""

    size: int
    handle: int

    def read_at(self, offset: int, count: int) -> bytes: ...


Convert = Callable[[Packed, IO[bytes], Callable[[], bool]], bool]
"""Writes what a source holds as text; False if not all of it."""


def converter(head: bytes) -> tuple[str, Convert] | None:
    """What a file with this beginning is, in words, and how to turn it into lines; None if it needs nothing."""
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "decoded from UTF-16; hashes are of its UTF-8 form", _utf16
    if head[:2] == b"\x1f\x8b":
        return "unpacked from gzip; hashes are of the unpacked lines", _gunzip
    if head[:4] == b"(\xb5/\xfd":
        return "unpacked from zstd; hashes are of the unpacked lines", _unzstd
    if _EXPORT.match(head) and b'message"' in head and b'timestamp"' in head:
        return "read as an export of CloudWatch Logs; lines and hashes are of its events, each with its time", _export
    if _SPANS.search(head):
        return "read as traces; lines and hashes are of its spans, one a line, each with its trace id", _spans
    return None


def _utf16(source: Packed, spool: IO[bytes], expired: Callable[[], bool]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for offset in range(0, source.size, _PIECE):
        if expired():
            return False
        spool.write(decoder.decode(source.read_at(offset, _PIECE)).encode("utf-8", "replace"))
    return True


def _gunzip(source: Packed, spool: IO[bytes], expired: Callable[[], bool]) -> bool:
    with _raw(source) as raw, gzip.GzipFile(fileobj=raw) as packed:
        written = 0
        while written < MAX_UNPACKED and not expired():
            try:
                part = packed.read(_PIECE)
            except (OSError, EOFError, zlib.error):
                return False
            if not part:
                return True
            written += spool.write(part)
        return False


def _unzstd(source: Packed, spool: IO[bytes], expired: Callable[[], bool]) -> bool:
    made = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    frame, written, left = made.decompressobj(), 0, b""
    with _raw(source) as raw:
        while written < MAX_UNPACKED and not expired():
            # A piece so small can't grow beyond some megabytes before the bound is looked at again.
            data = left or raw.read(_ZSTD_PIECE)
            if not data:
                return frame.eof
            if frame.eof:
                frame = made.decompressobj()
            try:
                written += spool.write(frame.decompress(data))
            except zstandard.ZstdError:
                return False
            left = frame.unused_data if frame.eof else b""
    return False


def _raw(source: Packed) -> IO[bytes]:
    raw = os.fdopen(os.dup(source.handle), "rb")
    raw.seek(0)
    return raw


def _export(source: Packed, spool: IO[bytes], expired: Callable[[], bool]) -> bool:
    text = source.read_at(0, MAX_EXPORT).decode("utf-8", "replace")
    try:
        for event in _events(text):
            if expired():
                return False
            spool.write(_line(event).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return source.size <= MAX_EXPORT


def _spans(source: Packed, spool: IO[bytes], expired: Callable[[], bool]) -> bool:
    text = source.read_at(0, MAX_TRACES).decode("utf-8", "replace")
    try:
        for line in lines_of_spans(text):
            if expired():
                return False
            spool.write(line.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return source.size <= MAX_TRACES


def _events(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    found = _ARRAY.search(text)
    while found:
        at = _skip(text, found.end())
        while at < len(text) and text[at] != "]":
            event, at = decoder.raw_decode(text, at)
            yield event
            at = _skip(text, at)
        # A subscription delivers one document after the other.
        found = _ARRAY.search(text, at)


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _line(event: Any) -> str:
    """An event as `time message`, as the text exports have it."""
    fields: dict[str, Any] = {}
    if isinstance(event, dict):
        fields = cast("dict[str, Any]", event)
    elif isinstance(event, list):
        cells = [cast("dict[str, Any]", cell) for cell in cast("list[Any]", event) if isinstance(cell, dict)]
        fields = {str(cell.get("field", "")).removeprefix("@"): cell.get("value") for cell in cells}
    message = str(fields.get("message") or "").rstrip()
    return f"{_moment(fields.get('timestamp'))} {message}\n" if message else ""


def _moment(stamp: Any) -> str:
    if isinstance(stamp, int | float) and 0 <= stamp < 1e14:
        return datetime.fromtimestamp(stamp / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(stamp or "").strip()[:40]
