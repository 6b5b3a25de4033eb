"""Traces as text: reads OTLP-JSON lines of any number of processes and joins their spans into trees."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from bedrock_support.routing import semconv

SHOWN: Mapping[str, str] = {
    semconv.OP_CLASS: "class",
    semconv.ROUTE_ROW: "row",
    semconv.ROUTE_PLAN: "plan",
    semconv.ROUTE_CHOSEN: "chosen",
    semconv.CARRIER: "carrier",
    semconv.RESPONSE_MODEL: "model",
    semconv.USAGE_INPUT_TOKENS: "in",
    semconv.USAGE_OUTPUT_TOKENS: "out",
    semconv.OUTCOME: "outcome",
    semconv.SIMULATED: "simulated",
}
"""Attributes worth a place on the line, in this order, and what they are called there."""
KINDS = {2: "server", 3: "client", 4: "producer", 5: "consumer"}
ERROR = 2
DIM, RED, PLAIN = "\x1b[2m", "\x1b[31m", "\x1b[0m"
DEEPEST = 100
LONGEST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLine:
    """One span as it was read."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    service: str
    start: int
    """Unix nanoseconds."""
    end: int
    failed: bool
    attributes: Mapping[str, Any]


def render(paths: Iterable[Path], *, colour: bool = False) -> str:
    """Every trace in the files as a tree, the oldest first; empty text when there is none. Blocks.

    Raises:
        OSError: a file cannot be read.
    """
    traces: defaultdict[str, dict[str, SpanLine]] = defaultdict(dict)
    for path in paths:
        for span in read(path):
            traces[span.trace][span.id] = span
    ordered = sorted(traces.values(), key=lambda spans: min(span.start for span in spans.values()))
    return "\n\n".join("\n".join(_trace(list(spans.values()), colour)) for spans in ordered)


def read(path: Path) -> Iterator[SpanLine]:
    """The spans of one file. A line that is cut short or isn't OTLP is passed over."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                yield from _spans(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue


def _spans(request: Any) -> Iterator[SpanLine]:
    for resource in request["resourceSpans"]:
        about = _attributes(resource.get("resource", {}).get("attributes", ()))
        service = str(about.get(semconv.SERVICE_NAME, ""))
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield _span(span, service)


def _span(span: Mapping[str, Any], service: str) -> SpanLine:
    return SpanLine(
        trace=str(span["traceId"]),
        id=str(span["spanId"]),
        parent=str(span.get("parentSpanId", "")),
        name=str(span["name"]),
        kind=int(span.get("kind", 0)),
        service=service,
        start=int(span["startTimeUnixNano"]),
        end=int(span["endTimeUnixNano"]),
        failed=span.get("status", {}).get("code") == ERROR,
        attributes=_attributes(span.get("attributes", ())),
    )


def _attributes(pairs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """OTLP's list of typed values as a plain mapping."""
    return {str(pair["key"]): _value(pair.get("value", {})) for pair in pairs}


def _value(value: Mapping[str, Any]) -> Any:
    for kind, each in value.items():
        if kind == "arrayValue":
            return ",".join(str(_value(item)) for item in each.get("values", ()))
        return int(each) if kind == "intValue" else each
    return ""


def _trace(spans: list[SpanLine], colour: bool) -> list[str]:
    spans.sort(key=lambda span: (span.start, span.id))
    known = {span.id for span in spans}
    children: defaultdict[str, list[SpanLine]] = defaultdict(list)
    for span in spans:
        children[span.parent if span.parent in known and span.parent != span.id else ""].append(span)
    began = datetime.fromtimestamp(spans[0].start / 1e9, UTC)
    services = sorted({_plain(span.service) for span in spans if span.service})
    heading = f"trace {_plain(spans[0].trace)}  {began:%Y-%m-%d %H:%M:%S}Z  {', '.join(services)}".rstrip()
    lines = [_dim(heading, colour)]
    drawn: set[str] = set()
    for root in [*children[""], *spans]:  # the second pass finds spans whose parents form a ring
        if root.id not in drawn:
            lines += _draw(root, children, drawn, colour)
    return lines


def _draw(root: SpanLine, children: Mapping[str, list[SpanLine]], drawn: set[str], colour: bool) -> Iterator[str]:
    """One tree, without recursion: a broken file may nest deeper than the interpreter can."""
    todo: list[tuple[SpanLine, str, str, str]] = [(root, "", "", "")]
    while todo:
        span, before, below, service = todo.pop()
        if span.id in drawn:
            continue
        drawn.add(span.id)
        yield before + _line(span, service, colour)
        inner = children.get(span.id, [])
        step = below if len(below) < 3 * DEEPEST else below[: 3 * DEEPEST]
        for place, child in reversed(list(enumerate(inner, start=1))):
            last = place == len(inner)
            todo.append((child, step + ("└─ " if last else "├─ "), step + ("   " if last else "│  "), span.service))


def _line(span: SpanLine, above: str, colour: bool) -> str:
    name = span.name
    if route := span.attributes.get(semconv.ROUTE):
        name = f"{name} {route}"
    parts = [_plain(name), _milliseconds(span.end - span.start)]
    if span.kind in KINDS:
        parts.append(KINDS[span.kind])
    if span.service and span.service != above:
        parts.append(f"@{_plain(span.service)}")
    if span.failed:
        reason = f"ERROR {_plain(str(span.attributes.get(semconv.ERROR_TYPE, '')))}".rstrip()
        parts.append(f"{RED}{reason}{PLAIN}" if colour else reason)
    facts = " ".join(_facts(span.attributes))
    if facts:
        parts.append(_dim(facts, colour))
    return "  ".join(parts)


def _facts(attributes: Mapping[str, Any]) -> Iterator[str]:
    for key, label in SHOWN.items():
        value = attributes.get(key)
        if value is True:
            yield label
        elif value not in (None, "", False):
            yield f"{label}={_plain(str(cast('object', value)))}"


def _milliseconds(nanoseconds: int) -> str:
    took = nanoseconds / 1e6
    return f"{took:.0f} ms" if took >= 10 else f"{took:.1f} ms"


def _plain(text: str) -> str:
    """Safe for a terminal: whoever wrote the file chose the text."""
    return "".join(char if char.isprintable() else "?" for char in text[:LONGEST])


def _dim(text: str, colour: bool) -> str:
    return f"{DIM}{text}{PLAIN}" if colour else text
