"""The only door to the OpenTelemetry SDK. Nothing is imported, installed or sent unless somebody asked for spans."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio
import anyio.to_thread
from opentelemetry import metrics, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bedrock_support.routing import semconv
from bedrock_support.telemetry import meters, spanfile
from bedrock_support.telemetry.enrich import SpanEnricher, from_mcp_sdk, has_content, without_content
from bedrock_support.telemetry.quiet import hush

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

NAMESPACE = "bedrock-support"
TRACES_PATH, METRICS_PATH = "/v1/traces", "/v1/metrics"
EXPORT_TIMEOUT = 5.0
"""Seconds for one batch, retries included."""
SEND_EVERY = 1000
"""Milliseconds between batches: soon enough to watch a trace arrive."""
WRITE_EVERY = 500
LONGEST_ATTRIBUTE = 4096
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """Where spans go. With neither endpoint nor file, nowhere."""

    otlp_endpoint: str | None = None
    """Base URL of an OTLP/HTTP receiver, as OTEL_EXPORTER_OTLP_ENDPOINT has it: /v1/traces is appended."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    environment: str = ""
    region: str = ""
    service_version: str = ""
    file: Path | None = None
    """Spans are appended here as OTLP-JSON lines."""
    send_metrics: bool = True
    """Off for a receiver that takes spans alone, as Jaeger does."""

    @property
    def traces_url(self) -> str | None:
        """Where spans are posted, or None without a usable endpoint."""
        base = self._base
        return base if not base or base.endswith(TRACES_PATH) else base + TRACES_PATH

    @property
    def metrics_url(self) -> str | None:
        """Where metrics are posted; None where an endpoint names the path for spans, or they aren't wanted."""
        base = self._base
        return base + METRICS_PATH if base and self.send_metrics and not base.endswith(TRACES_PATH) else None

    @property
    def _base(self) -> str | None:
        base = (self.otlp_endpoint or "").strip().rstrip("/")
        return base if base.startswith(("http://", "https://")) else None


class SpanSink(Protocol):
    """Wants every finished span of this process, without content. Called where the span ended; must not raise."""

    def on_end(self, span: ReadableSpan) -> None: ...


class Telemetry:
    """A running pipeline, or none. Ending it never takes longer than it was given."""

    def __init__(self, provider: TracerProvider | None = None, meters: MeterProvider | None = None) -> None:
        self._provider = provider
        self._meters = meters

    @property
    def enabled(self) -> bool:
        """Whether spans are recorded at all."""
        return self._provider is not None

    async def flush(self, timeout: float = 2.0) -> bool:  # noqa: ASYNC109 - the SDK blocks, a cancel scope can't end it
        """Send what is waiting. False when it did not get out in time."""
        works = [each.force_flush for each in (self._provider, self._meters) if each is not None]
        return not works or await anyio.to_thread.run_sync(_within, works, timeout)

    async def shutdown(self, timeout: float = 2.0) -> bool:  # noqa: ASYNC109 - as above
        """Send what is waiting and stop; later calls do nothing. False when a dead collector was left behind."""
        works = [each.shutdown for each in (self._provider, self._meters) if each is not None]
        self._provider = self._meters = None
        return not works or await anyio.to_thread.run_sync(_within, works, timeout)


def install(settings: TelemetrySettings, *, role: str, extra: SpanSink | None = None) -> Telemetry:
    """Record this process's spans under service name `role`, if anybody wants them.

    A tracer provider that is already installed, by a host or an agent, is left in charge.
    """
    if settings.otlp_endpoint and settings.traces_url is None:
        _log.warning("otlp_endpoint: not an http(s) URL, spans are not exported; give http://host:4318")
    if settings.traces_url is None and settings.file is None and extra is None:
        return Telemetry()
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        _log.info("a tracer provider is installed already and stays in charge")
        return Telemetry()
    provider = build_provider(settings, role=role, extra=extra)
    trace.set_tracer_provider(provider)
    propagate.set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]))
    return Telemetry(provider, _install_meters(settings, provider.resource))


def _install_meters(settings: TelemetrySettings, resource: Resource) -> MeterProvider | None:
    """The meter provider, installed; None when metrics go nowhere."""
    if settings.metrics_url is None:
        return None
    sending = meters.sending(resource, settings.metrics_url, settings.headers)
    metrics.set_meter_provider(sending)
    return sending


def build_provider(settings: TelemetrySettings, *, role: str, extra: SpanSink | None = None) -> TracerProvider:
    """The provider with its pipeline, not installed anywhere. Imports the SDK."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

    about = {
        semconv.SERVICE_NAME: role,
        semconv.SERVICE_NAMESPACE: NAMESPACE,
        semconv.SERVICE_VERSION: settings.service_version,
        semconv.DEPLOYMENT_ENVIRONMENT: settings.environment,
        semconv.CLOUD_REGION: settings.region,
    }
    hush(__name__)
    provider = TracerProvider(
        sampler=ParentBased(ALWAYS_ON),
        resource=Resource.create({key: value for key, value in about.items() if value}),
        shutdown_on_exit=False,  # its own exit hook waits up to 30 s for a dead collector
        span_limits=SpanLimits(max_attribute_length=LONGEST_ATTRIBUTE),
    )
    provider.add_span_processor(cast("SpanProcessor", SpanEnricher()))
    if settings.file is not None:
        written = _ContentFree(_FileExporter(settings.file))
        provider.add_span_processor(_batches(BatchSpanProcessor, written, WRITE_EVERY))
    if settings.traces_url is not None:
        sent = _ContentFree(_otlp(settings.traces_url, settings.headers))
        provider.add_span_processor(_batches(BatchSpanProcessor, sent, SEND_EVERY))
    if extra is not None:
        provider.add_span_processor(cast("SpanProcessor", _ToSink(extra)))
    return provider


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
        return self._inner.export([_content_free(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class _ToSink(SpanEnricher):
    """A processor that hands finished spans to a sink and changes none at their start."""

    def __init__(self, sink: SpanSink) -> None:
        self._sink = sink

    def on_start(self, span: object, parent_context: object = None) -> None:
        """Nothing to do: the enricher ran before."""

    def on_end(self, span: object) -> None:
        self._sink.on_end(_content_free(cast("ReadableSpan", span)))


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


def _content_free(span: ReadableSpan) -> ReadableSpan:
    """The span itself when it holds no content, or a copy without it.

    The MCP SDK describes a failure by the exception's text, which nobody has redacted: error.type must do.
    """
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Status

    foreign = from_mcp_sdk(span.instrumentation_scope) and bool(span.status.description)
    if (
        not foreign
        and not has_content(span.attributes)
        and not any(has_content(each.attributes) for each in span.events)
    ):
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=without_content(span.attributes),
        events=[Event(each.name, without_content(each.attributes), each.timestamp) for each in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code) if foreign else span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _within(works: Sequence[Callable[[], Any]], seconds: float) -> bool:
    """Run blocking works side by side, for so long at most. Their threads are daemons: none can keep the process."""
    left, lock, done = list(works), threading.Lock(), threading.Event()

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        finally:
            with lock:
                left.remove(work)
                if not left:
                    done.set()

    for work in works:
        threading.Thread(target=run, args=(work,), name="telemetry-flush", daemon=True).start()
    return done.wait(seconds)
