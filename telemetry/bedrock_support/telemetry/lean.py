"""Spans that cost little until somebody wants them: what tail sampling drops was never made into the SDK's own.

Most traces are dropped where few are exported, and most of a span's price in the SDK is checking, bounding and copying
values that then nobody reads. Here that happens when a span is given on. Imported only where spans are sampled.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)

from bedrock_support.routing import semconv
from bedrock_support.telemetry.enrich import SpanEnricher, from_mcp_sdk

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.util.types import Attributes, AttributeValue

MOST = 128
"""Attributes, events and links of one span, as the SDK has it."""
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SAMPLED_RANDOM = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
_UNSET = Status(StatusCode.UNSET)


class LeanSpan(Span):
    """A span under way, or ended and not yet given on. For one thread at a time, as a span is."""

    __slots__ = (
        "_began_by", "_events", "attributes", "context", "end_time", "instrumentation_scope", "kind", "links", "name",
        "parent", "start_time", "status",
    )  # fmt: skip

    def __init__(
        self,
        began_by: LeanTracer,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link],
        start_time: int | None,
    ) -> None:
        self._began_by = began_by
        self.name = name
        self.context = context
        self.parent = parent
        self.kind = kind
        self.attributes: dict[str, Any] = dict(attributes) if attributes else {}
        self.links = links
        self.status = _UNSET
        self.instrumentation_scope = began_by.scope
        self._events: list[tuple[str, Attributes, int]] = []
        self.start_time = start_time or time_ns()
        self.end_time: int | None = None

    def get_span_context(self) -> SpanContext:
        return self.context

    def is_recording(self) -> bool:
        return self.end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Kept as it is; what isn't fit to be exported is left out when the span is given on."""
        if self.end_time is None:
            self.attributes[key] = tuple(value) if isinstance(value, list) else value

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        if self.end_time is None:
            self.attributes.update(attributes)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        if self.end_time is None and len(self._events) < MOST:
            self._events.append((name, dict(attributes or {}), timestamp or time_ns()))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        if self.end_time is None and context.is_valid:
            self.links = (*self.links, Link(context, attributes))

    def update_name(self, name: str) -> None:
        if self.end_time is None:
            self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """As the SDK has it: OK is final, and UNSET changes nothing."""
        made = status if isinstance(status, Status) else Status(status, description)
        decided = self.status.status_code is StatusCode.OK or made.status_code is StatusCode.UNSET
        if self.end_time is None and not decided:
            self.status = made

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """An event with the exception's type. Its text and its trace never leave, so they are never written down."""
        kind = type(exception)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        about = {"exception.type": name, "exception.escaped": str(escaped)}
        self.add_event("exception", {**about, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """Once; then the tracer's processors are told."""
        if self.end_time is None:
            self.end_time = end_time or time_ns()
            self._began_by.ended(self)

    def __exit__(self, exc_type: object, exc_val: BaseException | None, exc_tb: object) -> None:
        """End it; an exception that leaves the block is its failure."""
        if exc_val is not None and self.end_time is None:
            self.record_exception(exc_val, escaped=True)
            self.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        self.end()

    def sealed(self) -> ReadableSpan:
        """The span as exporters want it: values checked, cut and bounded by the SDK."""
        longest = self._began_by.longest
        most = MOST + (semconv.SAMPLE_RATE in self.attributes)  # the sampler's mark comes on top
        return ReadableSpan(
            name=self.name,
            context=self.context,
            parent=self.parent,
            resource=self._began_by.resource,
            attributes=BoundedAttributes(most, self.attributes, max_value_len=longest),
            events=[
                Event(name, BoundedAttributes(MOST, about, max_value_len=longest), at)
                for name, about, at in self._events
            ],
            links=self.links[-MOST:],
            kind=self.kind,
            status=self.status,
            start_time=self.start_time,
            end_time=self.end_time,
            instrumentation_scope=self.instrumentation_scope,
        )


def _names(processor: object) -> bool:
    """Whether it does no more than name spans at their start; what is derived from that does more."""
    return type(processor) is SpanEnricher


class LeanTracer(Tracer):
    """Makes lean spans. A trace that its caller didn't sample isn't recorded here either."""

    def __init__(self, provider: LeanProvider, scope: InstrumentationScope) -> None:
        self._provider = provider
        self._ids = provider.id_generator
        # Naming is for the MCP SDK's spans alone.
        foreign = from_mcp_sdk(scope)
        self._processors = tuple(each for each in provider.processors if foreign or not _names(each))
        self.scope = scope
        self.resource: Resource = provider.resource
        self.longest = provider.longest

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        above = trace.get_current_span(context).get_span_context()
        span_id = self._ids.generate_span_id()
        if above is INVALID_SPAN_CONTEXT or not above.is_valid:
            parent = None
            mine = SpanContext(self._ids.generate_trace_id(), span_id, False, _SAMPLED_RANDOM)
        else:
            parent, flags = above, above.trace_flags
            if not flags.sampled:
                return NonRecordingSpan(SpanContext(above.trace_id, span_id, False, flags, above.trace_state))
            own = _SAMPLED_RANDOM if flags.random_trace_id else _SAMPLED
            mine = SpanContext(above.trace_id, span_id, False, own, above.trace_state)
        span = LeanSpan(self, name, mine, parent, kind, attributes, tuple(links or ()), start_time)
        for each in self._processors:
            each.on_start(span, context)  # pyright: ignore[reportArgumentType] - the same by shape
        return span

    def ended(self, span: LeanSpan) -> None:
        """Tell whoever listens."""
        for each in self._processors:
            each.on_end(span)  # pyright: ignore[reportArgumentType] - the same by shape

    @contextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Generator[Span]:
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with trace.use_span(span, end_on_exit, record_exception, set_status_on_exception) as current:
            yield current


class LeanProvider(TracerProvider):
    """The SDK's provider whose tracers make lean spans."""

    def __init__(self, resource: Resource, processors: Sequence[SpanProcessor], longest: int) -> None:
        """`processors` take lean spans; `longest` is how much of a text value is exported, in characters."""
        super().__init__(resource=resource, shutdown_on_exit=False)
        self.processors = tuple(processors)
        self.longest = longest
        for each in processors:
            self.add_span_processor(each)  # for flushing and shutting down

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        made: Any = super().get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        scope = getattr(made, "_instrumentation_scope", None)
        return made if scope is None else LeanTracer(self, scope)  # a disabled SDK makes spans of none
