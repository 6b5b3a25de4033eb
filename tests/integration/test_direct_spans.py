"""The model span: one per call, with figures and without content."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from bedrock_support.routing import semconv, spans
from bedrock_support.routing.model import ModelRole
from tests.direct_rig import METADATA, START, STOP, direct, failure_of, http, operation, peer, piece, stream, with_keys
from tests.promises import promise

pytestmark = pytest.mark.anyio


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> Callable[[], ReadableSpan]:
    with_keys(monkeypatch)
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(spans.trace, "_TRACER_PROVIDER", provider)

    def only() -> ReadableSpan:
        made = memory.get_finished_spans()
        assert len(made) == 1
        return made[0]

    return only


@promise("direct:span")
async def test_a_call_makes_one_span(finished: Callable[[], ReadableSpan]) -> None:
    with peer(http(headers="x-amzn-RequestId: r-1\r\nx-bedrock-support-simulated: true\r\n")) as server:
        async with direct(server.url, models={ModelRole.FAST: "eu.fast"}) as client:
            await client.send(operation(model_role=ModelRole.FAST, max_tokens=300))
        port = int(server.url.rpartition(":")[2])
    span = finished()
    assert (span.name, span.kind, span.status.status_code) == ("chat eu.fast", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        semconv.PROVIDER_NAME: "aws.bedrock",
        semconv.OPERATION_NAME: "chat",
        semconv.REQUEST_MODEL: "eu.fast",
        semconv.REQUEST_MAX_TOKENS: 300,
        semconv.PEER_SERVICE: "aws-bedrock",
        semconv.SERVICE_PEER_NAME: "aws-bedrock",
        semconv.RESPONSE_FINISH_REASONS: ("end_turn",),
        semconv.USAGE_INPUT_TOKENS: 12,
        semconv.USAGE_OUTPUT_TOKENS: 2,
        semconv.USAGE_CACHE_READ_TOKENS: 5,
        semconv.USAGE_CACHE_WRITE_TOKENS: 0,
        semconv.AWS_REQUEST_ID: "r-1",
        semconv.SIMULATED: True,
        semconv.SERVER_ADDRESS: "127.0.0.1",
        semconv.SERVER_PORT: port,
    }
    assert span.events == ()


@promise("direct:span")
async def test_a_stream_tells_its_first_chunk(finished: Callable[[], ReadableSpan]) -> None:
    with peer(stream(START, piece("Because."), STOP, METADATA)) as server:
        async with direct(server.url) as client:
            await client.send(operation(stream=True))
    told = finished().attributes or {}
    assert told[semconv.REQUEST_STREAM] is True
    first = told[semconv.RESPONSE_TIME_TO_FIRST_CHUNK]
    assert isinstance(first, float)
    assert 0 < first < 5


@promise("direct:span", "direct:safe-words")
async def test_a_failed_call_is_marked_by_its_kind(finished: Callable[[], ReadableSpan]) -> None:
    refusal = http({"message": "Why does it fail?"}, "429 Slow down", "x-amzn-ErrorType: ThrottlingException\r\n")
    with peer(refusal) as server:
        async with direct(server.url) as client:
            failure = await failure_of(client, operation())
    span = finished()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})[semconv.ERROR_TYPE] == failure.kind.value
    assert "Why does it fail?" not in span.to_json()


async def test_a_cancelled_call_is_no_error(finished: Callable[[], ReadableSpan]) -> None:
    with peer(None) as server:
        async with direct(server.url) as client:
            await client.check()
            with anyio.move_on_after(0.1):
                await client.send(operation())
    assert finished().status.status_code is StatusCode.UNSET
