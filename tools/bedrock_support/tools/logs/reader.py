"""Blocks of whole lines with exact line numbers, from a log of any size and in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bedrock_support.tools.logs.sources import Source

BLOCK = 512 * 1024
"""Bytes in a block: small enough that no single C call on it holds the interpreter lock for 5 ms."""
LOOK = 64 * 1024
LINE_CAP = 8_192
"""Bytes of a line that are looked at."""

_COLOUR = re.compile(rb"\x1b\[[0-9;]{0,20}[mK]")
# A place to cut: between two lines of which neither is indented, so that a stack trace stays whole.
_CUT = re.compile(
    rb"\n[^ \t\r\n][^\n]{0,8192}\n(?=[^ \t\r\n])"
    rb"(?!Caused by|Traceback|During handling|The above exc|goroutine |at |stack backtrace)"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A run of whole lines: bytes [start, stop) of a source, its first line counted from 1."""

    source: int
    start: int
    stop: int
    first_line: int
    lines: int


def index(source: Source, number: int) -> Iterator[Block]:
    """Cut a source into blocks, counting newlines only."""
    start, line = 0, 1
    while start < source.size:
        stop = _boundary(source, start + BLOCK)
        lines = _newlines(source, start, stop)
        if stop >= source.size and source.read_at(source.size - 1, 1) != b"\n":
            lines += 1
        yield Block(number, start, stop, line, lines)
        start, line = stop, line + lines


def lines_of(source: Source, block: Block) -> list[bytes]:
    """The lines of a block without their ends and without a terminal's colours, each cut to LINE_CAP bytes."""
    # Past BLOCK + LOOK there is at most the rest of one giant line, never the start of another.
    data = source.read_at(block.start, min(block.stop - block.start, BLOCK + LOOK))
    if block.start == 0:
        data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if b"\x1b[" in data:
        data = _COLOUR.sub(b"", data)
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if max(map(len, lines), default=0) > LINE_CAP:
        lines = [line[:LINE_CAP] for line in lines]
    # The file may have changed since it was indexed; line numbers must not run into the next block.
    return lines[: block.lines]


def whole_line(source: Source, block: Block, line: int) -> Iterator[bytes]:
    """One line in full, in pieces, without its line end: what an evidence hash is made of."""
    data = source.read_at(block.start, min(block.stop - block.start, BLOCK + LOOK))
    at = 0
    for _ in range(line - block.first_line):
        at = data.find(b"\n", at) + 1
        if not at:
            return
    offset = block.start + at
    stop = _newline_after(source, offset)
    stop = source.size if stop < 0 else stop
    if stop > offset and source.read_at(stop - 1, 1) == b"\r":
        stop -= 1
    while offset < stop:
        piece = source.read_at(offset, min(BLOCK, stop - offset))
        if not piece:
            return
        yield piece
        offset += len(piece)


def _boundary(source: Source, wanted: int) -> int:
    if wanted >= source.size:
        return source.size
    window = source.read_at(wanted, LOOK)
    if match := _CUT.search(window):
        return wanted + match.end()
    found = _newline_after(source, wanted)
    return source.size if found < 0 else found + 1


def _newline_after(source: Source, offset: int) -> int:
    """Offset of the first newline at or after `offset`; -1 if there is none."""
    step = 1024
    while offset < source.size:
        data = source.read_at(offset, step)
        if not data:
            return -1
        found = data.find(b"\n")
        if found >= 0:
            return offset + found
        offset, step = offset + len(data), min(step * 4, BLOCK)
    return -1


def _newlines(source: Source, start: int, stop: int) -> int:
    count = 0
    while start < stop:
        data = source.read_at(start, min(BLOCK, stop - start))
        if not data:
            break
        count += data.count(b"\n")
        start += len(data)
    return count
