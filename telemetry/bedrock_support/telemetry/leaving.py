"""How spans leave: in batches, without content, to a collector and to a file. Imports the SDK when called."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedrock_support.telemetry import spanfile
from bedrock_support.telemetry.enrich import from_mcp_sdk, has_content, without_content

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

EXPORT_TIMEOUT = 5.0
"""Seconds for one batch, retries included."""
SEND_EVERY = 1000
"""Milliseconds between batches: soon enough to watch a trace arrive."""
WRITE_EVERY = 500
_log = logging.getLogger(__name__)


def exporting(file: Path | None, url: str | None, headers: Mapping[str, str]) -> list[SpanProcessor]:
    """A processor for each place that spans leave for."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    places: list[SpanProcessor] = []
    if file is not None:
        places.append(_batches(BatchSpanProcessor, _ContentFree(_FileExporter(file)), WRITE_EVERY))
    if url is not None:
        sent = _ContentFree(_otlp(url, headers))
        places.append(_batches(BatchSpanProcessor, sent, SEND_EVERY))
    return places


def _batches(make: Callable[..., SpanProcessor], exporter: _ContentFree, every: int) -> SpanProcessor:
    """A batch processor whose sizes are ours, not the environment's."""
    return make(exporter, max_queue_size=2048, max_export_batch_size=512, schedule_delay_millis=every)


def _otlp(url: str, headers: Mapping[str, str]) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(url, headers=dict(headers), timeout=EXPORT_TIMEOUT, compression=Compression.Gzip)


class _ContentFree:
    """An exporter that passes spans on without their content."""

    def __init__(self, inner: SpanExporter | _FileExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([content_free(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class _FileExporter:
    """Appends each batch to a file. A full disk costs spans, never a call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        from google.protobuf.json_format import MessageToDict
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
        from opentelemetry.sdk.trace.export import SpanExportResult

        try:
            spanfile.append(self._path, MessageToDict(encode_spans(spans), use_integers_for_enums=True))
        except OSError as error:
            _log.warning("spans could not be written to the span file: %s", error.strerror)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is held open between batches."""


@lru_cache(maxsize=1024)
def said(text: str) -> str:
    """Another's word as it may leave: names of tools, prompts and requests are chosen by who calls."""
    from bedrock_support.routing.redaction import blanked  # heavy, and not needed by who only reads traces

    return blanked(text)


def _said(attributes: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The attributes with the texts among them cleaned; the same object where nothing had to be."""
    told = {key: value for key, value in (attributes or {}).items() if isinstance(value, str) and not value.isdigit()}
    cleaned = {key: said(value) for key, value in told.items()}
    return attributes if cleaned == told else {**(attributes or {}), **cleaned}


def content_free(span: ReadableSpan) -> ReadableSpan:
    """The span itself when it holds no content, or a copy without it.

    The MCP SDK describes a failure by the exception's text, which nobody has redacted: error.type must do.
    """
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Status

    theirs = from_mcp_sdk(span.instrumentation_scope)
    foreign = theirs and bool(span.status.description)
    name = said(span.name) if theirs else span.name
    attributes = span.attributes  # made anew each time it is asked for
    words = _said(attributes) if theirs else attributes
    if (
        not foreign
        and name == span.name
        and words is attributes
        and not has_content(attributes)
        and not any(has_content(each.attributes) for each in span.events)
    ):
        return span
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=without_content(words),
        events=[Event(each.name, without_content(each.attributes), each.timestamp) for each in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code) if foreign else span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
