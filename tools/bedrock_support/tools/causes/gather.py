"""Files and folders read into one body of data. Blocks: call it off the loop."""

from __future__ import annotations

import csv
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, cast

from bedrock_support.tools.base import InputError
from bedrock_support.tools.causes.events import Edges, change_of, edge_of, graph_of, matrix_of, table_of
from bedrock_support.tools.causes.model import Change, Data, Series
from bedrock_support.tools.causes.parquet import read_parquet
from bedrock_support.tools.causes.spans import Span, measured, read_spans, take_spans
from bedrock_support.tools.causes.tables import METRIC, TIME, VALUE, TableError, read_table
from bedrock_support.tools.paths import Place, open_regular

SUFFIXES = frozenset({".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson"})
MOST_FILES = 400
MOST_BYTES = 512 * 2**20
MOST_JSON = 32 * 2**20
"""JSON that isn't in lines is read whole."""
_CHANGES = ("change", "deploy", "event")
csv.field_size_limit(2**20)


@dataclass(slots=True)
class _Pile:
    """What has been read so far."""

    series: list[Series] = field(default_factory=list[Series])
    changes: list[Change] = field(default_factory=list[Change])
    calls: Edges = field(default_factory=dict[str, set[str]])
    spans: dict[str, Span] = field(default_factory=dict[str, Span])
    span_files: list[str] = field(default_factory=list[str])
    files: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def held(self) -> tuple[int, ...]:
        """How much of each sort there is: it shows whether a file added anything."""
        calls = sum(map(len, self.calls.values()))
        return len(self.series), len(self.changes), calls, len(self.spans), len(self.notes)


class Asked(Protocol):
    """What live sources gave."""

    series: list[Series]
    spans: list[Any]
    """OTLP documents."""
    files: list[str]
    notes: list[str]


def gather(
    places: Iterable[Place],
    baseline: Place | None = None,
    expired: Callable[[], bool] = lambda: False,
    asked: Asked | None = None,
) -> Data:
    """Everything in these files and folders, and what was asked of live sources; `expired` says whether to stop.

    Raises:
        InputError: nothing that could be read has metrics or spans in it, or the baseline has none. A live source that
            gives nothing is none.
    """
    places = list(places)
    pile, calm = _read(places, expired, asked), _read([baseline] if baseline else [], expired)
    if not pile.series and not (asked and asked.files):
        raise _nothing("paths", places, pile)
    if baseline is not None and not calm.series and not expired():
        raise _nothing("baseline", [baseline], calm)
    for caller, callees in calm.calls.items():
        pile.calls.setdefault(caller, set()).update(callees)
    return Data(
        series=tuple(pile.series),
        baseline=tuple(calm.series),
        changes=tuple(sorted(pile.changes, key=lambda each: each.at)),
        calls={caller: frozenset(callees - {caller}) for caller, callees in pile.calls.items()},
        files=tuple(pile.files),
        notes=(*pile.notes, *calm.notes),
    )


def _nothing(field: str, places: Iterable[Place], pile: _Pile) -> InputError:
    seen = "; ".join(pile.notes[:3]) or "no file there ends with " + ", ".join(sorted(SUFFIXES))
    mend = "Give metrics (CSV, Parquet) or traces (OTLP-JSON lines); docs/root-cause.md shows the forms"
    named = ", ".join(each.label for each in places)
    return InputError(field, named, f"no measurements were found ({seen})", mend)


def _read(places: Iterable[Place], expired: Callable[[], bool], asked: Asked | None = None) -> _Pile:
    pile = _Pile()
    if asked is not None:
        pile.series += asked.series
        pile.files += asked.files
        pile.notes += asked.notes
        if asked.spans:
            take_spans(asked.spans, pile.spans)
            pile.span_files += asked.files
    for place in islice((file for each in places for file in _files(each, pile)), MOST_FILES + 1):
        if len(pile.files) == MOST_FILES:
            pile.notes.append(f"only the first {MOST_FILES} files were read")
            break
        if expired():
            pile.notes.append(f"time ran out before {place.label} was read")
            break
        pile.files.append(place.label)
        held = pile.held()
        try:
            _one(place, pile)
            if pile.held() == held:
                pile.notes.append(f"{place.label}: no row with a time and a number, no span, change or call in it")
        except (TableError, OSError, ValueError, csv.Error, RecursionError) as error:
            pile.notes.append(f"{place.label}: {error}"[:300])
    if pile.spans:
        series, calls = measured(pile.spans, ", ".join(pile.span_files[:3]))
        pile.series += series
        for caller, callees in calls.items():
            pile.calls.setdefault(caller, set()).update(callees)
    return pile


def _files(place: Place, pile: _Pile) -> Iterator[Place]:
    if not place.is_folder:
        yield place
        return
    for folder, names, files in os.walk(place.path):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix.lower() not in SUFFIXES:
                continue
            if stat.S_ISREG(path.lstat().st_mode):
                yield Place(path, place.root)
            else:
                pile.notes.append(f"{name}: a link or device, not read")


def _one(place: Place, pile: _Pile) -> None:
    handle = open_regular("paths", place)
    with os.fdopen(handle, "rb") as raw:
        size = os.fstat(handle).st_size
        if size > MOST_BYTES:
            raise TableError(f"larger than {MOST_BYTES // 2**20} MiB, not read")
        suffix = place.path.suffix.lower()
        if suffix == ".parquet":
            pile.series += read_parquet(raw, place.label)
            return
        text = TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
        if suffix in (".csv", ".tsv"):
            _table(text, "\t" if suffix == ".tsv" else ",", place, pile)
        elif suffix in (".json", ".jsonl", ".ndjson"):
            _json(text, size, place, pile)
        else:
            raise TableError(f"not one of {', '.join(sorted(SUFFIXES))}")


def _table(text: TextIOWrapper, sign: str, place: Place, pile: _Pile) -> None:
    head = {name.strip().lower() for name in text.readline().split(sign)}
    text.seek(0)
    rows = csv.reader(text, delimiter=sign)
    if not (TIME & head) and (edges := _edges(list(islice(rows, 20_001)))) is not None:
        _join(pile, edges)
        return
    text.seek(0)
    rows = csv.reader(text, delimiter=sign)
    told = any(word in place.path.stem.lower() for word in _CHANGES)
    if TIME & head and not (VALUE & head and METRIC & head) and (told or _what(head)):
        records = table_of(rows)
        pile.changes += [change for each in records if (change := change_of(each, place.label)) is not None]
        return
    pile.series += read_table(rows, place.label)


def _what(head: set[str]) -> bool:
    return bool(head & {"what", "event", "change", "action"})


def _edges(rows: list[list[str]]) -> Edges | None:
    if (edges := matrix_of(rows)) is not None:
        return edges
    pairs = [edge_of(record) for record in table_of(rows)]
    return graph_of([list(pair) for pair in pairs if pair]) if pairs and all(pairs) else None


def _json(text: TextIOWrapper, size: int, place: Place, pile: _Pile) -> None:
    first = next((line for line in text if line.strip()), "")
    try:
        record: Any = json.loads(first)
    except ValueError:
        record = None
    text.seek(0)
    if isinstance(record, dict) and "resourceSpans" in record:
        bad, full = read_spans(text, pile.spans)
        pile.span_files.append(place.label)
        if bad or full:
            pile.notes.append(
                f"{place.label}: " + ("more spans than are kept" if full else f"{bad} lines hold no span")
            )
        return
    if record is None and size > MOST_JSON:
        raise TableError(f"JSON larger than {MOST_JSON // 2**20} MiB must be in lines")
    whole = [text.read()] if record is None else (line for line in text if line.strip())
    documents: list[Any] = [json.loads(each) for each in whole]
    if len(documents) == 1 and _document(documents[0], place, pile):
        return
    rows = documents
    if len(documents) == 1 and isinstance(documents[0], list):
        rows = cast("list[Any]", documents[0])
    _records([cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)], place, pile)


def _document(document: Any, place: Place, pile: _Pile) -> bool:
    if isinstance(document, dict) and "resourceSpans" in document:
        read_spans([json.dumps(document)], pile.spans)
        pile.span_files.append(place.label)
        return True
    edges = graph_of(cast("object", document))
    _join(pile, edges or {})
    return edges is not None


def _records(rows: list[dict[str, Any]], place: Place, pile: _Pile) -> None:
    changes = [change for each in rows if (change := change_of(each, place.label)) is not None]
    if changes:
        pile.changes += changes
        return
    pairs = [pair for each in rows if (pair := edge_of(each)) is not None]
    if pairs and len(pairs) == len(rows):
        _join(pile, graph_of([list(pair) for pair in pairs]) or {})
        return
    head = list(dict.fromkeys(str(key) for row in rows[:100] for key in row))
    table = [[str(row.get(name, "")) for name in head] for row in rows]
    pile.series += read_table([head, *table], place.label)


def _join(pile: _Pile, edges: Edges) -> None:
    for caller, callees in edges.items():
        pile.calls.setdefault(caller, set()).update(callees)
