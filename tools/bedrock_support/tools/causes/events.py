"""Change events and call graphs, from JSON, JSON lines and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from bedrock_support.tools.causes.model import Change
from bedrock_support.tools.causes.tables import ENTITY, TIME
from bedrock_support.tools.causes.times import moment

_WHAT = ("what", "event", "change", "type", "action", "message", "description", "title", "kind")
CALLER = ("caller", "source", "from", "src", "parent")
CALLEE = ("callee", "target", "to", "dst", "destination", "child")
Edges = dict[str, set[str]]


def change_of(record: Mapping[str, Any], source: str) -> Change | None:
    """A record as a change, if it has a time, an entity and says what was done."""
    low = {str(key).lower(): value for key, value in record.items()}
    at = next((found for key in (*sorted(TIME), "at") if (found := moment(low.get(key))) is not None), None)
    entity = next((str(low[key]) for key in (*sorted(ENTITY), "resource") if low.get(key)), None)
    what = [str(low[key]) for key in _WHAT if low.get(key)]
    if at is None or entity is None or not what:
        return None
    return Change(at=at, entity=entity, what=": ".join(what)[:200], source=source)


def edge_of(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """Caller and callee, if the record names both."""
    low = {str(key).lower(): value for key, value in record.items()}
    caller = next((str(low[key]) for key in CALLER if low.get(key)), None)
    callee = next((str(low[key]) for key in CALLEE if low.get(key)), None)
    return (caller, callee) if caller and callee else None


def graph_of(document: object) -> Edges | None:
    """Calls of a JSON document: {"caller": ["callee", ...]}, {"edges": [...]}, or a list of pairs or of records."""
    if isinstance(document, Mapping):
        given = cast("Mapping[str, Any]", document)
        for key in ("edges", "links", "dependencies"):
            if isinstance(given.get(key), (list, Mapping)):
                return graph_of(given[key])
        if given and all(isinstance(each, list) for each in given.values()):
            return {str(caller): {str(each) for each in callees} for caller, callees in given.items()}
        return None
    if not isinstance(document, list) or not document:
        return None
    edges: Edges = {}
    for each in cast("list[Any]", document):
        pair = _pair(each)
        if pair is None:
            return None
        edges.setdefault(pair[0], set()).add(pair[1])
    return edges


def _pair(each: object) -> tuple[str, str] | None:
    if isinstance(each, Mapping):
        return edge_of(cast("Mapping[str, Any]", each))
    if isinstance(each, list) and len(pair := cast("list[Any]", each)) == 2 and all(isinstance(x, str) for x in pair):
        return pair[0], pair[1]
    return None


def matrix_of(rows: Sequence[Sequence[str]]) -> Edges | None:
    """Calls of a square table: row calls column where the cell isn't 0; None if it isn't one."""
    if len(rows) < 2 or [row[0] for row in rows[1:] if row] != list(rows[0][1:]):
        return None
    edges: Edges = {}
    for row in rows[1:]:
        for callee, cell in zip(rows[0][1:], row[1:], strict=False):
            if cell.strip() not in ("", "0", "0.0", "False"):
                edges.setdefault(row[0], set()).add(callee)
    return edges


def table_of(rows: Iterable[Sequence[str]]) -> list[dict[str, str]]:
    """Rows as records by their header."""
    lines = iter(rows)
    head = next(lines, ())
    return [dict(zip((name.strip() for name in head), row, strict=False)) for row in lines if row]
