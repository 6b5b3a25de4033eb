"""Spans from a Jaeger's query API (/api/v3), part by part of the time, so that calm and trouble are both there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

from bedrock_support.tools.causes.spans import rows
from bedrock_support.tools.live.asking import OK, Budget, LiveError, TooLarge, ask
from bedrock_support.tools.live.names import Time

TRACES, SERVICES = "/api/v3/traces", "/api/v3/services"
SLICES = 12
"""Parts that are asked one by one, half of them calm: a Jaeger that gives its newest traces alone would hide it."""
DEPTHS = (200, 25)
"""Traces of one part; fewer where their spans are too large."""
MOST_SERVICES = 20
NOT_FOUND = 404


class JaegerSpans:
    """OTLP documents of one service, or of all. Blocks; read once."""

    def __init__(self, base: str, service: str, time: Time, budget: Budget) -> None:
        self._base = base
        self._service = service
        self._parts = time.parts(SLICES)
        self._budget = budget
        self._seen: set[tuple[str, str]] = set()
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each a document with resourceSpans, no span twice. What can't be had is in `notes`; never raises for it."""
        try:
            services = [self._service] if self._service else self._services()
        except LiveError as error:
            self.notes.append(f"jaeger: {error}")
            return
        full = 0
        for part, (start, end) in enumerate(self._parts):
            for service in services:
                if self._budget.spent():
                    self.notes.append(f"jaeger: the time was over after {part} of {SLICES} parts of the time asked for")
                    return
                try:
                    found, cut = self._part(service, start, end)
                except LiveError as error:
                    self.notes.append(f"jaeger: {error}; {part} of {SLICES} parts of the time were read")
                    return
                full += cut
                for each in found:
                    if self._new(each):
                        yield each
        if full:
            self.notes.append(f"jaeger: {full} answers hold the first {DEPTHS[0]} traces of their time, not all")

    def _services(self) -> list[str]:
        held = [each.get("services") for each in _documents(self._asked(SERVICES, {}))]
        held = held[0] if held else None
        names = sorted(str(each) for each in cast("list[object]", held)) if isinstance(held, list) else []
        if not names:
            raise LiveError("it knows no service")
        if len(names) > MOST_SERVICES:
            self.notes.append(f"jaeger: the first {MOST_SERVICES} of {len(names)} services were asked: name one")
        return names[:MOST_SERVICES]

    def _part(self, service: str, start: float, end: float) -> tuple[list[dict[str, Any]], bool]:
        query = {
            "query.serviceName": service,
            "query.startTimeMin": _rfc3339(start),
            "query.startTimeMax": _rfc3339(end),
        }
        for depth in DEPTHS:
            try:
                found = _documents(self._asked(TRACES, query | {"query.searchDepth": str(depth)}))
            except TooLarge:
                continue
            documents = [cast("dict[str, Any]", each.get("result")) for each in found if each.get("result")]
            traces = {str(span.get("traceId")) for each in documents for span in _spans(each)}
            return documents, len(traces) >= depth
        raise LiveError(f"{DEPTHS[-1]} traces of {service} are too large to read")

    def _asked(self, path: str, query: dict[str, str]) -> bytes:
        status, body = ask(self._base, path, query, self._budget)
        if status == NOT_FOUND and _says_none(body):
            return b""  # how the API says that there is no trace
        if status != OK:
            raise LiveError(f"it answered {status} to {path}")
        return body

    def _new(self, document: dict[str, Any]) -> bool:
        """Takes out spans that came before with another service; whether any is left."""
        left = False
        for resource in rows(document, "resourceSpans"):
            for scope in rows(resource, "scopeSpans"):
                fresh: list[dict[str, Any]] = []
                for span in rows(scope, "spans"):
                    key = str(span.get("traceId")), str(span.get("spanId"))
                    if key not in self._seen:
                        self._seen.add(key)
                        fresh.append(span)
                scope["spans"] = fresh
                left = left or bool(fresh)
        return left


def _spans(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in rows(document, "resourceSpans"):
        for scope in rows(resource, "scopeSpans"):
            yield from rows(scope, "spans")


def _documents(body: bytes) -> list[dict[str, Any]]:
    """One answer, or several after one another, as a streaming gateway sends them. Raises LiveError."""
    text = body.decode("utf-8", "replace").strip()
    decoder, at = json.JSONDecoder(), 0
    found: list[dict[str, Any]] = []
    try:
        while at < len(text):
            each, at = decoder.raw_decode(text, at)
            found.append(cast("dict[str, Any]", each))
            while at < len(text) and text[at].isspace():
                at += 1
    except (ValueError, RecursionError):
        raise LiveError("its answer is no JSON") from None
    if any(not isinstance(each, dict) or each.get("error") for each in found):  # pyright: ignore[reportUnnecessaryIsInstance] - whatever a peer sends
        raise LiveError("it could not answer")
    return found


def _says_none(body: bytes) -> bool:
    """Whether a 404 is the API's own and not some other server's."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "error" in told


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
