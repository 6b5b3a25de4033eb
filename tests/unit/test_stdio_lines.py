"""Framing of stdin: every line becomes a message or an answer, and none may be too long."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, JSONRPCError

from bedrock_support.server.stdio import Outgoing, parse, split_lines
from tests.promises import promise


@promise("stdio:malformed-answered")
@given(st.lists(st.binary(max_size=40)), st.integers(1, 60))
def test_lines_do_not_depend_on_how_the_bytes_arrive(chunks: list[bytes], limit: int) -> None:
    whole = b"".join(chunks)
    expected = [line if len(line) <= limit else None for line in whole.split(b"\n")]
    if expected and expected[-1] in (b"", None):
        expected.pop()
    got = list(split_lines(iter(chunks), limit))
    assert got == expected


@promise("stdio:malformed-answered")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{not json", PARSE_ERROR),
        (b"\xff\xfe", PARSE_ERROR),
        (b"[]", INVALID_REQUEST),
        (b'{"jsonrpc":"2.0"}', INVALID_REQUEST),
        (b'"text"', INVALID_REQUEST),
        (None, INVALID_REQUEST),
    ],
)
def test_a_malformed_line_is_answered(line: bytes | None, code: int) -> None:
    answer = parse(line)
    assert isinstance(answer, JSONRPCError)
    assert answer.error.code == code
    assert answer.id is None


def test_a_message_is_a_message_and_a_blank_line_nothing() -> None:
    assert isinstance(parse(b'{"jsonrpc":"2.0","id":1,"method":"ping"}'), SessionMessage)
    assert parse(b"  \r") is None


@promise("stdio:unread")
def test_nothing_more_is_read_while_too_much_lies_unread() -> None:
    outgoing = Outgoing(most=10)
    outgoing.wait_for_room()
    outgoing.put(b"x" * 11)
    went_on = threading.Event()

    def read() -> None:
        outgoing.wait_for_room()
        went_on.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    written = outgoing.each()
    assert next(written) == b"x" * 11
    assert not went_on.wait(0.05), "handed to the pipe, but not taken from it"
    outgoing.put(b"y")
    assert next(written) == b"y"
    assert went_on.wait(5)
    reader.join()
    outgoing.put(None)
    assert list(written) == []
