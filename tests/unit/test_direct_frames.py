"""Frames of an event stream: what botocore reads from them we read, and what is damaged neither of us takes."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from typing import Any, cast

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.bedrock import frames as module
from bedrock_support.routing.bedrock.frames import Frame, FrameError, Frames
from tests.direct_rig import METADATA, START, STOP, piece
from tests.promises import promise

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
VALUES: st.SearchStrategy[bytes] = st.one_of(
    st.sampled_from([b"\x00", b"\x01"]),
    *(st.binary(min_size=size, max_size=size).map(prefix.__add__) for prefix, size in
      ((b"\x02", 1), (b"\x03", 2), (b"\x04", 4), (b"\x05", 8), (b"\x08", 8), (b"\x09", 16))),
    st.binary(max_size=40).map(lambda value: b"\x06" + struct.pack("!H", len(value)) + value),
    st.text(st.characters(codec="utf-8"), max_size=40).map(
        lambda value: b"\x07" + struct.pack("!H", len(value.encode())) + value.encode()
    ),
)  # fmt: skip


def raw(headers: bytes, payload: bytes) -> bytes:
    """A frame with right checksums, whatever its headers."""
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    checked = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return checked + struct.pack("!I", zlib.crc32(checked))


def built(headers: dict[str, bytes], payload: bytes) -> bytes:
    named = ((name.encode(), value) for name, value in headers.items())
    return raw(b"".join(bytes([len(name)]) + name + value for name, value in named), payload)


FRAMES = st.lists(
    st.builds(built, st.dictionaries(NAMES, VALUES, max_size=4), st.binary(max_size=200)), max_size=5
).map(b"".join)


def ours(data: bytes, cuts: list[int]) -> list[Frame]:
    """What we read from data that comes in pieces."""
    frames = Frames()
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [frame for at, end in pairwise(ends) for frame in frames.feed(data[at:end])]


@promise("direct:frames")
@given(data=FRAMES, cuts=st.lists(st.integers(0, 1500), max_size=12))
def test_we_read_what_botocore_reads(data: bytes, cuts: list[int]) -> None:
    theirs = EventStreamBuffer()
    theirs.add_data(data)
    wanted = [(cast("dict[str, Any]", frame.headers), frame.payload) for frame in theirs]  # the stubs say int
    found = ours(data, cuts)
    assert [frame.payload for frame in found] == [payload for _, payload in wanted]
    for frame, (headers, _) in zip(found, wanted, strict=True):
        # Where two headers share a name botocore refuses the frame, so names differ here.
        assert frame.headers.items() <= headers.items()
        assert all(not isinstance(value, str) or name in frame.headers for name, value in headers.items())


@promise("direct:frames")
@given(place=st.integers(0, len(START + piece("Be") + STOP + METADATA) * 8 - 1))
def test_no_bit_may_turn(place: int) -> None:
    whole = START + piece("Be") + STOP + METADATA
    data = bytearray(whole)
    data[place // 8] ^= 1 << place % 8
    with pytest.raises(FrameError):
        ours(bytes(data), [])
    assert len(ours(whole, [])) == 4


@promise("direct:frames")
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"\x05a", id="ends in a name"),
        pytest.param(b"\x01a", id="ends before a type"),
        pytest.param(b"\x01a\x07", id="ends before a length"),
        pytest.param(b"\x01a\x07\x00\x09x", id="ends in a text"),
        pytest.param(b"\x01a\x05\x00", id="ends in a number"),
        pytest.param(b"\x01a\x0a", id="a type that isn't"),
        pytest.param(b"\x01a\x07\x00\x01\xff", id="no UTF-8"),
    ],
)
def test_headers_that_make_no_sense_are_refused(headers: bytes) -> None:
    with pytest.raises(FrameError):
        ours(raw(headers, b"{}"), [])


@promise("direct:frames")
@pytest.mark.parametrize(("length", "headers"), [(15, 0), (module.MOST_BYTES + 1, 0), (300_000, 200_000), (20, 5)])
def test_lengths_that_cannot_be_are_refused_before_anybody_waits_for_them(length: int, headers: int) -> None:
    prelude = struct.pack("!II", length, headers)
    with pytest.raises(FrameError):
        ours(prelude + struct.pack("!I", zlib.crc32(prelude)) + bytes(4), [])
