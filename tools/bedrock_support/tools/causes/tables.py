"""Metrics from tables: long (a row a value), wide (a column a series), and wide with several header rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from bedrock_support.tools.causes.model import RESOURCES, Series, kind_of
from bedrock_support.tools.causes.times import moment

TIME = frozenset({"time", "timestamp", "unix_timestamp", "ts", "date", "datetime", "_time", "starttime", "start_time"})
ENTITY = frozenset(
    {"entity", "service", "service_name", "microservice", "node", "pod", "container", "component", "host", "cmdb_id"}
)
METRIC = frozenset({"metric", "metric_name", "kpi", "kpi_name", "measure"})
STATISTIC = frozenset({"statistic", "stat", "agg", "aggregation"})
VALUE = frozenset({"value", "val", "metric_value"})
MOST_POINTS = 5_000_000
_LABEL = re.compile(r'(?:service|service_name|app|pod|container|job|instance)="([^"]+)"')
_QUANTILE = re.compile(r"p\d\d?|avg|mean|max|min|total|response")
_RESIDUE = "the table"

Points = dict[tuple[str, str], list[tuple[float, float]]]


class TableError(Exception):
    """A table without what series are made from; the message says what is missing."""


def read_table(rows: Iterable[Sequence[str]], source: str) -> list[Series]:
    """Series of a table's rows, the header first.

    Raises:
        TableError: it isn't a table of metrics, or it is too large.
    """
    lines = (row for row in rows if row)
    first = next(lines, None)
    if first is None:
        raise TableError("it is empty")
    if len(first) < 2:
        raise TableError("it has a single column")
    head = [_plain(cell) for cell in first]
    if head[0] in ENTITY and not TIME.intersection(head):
        points = _stacked(first, lines)
    elif (at := next((place for place, name in enumerate(head) if name in TIME), None)) is None:
        raise TableError(f"no column of times (named one of {', '.join(sorted(TIME))})")
    else:
        points = _flat(first, head, at, lines)
    return made(points, source)


def made(points: Points, source: str) -> list[Series]:
    """Points as series, in order of time."""
    found: list[Series] = []
    for (entity, metric), pairs in points.items():
        ordered = sorted(pairs)
        where = f"{source} [{entity} {metric}]"
        times, values = tuple(each[0] for each in ordered), tuple(each[1] for each in ordered)
        series = Series(
            entity=entity,
            metric=metric,
            kind=(kind := kind_of(metric)),
            times=times,
            values=values,
            source=where[:300],
            own=kind in RESOURCES,
        )
        found.append(series)
    return found


def _stacked(first: Sequence[str], lines: Iterator[Sequence[str]]) -> Points:
    """The form pandas writes for columns of several levels: one header row a level, then the index's name alone."""
    heads = [first]
    for row in lines:
        if moment(row[0]) is not None:
            lines = chain([row], lines)
            break
        if any(cell.strip() for cell in row[1:]):
            heads.append(row)
    names: list[tuple[str, str] | None] = [None]
    for place in range(1, len(first)):
        levels = [row[place].strip() if place < len(row) else "" for row in heads]
        names.append((levels[0], " ".join(level for level in levels[1:] if level) or "value"))
    return _columns(names, 0, lines)


def _flat(first: Sequence[str], head: list[str], at: int, lines: Iterator[Sequence[str]]) -> Points:
    where = {
        role: next((place for place, name in enumerate(head) if name in names and place != at), None)
        for role, names in (("entity", ENTITY), ("metric", METRIC), ("value", VALUE), ("statistic", STATISTIC))
    }
    if where["metric"] is not None and where["value"] is not None:
        return _long(at, where, lines)
    if (entity := where["entity"]) is not None:
        return _per_entity(first, at, entity, lines)
    return _columns([None if place == at else named(cell) for place, cell in enumerate(first)], at, lines)


def _long(at: int, where: dict[str, int | None], lines: Iterator[Sequence[str]]) -> Points:
    points, count = Points(), 0
    entity, metric, value, stat = where["entity"], where["metric"], where["value"], where["statistic"]
    for row in lines:
        when, number = moment(_cell(row, at)), _number(_cell(row, value))
        if when is None or number is None:
            continue
        name = " ".join(part for part in (_cell(row, metric), _cell(row, stat)) if part)
        key = (_cell(row, entity), name) if entity is not None else named(name)
        count = _counted(count)
        points.setdefault(key, []).append((when, number))
    return points


def _per_entity(first: Sequence[str], at: int, entity: int, lines: Iterator[Sequence[str]]) -> Points:
    points, count = Points(), 0
    for row in lines:
        if (when := moment(_cell(row, at))) is None:
            continue
        for place, name in enumerate(first):
            if place not in (at, entity) and (number := _number(_cell(row, place))) is not None:
                count = _counted(count)
                points.setdefault((_cell(row, entity), name.strip()), []).append((when, number))
    return points


def _columns(names: Sequence[tuple[str, str] | None], at: int, lines: Iterator[Sequence[str]]) -> Points:
    points, count = Points(), 0
    for row in lines:
        if (when := moment(_cell(row, at))) is None:
            continue
        for name, cell in zip(names, row, strict=False):
            if name is not None and (number := _number(cell)) is not None:
                count = _counted(count)
                points.setdefault(name, []).append((when, number))
    return points


def named(column: str) -> tuple[str, str]:
    """Entity and metric of a column's name: `cart.latency`, `cart_latency-90`, `up{service="cart"}`."""
    column = column.strip()
    if (label := _LABEL.search(column)) is not None:
        return label.group(1), column.split("{", 1)[0]
    for sign in ("|", "/", ":", "."):
        entity, found, metric = column.rpartition(sign)
        if found and entity and metric:
            return entity, metric
    parts = re.split(r"[_ ]", column)
    cuts = range(1, len(parts))
    spoken = [cut for cut in cuts if kind_of(parts[cut]) != "other" or _QUANTILE.fullmatch(parts[cut])]
    joined = [cut for cut in cuts if kind_of("_".join(parts[cut:])) != "other"]
    for cut in [*spoken, *joined, *reversed(cuts)]:
        at = sum(map(len, parts[:cut])) + cut
        if 1 < at < len(column):
            return column[: at - 1], column[at:]
    return _RESIDUE, column


def _plain(name: str) -> str:
    return name.strip().lstrip("\ufeff").lower().replace(" ", "_")


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _counted(count: int) -> int:
    if count >= MOST_POINTS:
        raise TableError(f"it has more than {MOST_POINTS:,} values")
    return count + 1
