"""The frames of `application/vnd.amazon.eventstream`, as the Amazon event stream specification lays them out:

u32 length of the whole, u32 length of the headers, u32 CRC of these 8 bytes, headers, payload, u32 CRC of all before.
botocore's reader is the oracle of the tests; it takes several times as long.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError

_PRELUDE = Struct("!III")
_CRC = Struct("!I")
_LENGTH = Struct("!H")
_ENDS = _PRELUDE.size + _CRC.size
MOST_BYTES = 4 * 1024 * 1024
"""Of one frame. The specification allows six times that, Bedrock's frames hold some hundred bytes."""
MOST_HEADERS = 128 * 1024
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type, for those of a fixed size: truth values, integers, a time, a UUID."""
_BYTES, _TEXT = 6, 7


class FrameError(ValueError):
    """Bytes that are no frame. Says which rule they break, never what they hold."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    headers: dict[str, str]
    """Those of type text; no other type says anything in Bedrock's streams."""
    payload: bytes


class Frames:
    """Cuts bytes, in whatever pieces they come, into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole by now. Raises FrameError."""
        rest = self._rest + data if self._rest else data
        at = 0
        try:
            while len(rest) - at >= _ENDS:
                length = _length(rest, at)
                if len(rest) - at < length:
                    break
                frame = _frame(rest, at, length)
                at += length
                yield frame
        finally:
            self._rest = rest[at:]


def _length(data: bytes, at: int) -> int:
    length, headers, checked = _PRELUDE.unpack_from(data, at)
    # First of all, so that a broken length makes nobody wait for megabytes that never come.
    if crc32(data[at : at + 8]) != checked:
        raise FrameError("checksum of the prelude")
    if headers > MOST_HEADERS or not _ENDS + headers <= length <= MOST_BYTES:
        raise FrameError("lengths")
    return length


def _frame(data: bytes, at: int, length: int) -> Frame:
    end = at + length - _CRC.size
    if crc32(data[at:end]) != _CRC.unpack_from(data, end)[0]:
        raise FrameError("checksum of the frame")
    start = at + _PRELUDE.size
    payload = start + int.from_bytes(data[at + 4 : at + 8], "big")
    return Frame(_headers(data[start:payload]), data[payload:end])


def _headers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            kind = data[name_end]
            value = name_end + 1
            if kind in (_TEXT, _BYTES):
                end = value + 2 + _LENGTH.unpack_from(data, value)[0]
                value += 2
            else:
                end = value + _SIZES[kind]
            if end > len(data):
                raise FrameError("a header's length")
            if kind == _TEXT:
                found[data[at + 1 : name_end].decode()] = data[value:end].decode()
            at = end
    except (LookupError, StructError, UnicodeDecodeError):
        raise FrameError("headers") from None
    return found
