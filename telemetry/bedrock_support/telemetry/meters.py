"""How metrics leave: by OTLP/HTTP, once in a while, with no more than was asked for. Imports the SDK when called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource

SEND_EVERY = 15_000.0
"""Milliseconds between two posts of all metrics."""
POST_TIMEOUT = 5.0
"""Seconds for one post, retries included."""


def sending(resource: Resource, url: str, headers: Mapping[str, str]) -> MeterProvider:
    """A meter provider that posts to `url`; not installed anywhere."""
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = OTLPMetricExporter(url, headers=dict(headers), timeout=POST_TIMEOUT, compression=Compression.Gzip)
    timeout = POST_TIMEOUT * 1000
    return reading(
        resource,
        PeriodicExportingMetricReader(exporter, export_interval_millis=SEND_EVERY, export_timeout_millis=timeout),
    )


def reading(resource: Resource | None, reader: MetricReader) -> MeterProvider:
    """A meter provider that is read by `reader`. It keeps no exemplars: they would hold trace ids of dropped traces."""
    from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider

    return MeterProvider([reader], resource=resource, exemplar_filter=AlwaysOffExemplarFilter(), shutdown_on_exit=False)
