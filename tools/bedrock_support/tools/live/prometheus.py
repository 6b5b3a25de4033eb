"""Series from Prometheus' query API (/api/v1/query_range), counters told as rates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from bedrock_support.tools.causes.model import RESOURCES, Kind, Series, kind_of
from bedrock_support.tools.live.asking import OK, Budget, LiveError, ask

PATH = "/api/v1/query_range"
POINTS = 240
"""Values of a series, at most: enough to see an onset in a window of a tenth of the time."""
NARROWEST = 15.0
"""Seconds between two values: nobody scrapes much more often."""
MOST_SERIES = 500
_ENTITY = (
    *("service", "service_name", "app", "application", "deployment", "component", "microservice"),
    *("container", "pod", "job", "instance", "node"),
)
_COUNTERS = ("_total", "_count", "_sum", "_bucket")
_STATUS = ("status", "code", "status_code", "http_status_code", "http_response_status_code")
_SAID = 200

Points = list[tuple[float, float]]


def read_prometheus(base: str, query: str, start: float, end: float, budget: Budget) -> tuple[list[Series], list[str]]:
    """The series of a query between unix seconds, and what isn't there and why. Blocks; raises nothing for the peer."""
    step = max(NARROWEST, (end - start) / POINTS)
    asked = {
        "query": query,
        "start": f"{start:.3f}",
        "end": f"{end:.3f}",
        "step": f"{step:.0f}",
        "timeout": f"{max(1.0, budget.left):.0f}s",
    }
    try:
        told = _matrix(*ask(base, PATH, asked, budget))
    except LiveError as error:
        return [], [f"prometheus: {error}"]
    notes: list[str] = []
    if len(told) > MOST_SERIES:
        notes.append(f"prometheus: the first {MOST_SERIES} of {len(told)} series were read: ask for fewer")
    series, buckets = _series(told[:MOST_SERIES], query)
    if not series:
        notes.append("prometheus: the query has no value in this time")
    if buckets:
        notes.append(f"prometheus: {buckets} buckets of histograms left out: ask for histogram_quantile(...) of them")
    return series, notes


def _matrix(status: int, body: bytes) -> list[dict[str, Any]]:
    """The rows of an answer. Raises LiveError."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise LiveError(f"it answered {status} and no JSON")
    answer = cast("dict[str, Any]", told)
    if status != OK or answer.get("status") != "success":
        raise LiveError(f"it answered {status}: {' '.join(str(answer.get('error', 'no reason')).split())[:_SAID]}")
    data: Any = answer.get("data")
    rows: Any = cast("dict[str, Any]", data).get("result") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise LiveError("its answer holds no result")
    return [cast("dict[str, Any]", each) for each in cast("list[Any]", rows) if isinstance(each, dict)]


def _series(rows: Sequence[Mapping[str, Any]], query: str) -> tuple[list[Series], int]:
    """Series of an answer's rows, and how many buckets of histograms were left out."""
    sums: dict[tuple[str, str, str], Points] = {}
    found: dict[tuple[str, str], tuple[Kind | None, Points]] = {}
    buckets = 0
    for row in rows:
        held: Any = row.get("metric")
        labels = {str(key): str(value) for key, value in cast("Mapping[Any, Any]", held or {}).items()}
        name, points = labels.get("__name__", ""), _points(row.get("values"))
        if name.endswith("_bucket"):
            buckets += 1
            continue
        if name.endswith(_COUNTERS):
            points = rates(points)
        entity, rest, every = _entity(labels)
        name = name or query.strip()[:120]
        if (entity, name + rest) in found or (entity, name.removesuffix("_sum"), rest) in sums:
            rest = every
        if name.endswith("_sum"):
            sums[entity, name.removesuffix("_sum"), rest] = points
        elif points:
            found[entity, name + rest] = ("traffic" if name.endswith("_count") else None), points
    for (entity, stem, rest), points in sums.items():
        counts = found.get((entity, f"{stem}_count{rest}"))
        if counts is not None and (mean := _quotient(points, counts[1])):
            found[entity, stem + rest] = None, mean
    return [_made(entity, metric, kind, points) for (entity, metric), (kind, points) in found.items()], buckets


def _made(entity: str, metric: str, kind: Kind | None, points: Points) -> Series:
    kind = kind or kind_of(metric)
    return Series(
        entity=entity,
        metric=metric,
        kind=kind,
        times=tuple(each[0] for each in points),
        values=tuple(each[1] for each in points),
        source=f"prometheus [{entity} {metric}]"[:300],
        own=kind in RESOURCES,
    )


def _entity(labels: Mapping[str, str]) -> tuple[str, str, str]:
    """Whom a series is of, what tells it from others, and all that might; answers of class 5 are errors by name."""
    key = next((each for each in _ENTITY if labels.get(each)), None)
    rest = {name: value for name, value in sorted(labels.items()) if name not in ("__name__", key)}
    failing = " 5xx" if any(rest.get(name, "").startswith("5") for name in _STATUS) else ""
    # Whoever scrapes an entity says where in labels that mostly tell nothing of it.
    told = {name: value for name, value in rest.items() if name not in _ENTITY}
    return labels[key] if key else "the query", _braced(told) + failing, _braced(rest) + failing


def _braced(labels: Mapping[str, str]) -> str:
    shown = ",".join(f'{name}="{value[:60]}"' for name, value in labels.items())
    return f"{{{shown}}}" if shown else ""


def _points(values: object) -> Points:
    found: Points = []
    for each in cast("list[Any]", values) if isinstance(values, list) else []:
        try:
            at, value = float(each[0]), float(each[1])
        except (TypeError, ValueError, IndexError, KeyError):
            continue
        if math.isfinite(at) and math.isfinite(value):
            found.append((at, value))
    return sorted(found)


def rates(points: Points) -> Points:
    """A counter's rise per second; where it falls it began anew, at zero."""
    found: Points = []
    for (before, low), (at, high) in pairwise(points):
        if at > before:
            found.append((at, (high - low if high >= low else high) / (at - before)))
    return found


def _quotient(sums: Points, counts: Points) -> Points:
    by = dict(counts)
    return [(at, value / by[at]) for at, value in sums if by.get(at, 0) > 0]
