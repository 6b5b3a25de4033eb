"""Making spans, by the OpenTelemetry API alone: without an SDK installed each one is a no-op."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from bedrock_support.routing import semconv

Attribute: TypeAlias = str | bool | int | float | tuple[str, ...]

INTERNAL = SpanKind.INTERNAL
CLIENT = SpanKind.CLIENT


@contextmanager
def span(name: str, attributes: Mapping[str, Attribute], *, kind: SpanKind = INTERNAL) -> Generator[Span]:
    """A span around a block. Errors are marked by `failed`, never by an exception's own text."""
    tracer = trace.get_tracer(semconv.TRACER, schema_url=semconv.SCHEMA_URL)
    with tracer.start_as_current_span(
        name, kind=kind, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
    ) as current:
        yield current


def failed(current: Span, error_type: str, description: str = "") -> None:
    """Mark a span as failed. `error_type` is low-cardinality; the description is already redacted."""
    current.set_attribute(semconv.ERROR_TYPE, error_type)
    current.set_status(Status(StatusCode.ERROR, description))


def trace_id() -> str | None:
    """Id of the trace that the current span belongs to, 32 hexadecimal digits; None without a trace."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def annotate(attributes: Mapping[str, Attribute]) -> None:
    """Add attributes to whatever span is current and has not ended."""
    current = trace.get_current_span()
    if current.is_recording():
        current.set_attributes(dict(attributes))
