"""Lean spans beside the SDK's own: what leaves is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.trace.propagation import set_span_in_context

from bedrock_support.telemetry.lean import LeanProvider, LeanSpan
from bedrock_support.telemetry.otel import TelemetrySettings, build_provider, build_sampler
from bedrock_support.telemetry.sampling import TailSampler
from tests.promises import promise

LONGEST = 64
RESOURCE = Resource({"service.name": "test"})
REMOTE = SpanContext(2**127 + 5, 7, is_remote=True, trace_flags=TraceFlags(3), trace_state=TraceState([("k", "v")]))
IDS = {"traceId", "spanId", "parentSpanId"}


def remote(flags: int) -> Context:
    there = SpanContext(
        REMOTE.trace_id, 7, is_remote=True, trace_flags=TraceFlags(flags), trace_state=REMOTE.trace_state
    )
    return set_span_in_context(NonRecordingSpan(there))


def plain(tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span(
        "outer", attributes={"a": 1, "b": "x" * 100, "c": [1, 2], "d": True}, start_time=5
    ):
        inner = tracer.start_span("inner", kind=SpanKind.CLIENT, links=[Link(REMOTE, {"l": 1})], start_time=6)
        inner.set_attribute("e", "y" * 100)
        inner.set_attributes({"f": 0.5, "g": ("p", "q")})
        inner.add_event("seen", {"h": "z" * 100}, timestamp=7)
        inner.update_name("renamed")
        inner.set_status(Status(StatusCode.ERROR, "lost"))
        inner.end(8)
        inner.end(9)
        inner.set_attribute("late", 1)
        inner.update_name("late")


def odd(tracer: trace.Tracer) -> None:
    span = tracer.start_span("odd", start_time=1)
    unfit: Any = object()
    span.set_attribute("unfit", unfit)
    span.set_attribute("", "no name")
    for number in range(200):
        span.set_attribute(f"k{number}", number)
    span.set_status(StatusCode.OK)
    span.set_status(StatusCode.ERROR, "too late")
    span.set_status(StatusCode.UNSET)
    span.end(2)


def fails(tracer: trace.Tracer) -> None:
    for make in (tracer.start_as_current_span, tracer.start_span):
        with pytest.raises(ValueError, match="no"), make("fails", start_time=1):
            raise ValueError("no")


def followed(tracer: trace.Tracer) -> None:
    tracer.start_span("sampled", remote(3), start_time=1).end(2)
    tracer.start_span("not random", remote(1), start_time=1).end(2)
    tracer.start_span("not sampled", remote(0), start_time=1).end(2)


def told(make: Callable[[SimpleSpanProcessor], TracerProvider], work: Callable[[trace.Tracer], None]) -> Any:
    """What an exporter would have posted, without what is drawn by chance or read from a clock."""
    kept = InMemorySpanExporter()
    work(make(SimpleSpanProcessor(kept)).get_tracer("scope", "1", schema_url="https://example.invalid/1"))
    told = MessageToDict(encode_spans(kept.get_finished_spans()))
    for resource in told["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in IDS & set(span):
                    if "sampled" not in span["name"] and span["name"] != "not random":
                        span[name] = "drawn"
                span["endTimeUnixNano"] = span["endTimeUnixNano"] if int(span["endTimeUnixNano"]) < 1000 else "now"
                for event in span.get("events", ()):
                    if event["name"] == "exception":
                        event["timeUnixNano"] = "now"
                        event["attributes"] = [
                            each
                            for each in event["attributes"]
                            if each["key"] in ("exception.type", "exception.escaped")
                        ]
                span["attributes"] = sorted(span.get("attributes", ()), key=str)
                span.pop("spanId")
                span.pop("droppedAttributesCount", None)  # the copy that bears the sampler's mark forgets it
    return told


def lean(processor: SimpleSpanProcessor) -> TracerProvider:
    sampler: Any = TailSampler([processor], 1.0)
    return LeanProvider(RESOURCE, [sampler], LONGEST)


def full(processor: SimpleSpanProcessor) -> TracerProvider:
    provider = TracerProvider(
        resource=RESOURCE, shutdown_on_exit=False, span_limits=SpanLimits(max_attribute_length=LONGEST)
    )
    sampler: Any = TailSampler([processor], 1.0)
    provider.add_span_processor(sampler)
    return provider


@promise("telemetry:lean")
@pytest.mark.parametrize("work", [plain, odd, fails, followed])
def test_what_leaves_is_what_the_sdk_would_have_sent(work: Callable[[trace.Tracer], None]) -> None:
    assert told(lean, work) == told(full, work)


@promise("telemetry:lean")
def test_spans_are_lean_where_traces_are_sampled_and_only_there() -> None:
    settings = TelemetrySettings(otlp_endpoint="http://127.0.0.1:1", trace_share=0.5)
    provider = build_provider(settings, role="test", sampler=build_sampler(settings))
    assert isinstance(provider.get_tracer("test").start_span("a"), LeanSpan)
    provider.shutdown()
    assert not isinstance(build_provider(TelemetrySettings(), role="test").get_tracer("test").start_span("a"), LeanSpan)


def test_the_current_span_is_the_parent_and_nothing_is_recorded_after_its_end() -> None:
    kept = InMemorySpanExporter()
    tracer = lean(SimpleSpanProcessor(kept)).get_tracer("scope")
    with tracer.start_as_current_span("outer") as outer:
        inner = tracer.start_span("inner")
        assert inner.is_recording()
        inner.end()
        assert not inner.is_recording()
        inner.add_event("late")
        inner.add_link(REMOTE)
        inner.set_status(StatusCode.ERROR)
    first, second = kept.get_finished_spans()
    assert first.parent == outer.get_span_context() == second.context
    assert (list(first.events), list(first.links), first.status.status_code) == ([], [], StatusCode.UNSET)
