"""Event-stream frames as AWS defines them: lengths, headers, payload, two checksums.

Source: Amazon event stream encoding, `application/vnd.amazon.eventstream`.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping

_STRING = 7
"""Header value type: a string with a 16-bit length."""
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def padded(payload: Mapping[str, object], seed: int) -> dict[str, object]:
    """The payload with the member `p` by which Bedrock hides the length of a frame from eavesdroppers."""
    return {**payload, "p": _PADDING[: 1 + seed * 7 % len(_PADDING)]}


def event(name: str, payload: Mapping[str, object]) -> bytes:
    """A normal event of a model stream."""
    return _frame({":event-type": name, ":content-type": "application/json", ":message-type": "event"}, payload)


def exception(name: str, message: str) -> bytes:
    """A modelled exception inside a stream."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return _frame(headers, {"message": message})


def spoiled(frame: bytes) -> bytes:
    """The frame with its last checksum wrong."""
    return frame[:-1] + bytes([frame[-1] ^ 0xFF])


def _frame(headers: Mapping[str, str], payload: Mapping[str, object]) -> bytes:
    encoded = b"".join(
        bytes([len(name)]) + name.encode() + bytes([_STRING]) + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    body = json.dumps(payload).encode()
    # 12 bytes of prelude with its checksum, 4 bytes of checksum at the end.
    prelude = struct.pack("!II", 16 + len(encoded) + len(body), len(encoded))
    start = prelude + struct.pack("!I", zlib.crc32(prelude)) + encoded + body
    return start + struct.pack("!I", zlib.crc32(start))
