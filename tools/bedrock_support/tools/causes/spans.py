"""Metrics and the call graph from traces: OTLP-JSON, one `resourceSpans` object a line, as our span file has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from bedrock_support.tools.causes.model import Kind, Series

MOST_SPANS = 400_000
BINS = 48
"""Into which the whole time is cut: enough to see an onset, few enough that most have a span."""
_PEER = ("peer.service", "server.address", "net.peer.name", "db.system", "rpc.service")
_SERVER, _CLIENT, _ERROR = 2, 3, 2
_WORDS = {"SPAN_KIND_SERVER": 2, "SPAN_KIND_CLIENT": 3, "STATUS_CODE_ERROR": 2, "SPAN_KIND_CONSUMER": 5}


@dataclass(slots=True)
class Span:
    """What is kept of a span. Times in unix seconds."""

    service: str
    parent: str
    kind: int
    start: float
    end: float
    failed: bool
    peer: str
    children: list[Span] = field(default_factory=list["Span"])


def read_spans(lines: Iterable[str], into: dict[str, Span]) -> tuple[int, bool]:
    """Add spans by id; the result says how many lines weren't OTLP-JSON, and whether some were left out."""
    bad = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            bad += 1
            continue
        found = False
        for ident, span in _spans(document):
            found = True
            if len(into) >= MOST_SPANS:
                return bad, True
            into[ident] = span
        bad += not found
    return bad, False


def take_spans(documents: Iterable[object], into: dict[str, Span]) -> None:
    """Add the spans of OTLP documents by id, as many as are kept."""
    for document in documents:
        for ident, span in _spans(document):
            if len(into) >= MOST_SPANS:
                return
            into[ident] = span


def _spans(document: object) -> Iterator[tuple[str, Span]]:
    for resource in rows(document, "resourceSpans"):
        service = str(attributes_of(resource.get("resource")).get("service.name", "unknown"))
        for scope in rows(resource, "scopeSpans"):
            for span in rows(scope, "spans"):
                start, end = nanos(span.get("startTimeUnixNano")), nanos(span.get("endTimeUnixNano"))
                if start is None or end is None or not span.get("spanId"):
                    continue
                attributes = attributes_of(span)
                status = span.get("status")
                code = cast("Mapping[str, Any]", status).get("code") if isinstance(status, Mapping) else 0
                peer = next((str(attributes[key]) for key in _PEER if attributes.get(key)), "")
                # Ids are unique in a trace only.
                trace = str(span.get("traceId", ""))
                parent = str(span.get("parentSpanId") or "")
                yield (
                    f"{trace}/{span['spanId']}",
                    Span(
                        service=service,
                        parent=parent and f"{trace}/{parent}",
                        kind=code_of(span.get("kind")),
                        start=start,
                        end=max(start, end),
                        failed=code_of(code) == _ERROR,
                        peer=peer,
                    ),
                )


def rows(value: object, key: str) -> list[dict[str, Any]]:
    """The objects of a list that stands under a key; none if there is no such list."""
    held = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    if not isinstance(held, list):
        return []
    return [cast("dict[str, Any]", each) for each in cast("list[object]", held) if isinstance(each, dict)]


def attributes_of(value: object) -> dict[str, object]:
    """Attributes of OTLP-JSON by their key."""
    found: dict[str, object] = {}
    for each in rows(value, "attributes"):
        held = each.get("value")
        if isinstance(held, Mapping):
            found[str(each.get("key"))] = next(iter(cast("Mapping[str, object]", held).values()), None)
    return found


def nanos(value: object) -> float | None:
    """Nanoseconds as seconds; None if they are no number."""
    try:
        return int(str(value)) / 1e9
    except ValueError:
        return None


def code_of(value: object) -> int:
    """A kind or status by its number, however it is written."""
    return value if isinstance(value, int) else _WORDS.get(str(value), 0)


Measure = tuple[str, str]


def measured(spans: Mapping[str, Span], source: str) -> tuple[list[Series], dict[str, set[str]]]:
    """Series per service (latency, self time, errors, own errors, requests) and who calls whom."""
    calls: dict[str, set[str]] = {}
    entries = _joined(spans, calls)
    if not entries:
        return [], calls
    points: dict[Measure, dict[float, list[float]]] = {}
    first = min(span.start for span in entries)
    width = max((max(span.start for span in entries) - first) / BINS, 1e-3)

    def note(entity: str, metric: str, when: float, value: float) -> None:
        at = first + int((when - first) / width) * width
        points.setdefault((entity, metric), {}).setdefault(at, []).append(value)

    for span in entries:
        own = _local(span)
        note(span.service, "latency", span.start, span.end - span.start)
        note(span.service, "self time", span.start, _self_time(span, own))
        note(span.service, "errors", span.start, float(span.failed))
        note(span.service, "own errors", span.start, float(span.failed and not _handed_up(own)))
        for each in own:
            if each.kind != _CLIENT or not each.peer:
                continue
            answered = {child.service for child in each.children if child.service != each.service}
            if answered and each.peer not in answered:
                continue  # known by the name that it gives itself
            calls.setdefault(each.service, set()).add(each.peer)
            note(each.peer, "unanswered errors", each.start, float(each.failed and not answered))
            if not answered:
                note(each.peer, "latency seen by callers", each.start, each.end - each.start)
    for caller in list(calls):
        calls[caller].discard(caller)
    return list(_series(points, source, width)), calls


def _joined(spans: Mapping[str, Span], calls: dict[str, set[str]]) -> list[Span]:
    """Hang children on their parents; the result is where each service's part of a trace begins."""
    entries: list[Span] = []
    for span in spans.values():
        parent = spans.get(span.parent)
        if parent is not None:
            parent.children.append(span)
            if parent.service != span.service:
                calls.setdefault(parent.service, set()).add(span.service)
        if parent is None or parent.service != span.service:
            entries.append(span)
    return entries


def _local(entry: Span) -> list[Span]:
    """The spans of one service's part of a trace, the entry first."""
    found, waiting = list[Span](), [entry]
    while waiting:
        span = waiting.pop()
        found.append(span)
        waiting += [child for child in span.children if child.service == entry.service]
    return found


def _answered(client: Span) -> bool:
    return any(child.service != client.service for child in client.children)


def _handed_up(own: list[Span]) -> bool:
    """A call to somebody else failed in this part of the trace."""
    return any(
        (span.kind == _CLIENT and span.failed and (span.peer or _answered(span)))
        or any(child.failed for child in span.children if child.service != span.service)
        for span in own
    )


def _self_time(entry: Span, own: list[Span]) -> float:
    """Seconds of the entry in which no call to somebody else was under way."""
    away = [(span.start, span.end) for span in own if span is not entry and span.kind == _CLIENT]
    away += [(child.start, child.end) for span in own for child in span.children if child.service != span.service]
    left, reached = entry.end - entry.start, entry.start
    for start, end in sorted(away):
        start, end = max(start, reached), min(end, entry.end)
        if end > start:
            left, reached = left - (end - start), end
    return max(0.0, left)


_KINDS: dict[str, tuple[Kind, bool]] = {
    "latency": ("latency", False),
    "self time": ("latency", True),
    "errors": ("errors", False),
    "own errors": ("errors", True),
    "unanswered errors": ("errors", True),
    "latency seen by callers": ("latency", False),
}


_COUNTS = {"latency": "requests per second", "unanswered errors": "calls per second"}


def _series(points: Mapping[Measure, Mapping[float, list[float]]], source: str, width: float) -> Iterator[Series]:
    for (entity, metric), bins in points.items():
        times = tuple(sorted(bins))
        kind, own = _KINDS[metric]
        yield _one(entity, metric, kind, times, tuple(sum(bins[at]) / len(bins[at]) for at in times), source, own)
        if (count := _COUNTS.get(metric)) is not None:
            counts = tuple(len(bins[at]) / width for at in times)
            yield _one(entity, count, "traffic", times, counts, source, own=False)


def _one(
    entity: str,
    metric: str,
    kind: Kind,
    times: tuple[float, ...],
    values: tuple[float, ...],
    source: str,
    own: bool,
) -> Series:
    where = f"{source} [spans of {entity}: {metric}]"
    return Series(entity=entity, metric=metric, kind=kind, times=times, values=values, source=where, own=own)
