"""Spans as lines of a log: what failed, in which service, with its trace id, so that all that reads logs reads traces.

OTLP-JSON (one document, or one a line) and what Jaeger's query API and its export say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from bedrock_support.tools.causes.spans import attributes_of, code_of, nanos, rows

MOST_SPANS = 200_000
_ERROR = 2
_TEXT = 300
_STACK_LINES = 60


def lines_of_spans(text: str) -> Iterator[str]:
    """The spans of a document by their start: a line each, a failed one with its stack trace if it has one.

    Raises:
        ValueError: it is no JSON.
    """
    yield from lines_of(_documents(text))


def lines_of(documents: Iterable[object]) -> Iterator[str]:
    """The spans of documents by their start, a line each."""
    found: list[tuple[float, str]] = []
    for document in documents:
        for each in (*_otlp(document), *_jaeger(document)):
            if len(found) < MOST_SPANS:
                found.append(each)
    for _, line in sorted(found):
        yield line


def _documents(text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        at += len(text[at : at + 4_096]) - len(text[at : at + 4_096].lstrip())
        if at >= len(text):
            return
        document, at = decoder.raw_decode(text, at)
        yield document
        while at < len(text) and text[at].isspace():
            at += 1


def _otlp(document: object) -> Iterator[tuple[float, str]]:
    for resource in rows(document, "resourceSpans"):
        service = str(attributes_of(resource.get("resource")).get("service.name", "unknown"))
        for scope in rows(resource, "scopeSpans"):
            for span in rows(scope, "spans"):
                start, end = nanos(span.get("startTimeUnixNano")), nanos(span.get("endTimeUnixNano"))
                if start is None or end is None:
                    continue
                status = _mapping(span.get("status"))
                failed = code_of(status.get("code", 0)) == _ERROR
                said, stack = str(status.get("message") or ""), ""
                for event in rows(span, "events"):
                    facts = attributes_of(event)
                    said = said or str(facts.get("exception.message") or "")
                    stack = stack or str(facts.get("exception.stacktrace") or "")
                names = (service, str(span.get("name", "")), str(span.get("traceId", "")), str(span.get("spanId", "")))
                yield start, _line(names, start, end - start, said if failed else "", stack if failed else "", failed)


def _jaeger(document: object) -> Iterator[tuple[float, str]]:
    for trace in rows(document, "data"):
        processes = _mapping(trace.get("processes"))
        for span in rows(trace, "spans"):
            start, took = span.get("startTime"), span.get("duration")
            if not isinstance(start, int | float) or not isinstance(took, int | float):
                continue
            tags = {str(tag.get("key")): tag.get("value") for tag in rows(span, "tags")}
            failed = str(tags.get("error", "")).lower() == "true" or tags.get("otel.status_code") == "ERROR"
            said, stack = str(tags.get("otel.status_description") or ""), ""
            for log in rows(span, "logs"):
                fields = {str(each.get("key")): each.get("value") for each in rows(log, "fields")}
                said = said or str(fields.get("exception.message") or fields.get("message") or "")
                stack = stack or str(fields.get("exception.stacktrace") or fields.get("stack") or "")
            owner = _mapping(processes.get(str(span.get("processID"))))
            service, name = str(owner.get("serviceName", "unknown")), str(span.get("operationName", ""))
            names = (service, name, str(span.get("traceID", "")), str(span.get("spanID", "")))
            begun, seconds = start / 1e6, took / 1e6
            yield begun, _line(names, begun, seconds, said if failed else "", stack if failed else "", failed)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _line(names: tuple[str, str, str, str], start: float, took: float, said: str, stack: str, failed: bool) -> str:
    service, name, trace, span = (_plain(each) for each in names)
    try:
        moment = datetime.fromtimestamp(start, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        moment = ""
    service = service.replace(" ", "-") or "unknown"
    end = f" failed: {_plain(said)}" if said else " failed" if failed else " ended"
    level = "ERROR" if failed else "INFO"
    line = f"{moment} span {service}: {level} {name}{end} after {took * 1000:.0f} ms trace={trace} span={span}\n"
    return line + "".join(f"{row[:1_000]}\n" for row in stack.splitlines()[:_STACK_LINES])


def _plain(text: str) -> str:
    return " ".join(text.split())[:_TEXT]
