"""Making spans, by the OpenTelemetry API alone: where no provider is installed, each one is nothing at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import Token
from itertools import repeat
from typing import TypeAlias, cast

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
)

from bedrock_support.routing import semconv

Attribute: TypeAlias = str | bool | int | float | tuple[str, ...]

INTERNAL = SpanKind.INTERNAL
CLIENT = SpanKind.CLIENT
PRODUCER = SpanKind.PRODUCER
CONSUMER = SpanKind.CONSUMER
_PEER = context.create_key("bedrock-support-peer")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class _Nothing:
    """As nullcontext(INVALID_SPAN), but what is called on entering and leaving runs no line of Python."""

    __slots__ = ()
    __enter__ = repeat(trace.INVALID_SPAN).__next__
    __exit__ = "".format  # takes whatever came and returns what isn't true, so that exceptions pass


_NOTHING = cast("AbstractContextManager[Span]", _Nothing())
_known: tuple[TracerProvider | None, Tracer | None] = (None, None)
"""The tracer that was last made, and who made it: making one costs as much as a span."""


def span(
    name: str,
    attributes: Mapping[str, Attribute] | Callable[[], Mapping[str, Attribute]],
    *,
    kind: SpanKind = INTERNAL,
    links: tuple[Link, ...] = (),
) -> AbstractContextManager[Span]:
    """A span around a block. Errors are marked by `failed`, never by an exception's own text.

    Attributes that cost something to gather are given as a function, which is called only where spans are made.
    """
    # The variable is private to the API, but asking by its function reads the environment each time. Should the API
    # lose it, the tracer is asked for as usual.
    if getattr(trace, "_TRACER_PROVIDER", _NOTHING) is None:
        return _NOTHING
    about = attributes() if callable(attributes) else attributes
    return _Block(_tracer().start_span(name, None, kind, about, links))


class _Block:
    """Makes a span current for a block and ends it with the block."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Context] | None = None

    def __enter__(self) -> Span:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            context.detach(self._token)
        self._span.end()


def _tracer() -> Tracer:
    global _known
    provider = trace.get_tracer_provider()
    owner, tracer = _known
    if tracer is None or owner is not provider:
        tracer = trace.get_tracer(semconv.TRACER, schema_url=semconv.SCHEMA_URL)
        _known = provider, tracer
    return tracer


def failed(current: Span, error_type: str, description: str = "") -> None:
    """Mark a span as failed. `error_type` is low-cardinality; the description is already redacted."""
    current.set_attribute(semconv.ERROR_TYPE, error_type)
    current.set_status(Status(StatusCode.ERROR, description))


def trace_id() -> str | None:
    """Id of the trace that the current span belongs to, 32 hexadecimal digits; None without a trace."""
    current = trace.get_current_span().get_span_context()
    return f"{current.trace_id:032x}" if current.is_valid else None


def traceparent() -> str:
    """The current span as W3C Trace Context writes it; empty without one."""
    now = trace.get_current_span().get_span_context()
    return f"00-{now.trace_id:032x}-{now.span_id:016x}-{now.trace_flags:02x}" if now.is_valid else ""


def links_to(origin: str) -> tuple[Link, ...]:
    """A link to the span that `traceparent` once told of; none when it told of none, or what is kept isn't one."""
    found = _TRACEPARENT.fullmatch(origin)
    if found is None:
        return ()
    number, span_id, flags = (int(each, 16) for each in found.groups())
    there = SpanContext(number, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return (Link(there),) if there.is_valid else ()


@contextmanager
def asking(peer: str) -> Generator[None]:
    """Requests made inside go to this upstream server: their spans are to say so."""
    token = context.attach(context.set_value(_PEER, peer))
    try:
        yield
    finally:
        context.detach(token)


def asked_peer(of: Context | None = None) -> str:
    """The upstream server that requests of a context go to; empty for none."""
    peer = context.get_value(_PEER, of)
    return peer if isinstance(peer, str) else ""


def rename(name: str) -> None:
    """Give whatever span is current, and has not ended, another name."""
    current = trace.get_current_span()
    if current.is_recording():
        current.update_name(name)


def annotate(attributes: Mapping[str, Attribute]) -> None:
    """Add attributes to whatever span is current and has not ended."""
    current = trace.get_current_span()
    if current.is_recording():
        current.set_attributes(dict(attributes))
