"""Rows whose columns are named above them: CSV with a header, and INSERT statements."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.cues import cues
from bedrock_support.routing.pii.keys import labelled, promising
from bedrock_support.routing.pii.span import Span
from bedrock_support.routing.pii.text import Text

MOST_COLUMNS, MOST_ROWS, MOST_HEADER, MOST_BLANKS = 64, 2_000, 2_000, 2
_INSERT = re.compile(
    r"(?i)\binsert\s{1,4}into\s{1,4}[\w.\"`\[\]]{1,128}\s{0,4}\((?P<columns>[\w\s,\"`\[\]]{1,2000})\)\s{0,4}values\s{0,4}"
)
_INSERTS, _LIKES = cues("insert"), cues("<>", " like ")
_SQL_VALUE = re.compile(r"\s{0,4}(?:'(?P<text>(?:[^'\n]|''){0,1000})'|(?P<bare>[^,()'\s]{1,200}))\s{0,4}(?P<next>[,)])")
_COLUMN = re.compile(r"[\s\"']{0,4}[A-Za-zÄÖÜäöü_][\wÄÖÜäöüß .-]{0,40}")
_SET = re.compile(r"(?i)\b(?P<key>[a-z_][\w.]{1,60})\s{0,2}(?:<>|like)\s{0,2}'(?P<value>[^'\n]{1,500})'")
_ROW = re.compile(r"\s{0,8},?\s{0,8}\(")


def tables(text: Text) -> Iterator[Span]:
    """Values of columns that name personal data or a secret."""
    yield from _csv(text.whole)
    if text.any(_INSERTS):
        for found in _INSERT.finditer(text.whole):
            columns = [each.strip(' "`[]\n\t') for each in found["columns"].split(",")][:MOST_COLUMNS]
            yield from _values(text.whole, columns, found.end())
    if "'" in text.whole and text.any(_LIKES):
        for found in _SET.finditer(text.whole):
            yield from labelled(found["key"], found["value"], found.start("value"))


def _values(text: str, columns: list[str], at: int) -> Iterator[Span]:
    for _ in range(MOST_ROWS):
        opening = _ROW.match(text, at)
        if opening is None:
            return
        at, number = opening.end(), 0
        while (found := _SQL_VALUE.match(text, at)) is not None:
            group = "text" if found["text"] is not None else "bare"
            if number < len(columns):
                yield from labelled(columns[number], found[group], found.start(group))
            at, number = found.end(), number + 1
            if found["next"] == ")":
                break
        else:
            return


def _csv(text: str) -> Iterator[Span]:
    at = 0
    columns: list[str] = []
    separator = ""
    for line in text.splitlines(keepends=True)[: MOST_ROWS * 4]:
        bare = line.rstrip("\r\n")
        if not columns or bare.count(separator) != len(columns) - 1:
            columns, separator = _header(bare)
        else:
            start = at
            for column, cell in zip(columns, bare.split(separator), strict=True):
                inner = cell.strip(" \"'")
                if inner:
                    yield from labelled(column, inner, start + cell.index(inner))
                start += len(cell) + 1
        at += len(line)


def _header(line: str) -> tuple[list[str], str]:
    """The columns that a line names, and what stands between them; nothing when none of them promises anything."""
    if len(line) <= MOST_HEADER:
        for separator in ";,\t|":
            if 2 <= line.count(separator) < MOST_COLUMNS and _COLUMN.match(line) is not None:
                cells = [each.strip(" \"'") for each in line.split(separator)]
                if all(map(_is_column, cells)):
                    return (cells, separator) if any(map(promising, cells)) else ([], "")
    return [], ""


def _is_column(cell: str) -> bool:
    return _COLUMN.fullmatch(cell) is not None and cell.count(" ") <= MOST_BLANKS
