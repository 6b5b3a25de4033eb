"""Keeps the exporters' own logging short: a dead collector fails every second, and says so with a traceback."""

from __future__ import annotations

import logging

COMPLAIN_EVERY = 60.0
"""Seconds between two complaints of one logger."""
NOISY = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.metrics._internal.export",
    "opentelemetry.sdk.trace.export",
)


class Sparing(logging.Filter):
    """Lets a logger through once a minute, in one line."""

    def __init__(self) -> None:
        super().__init__()
        self._silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.created < self._silent_until:
            return False
        self._silent_until = record.created + COMPLAIN_EVERY
        record.exc_info = record.exc_text = None
        return True


def hush(*more: str) -> None:
    """Make the exporters' loggers, and those named, sparing. Once is enough; more does no harm."""
    for name in (*NOISY, *more):
        logger = logging.getLogger(name)
        if not any(isinstance(each, Sparing) for each in logger.filters):
            logger.addFilter(Sparing())
