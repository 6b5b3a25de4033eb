"""What happens to a span on its way out: names of the MCP SDK mended, content taken out."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from bedrock_support.routing import semconv
from bedrock_support.telemetry.otel import TelemetrySettings, build_provider
from tests.promises import promise


class Sink:
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def provider(sink: Sink) -> TracerProvider:
    return build_provider(TelemetrySettings(), role="test", extra=sink)


@promise("telemetry:mcp-names")
@pytest.mark.parametrize(
    ("made", "wanted", "extra"),
    [
        (
            "MCP send tools/call triage",
            "tools/call triage",
            {semconv.OPERATION_NAME: "execute_tool", semconv.TOOL_NAME: "triage"},
        ),
        ("MCP send prompts/get why", "prompts/get why", {semconv.PROMPT_NAME: "why"}),
        ("MCP send sampling/createMessage", "sampling/createMessage", {}),
        ("tools/list", "tools/list", {}),
    ],
)
def test_the_sdks_spans_are_named_by_convention(
    provider: TracerProvider, sink: Sink, made: str, wanted: str, extra: dict[str, str]
) -> None:
    provider.get_tracer(semconv.MCP_SDK_SCOPE).start_span(made, kind=SpanKind.CLIENT).end()
    assert sink.spans[0].name == wanted
    assert dict(sink.spans[0].attributes or {}) == extra


@promise("telemetry:mcp-names")
def test_a_name_chosen_by_the_other_side_is_cut_short(provider: TracerProvider, sink: Sink) -> None:
    target = "x\n\x1b[31m" + "y" * 5000
    provider.get_tracer(semconv.MCP_SDK_SCOPE).start_span(
        f"tools/call {target}", kind=SpanKind.SERVER, attributes={semconv.TOOL_NAME: target}
    ).end()
    span = sink.spans[0]
    assert span.name.startswith("tools/call x??[31myyy")
    assert len(span.name) == len("tools/call ") + 64
    assert (span.attributes or {})[semconv.TOOL_NAME] == span.name.removeprefix("tools/call ")


@promise("telemetry:mcp-names")
def test_other_spans_keep_their_names(provider: TracerProvider, sink: Sink) -> None:
    provider.get_tracer("someone").start_span("MCP send tools/call triage").end()
    assert sink.spans[0].name == "MCP send tools/call triage"


@promise("telemetry:no-content")
def test_content_is_taken_out_of_attributes_and_events(provider: TracerProvider, sink: Sink) -> None:
    span = provider.get_tracer("someone").start_span("chat", attributes={semconv.RESPONSE_MODEL: "m"})
    for key in (*semconv.CONTENT, "gen_ai.prompt.variable.name", "gen_ai.completion.0.content"):
        span.set_attribute(key, "jane@example.com")
    span.record_exception(ValueError("jane@example.com"))
    span.end()
    gone = sink.spans[0]
    assert dict(gone.attributes or {}) == {semconv.RESPONSE_MODEL: "m"}
    assert dict(gone.events[0].attributes or {}) == {
        "exception.type": "ValueError",
        "exception.escaped": "False",
    }
    assert "jane" not in gone.to_json()
    assert (gone.context, gone.resource, gone.start_time) == (
        span.get_span_context(),
        provider.resource,
        gone.start_time,
    )


@promise("telemetry:no-content")
def test_the_sdks_error_texts_are_taken_out_and_ours_stay(provider: TracerProvider, sink: Sink) -> None:
    for scope in (semconv.MCP_SDK_SCOPE, semconv.TRACER):
        span = provider.get_tracer(scope).start_span("tools/call triage")
        span.set_status(StatusCode.ERROR, "what happened")
        span.end()
    theirs, ours = sink.spans
    assert (theirs.status.status_code, theirs.status.description) == (StatusCode.ERROR, None)
    assert (ours.status.status_code, ours.status.description) == (StatusCode.ERROR, "what happened")


@promise("telemetry:no-content")
def test_prompt_names_are_not_content(provider: TracerProvider, sink: Sink) -> None:
    provider.get_tracer("someone").start_span("x", attributes={semconv.PROMPT_NAME: "why"}).end()
    assert dict(sink.spans[0].attributes or {}) == {semconv.PROMPT_NAME: "why"}
