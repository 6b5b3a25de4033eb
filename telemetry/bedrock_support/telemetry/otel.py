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
from bedrock_support.telemetry import leaving, meters
from bedrock_support.telemetry.enrich import SpanEnricher
from bedrock_support.telemetry.leaving import content_free, exporting
from bedrock_support.telemetry.quiet import hush
from bedrock_support.telemetry.sampling import SamplingReport, TailSampler, sealed

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

NAMESPACE = "bedrock-support"
TRACES_PATH, METRICS_PATH = "/v1/traces", "/v1/metrics"
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
    trace_share: float = 1.0
    """Share of ordinary traces that leaves; see sampling.py."""

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

    def __init__(
        self,
        provider: TracerProvider | None = None,
        meters: MeterProvider | None = None,
        sampler: TailSampler | None = None,
    ) -> None:
        self._provider = provider
        self._meters = meters
        self._sampler = sampler

    @property
    def enabled(self) -> bool:
        """Whether spans are recorded at all."""
        return self._provider is not None

    def sampling(self) -> SamplingReport | None:
        """What was exported and what dropped; None where every trace is exported, or none."""
        return self._sampler.report() if self._sampler is not None else None

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
        _log.warning(
            "OTEL_EXPORTER_OTLP_ENDPOINT: not an http(s) URL, spans are not exported. Give one such as http://host:4318"
        )
    if settings.traces_url is None and settings.file is None and extra is None:
        return Telemetry()
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        _log.info("a tracer provider is installed already and stays in charge")
        return Telemetry()
    sampler = build_sampler(settings)
    provider = build_provider(settings, role=role, extra=extra, sampler=sampler)
    trace.set_tracer_provider(provider)
    propagate.set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]))
    return Telemetry(provider, _install_meters(settings, provider.resource), sampler)


def _install_meters(settings: TelemetrySettings, resource: Resource) -> MeterProvider | None:
    """The meter provider, installed; None when metrics go nowhere."""
    if settings.metrics_url is None:
        return None
    sending = meters.sending(resource, settings.metrics_url, settings.headers)
    metrics.set_meter_provider(sending)
    return sending


def build_sampler(settings: TelemetrySettings) -> TailSampler | None:
    """What stands before the exporters; None where every trace is to leave."""
    return TailSampler(_leaving(settings), settings.trace_share) if settings.trace_share < 1.0 else None


def _leaving(settings: TelemetrySettings) -> list[SpanProcessor]:
    return exporting(settings.file, settings.traces_url, settings.headers)


def build_provider(
    settings: TelemetrySettings, *, role: str, extra: SpanSink | None = None, sampler: TailSampler | None = None
) -> TracerProvider:
    """The provider with its pipeline, not installed anywhere. Imports the SDK."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

    about = {
        semconv.SERVICE_NAME: role,
        semconv.SERVICE_NAMESPACE: NAMESPACE,
        semconv.SERVICE_VERSION: settings.service_version,
        semconv.DEPLOYMENT_ENVIRONMENT: settings.environment,
        semconv.CLOUD_REGION: settings.region,
    }
    hush(leaving.__name__)
    resource = Resource.create({key: value for key, value in about.items() if value})
    processors = [cast("SpanProcessor", SpanEnricher())]
    processors += _leaving(settings) if sampler is None else [cast("SpanProcessor", sampler)]
    if extra is not None:
        processors.append(cast("SpanProcessor", _ToSink(extra)))
    if sampler is not None:
        from bedrock_support.telemetry.lean import LeanProvider  # most spans will be dropped

        return LeanProvider(resource, processors, LONGEST_ATTRIBUTE)
    provider = TracerProvider(
        sampler=ParentBased(ALWAYS_ON),
        resource=resource,
        shutdown_on_exit=False,  # its own exit hook waits up to 30 s for a dead collector
        span_limits=SpanLimits(max_attribute_length=LONGEST_ATTRIBUTE),
    )
    for each in processors:
        provider.add_span_processor(each)
    return provider


class _ToSink(SpanEnricher):
    """A processor that hands finished spans to a sink and changes none at their start."""

    def __init__(self, sink: SpanSink) -> None:
        self._sink = sink

    def on_start(self, span: object, parent_context: object = None) -> None:
        """Nothing to do: the enricher ran before."""

    def on_end(self, span: object) -> None:
        self._sink.on_end(content_free(sealed(cast("ReadableSpan", span))))


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
