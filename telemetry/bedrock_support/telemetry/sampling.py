"""Tail sampling in the process: a trace is exported for what happened in it, or for its share of the ordinary ones.

Whole traces are kept or dropped, as far as one process sees them. Chance is the trace id's own randomness, so that
processes with the same share keep the same traces; what one process alone saw fail, it alone keeps for that.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.trace import StatusCode

from bedrock_support.routing import semconv
from bedrock_support.routing.model import OperationClass

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

SLOW = 0.8
"""Share of its deadline beyond which a call counts as slow."""
MOST_HELD = 4096
"""Spans held until their traces end; some 2.75 KB each."""
MOST_TRACES = 2048
"""Traces remembered. One that gives way and goes on afterwards is judged anew."""
_RANDOM = (1 << 56) - 1
"""The bits of a trace id that are random (W3C Trace Context, level 2)."""
_EMERGENCY = OperationClass.EMERGENCY.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingReport:
    """Counts since the start of the process, all of spans but `held_now`, which is of this instant."""

    share: float
    passed: int
    """Given on to be exported."""
    dropped: int
    """Ordinary, and not in the share."""
    lost: int
    """Dropped before their trace ended, for want of room: nobody knows what they would have been."""
    held_now: int


@dataclass(slots=True)
class _Trace:
    keep: bool
    """In the share."""
    open: int = 0
    telling: bool = False
    """Something happened in it: kept whatever the share."""
    held: list[ReadableSpan] | None = None


class TailSampler:
    """A span processor before others. Of ordinary traces a share gets through; of failed, slow and rare ones, all."""

    def __init__(self, inner: Sequence[SpanProcessor], share: float, *, most_held: int = MOST_HELD) -> None:
        """`share` of ordinary traces is kept: 0 none, 1 all."""
        self._inner = tuple(inner)
        self._share = share
        self._least = round((1.0 - share) * (_RANDOM + 1))
        self._most_held = most_held
        self._lock = threading.Lock()
        self._traces: OrderedDict[int, _Trace] = OrderedDict()
        self._passed = self._dropped = self._lost = self._held = 0

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """One more open span in its trace."""
        number = span.get_span_context().trace_id  # pyright: ignore[reportOptionalMemberAccess] - never None here
        with self._lock:
            trace = self._traces.get(number)
            if trace is None:
                trace = self._remember(number)
            trace.open += 1

    def _on_ending(self, span: Span) -> None:
        """Asked for by the SDK of every processor; nothing to do."""

    def on_end(self, span: ReadableSpan) -> None:
        """Give it on, hold it, or drop it with its trace if this was the last one open."""
        number = span.context.trace_id  # pyright: ignore[reportOptionalMemberAccess]
        out: list[ReadableSpan] = []
        with self._lock:
            trace = self._traces.get(number) or self._remember(number)
            trace.open -= 1
            if not trace.telling and is_telling(span):
                trace.telling = True
                out = self._release(trace)
            if trace.telling or trace.keep:
                out.append(self._rated(span, 1.0 if trace.telling else self._share))
            else:
                self._hold(trace, span)
            if trace.open <= 0:
                self._close(number, trace)
            self._passed += len(out)
        for each in out:
            given = sealed(each)
            for inner in self._inner:
                inner.on_end(given)

    def shutdown(self) -> None:
        """Drop what is held: its traces will not end any more, and nothing told of them."""
        with self._lock:
            for trace in self._traces.values():
                self._lost += len(self._release(trace))
            self._traces.clear()
        for inner in self._inner:
            inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Have sent what was given on. What is held stays: its traces are under way."""
        sent = [inner.force_flush(timeout_millis) for inner in self._inner]  # every one, even if the first fails
        return all(sent)

    def report(self) -> SamplingReport:
        """The counts now."""
        with self._lock:
            return SamplingReport(
                share=self._share,
                passed=self._passed,
                dropped=self._dropped,
                lost=self._lost,
                held_now=self._held,
            )

    def _remember(self, number: int) -> _Trace:
        while len(self._traces) >= MOST_TRACES:
            self._give_way()
        trace = self._traces[number] = _Trace(keep=number & _RANDOM >= self._least)
        return trace

    def _hold(self, trace: _Trace, span: ReadableSpan) -> None:
        if trace.held is None:
            trace.held = []
        trace.held.append(span)
        self._held += 1
        while self._held > self._most_held:
            self._give_way()

    def _give_way(self) -> None:
        """Forget the oldest trace. It has been open for longest, or is one whose spans never ended."""
        _, oldest = self._traces.popitem(last=False)
        self._lost += len(self._release(oldest))

    def _release(self, trace: _Trace) -> list[ReadableSpan]:
        held, trace.held = trace.held or [], None
        self._held -= len(held)
        return held

    def _close(self, number: int, trace: _Trace) -> None:
        self._dropped += len(self._release(trace))
        if not trace.telling:  # a telling one is remembered, so that what follows in it is kept too
            self._traces.pop(number, None)

    def _rated(self, span: ReadableSpan, probability: float) -> ReadableSpan:
        """The process's first span of a trace says how likely it was to be kept; others are as they were."""
        if span.parent is None or span.parent.is_remote:
            if hasattr(span, "sealed"):  # a lean one is still open to this
                cast("dict[str, Any]", span.attributes)[semconv.SAMPLE_RATE] = probability
                return span
            return with_attribute(span, semconv.SAMPLE_RATE, probability)
        return span


def is_telling(span: ReadableSpan) -> bool:
    """Whether a span alone is reason to keep its trace: failed, slow, an emergency, or not the first attempt."""
    if span.status.status_code is StatusCode.ERROR:
        return True
    # Looking an attribute up costs a microsecond: only the spans that have it are asked.
    name = span.name
    if name == semconv.SPAN_ATTEMPT:
        number: Any = (span.attributes or {}).get(semconv.ATTEMPT_NUMBER, 1)
        return number > 1
    if not name.startswith(semconv.SPAN_TOOL):
        return False
    about: Any = span.attributes or {}
    if about.get(semconv.OP_CLASS) == _EMERGENCY:
        return True
    deadline = about.get(semconv.DEADLINE_MS)
    return deadline is not None and _seconds(span) * 1000 > SLOW * deadline


def sealed(span: ReadableSpan) -> ReadableSpan:
    """The span as exporters want it: a lean one (lean.py) is made into the SDK's own, any other is one."""
    make: Callable[[], ReadableSpan] | None = getattr(span, "sealed", None)
    return span if make is None else make()


def with_attribute(span: ReadableSpan, key: str, value: float) -> ReadableSpan:
    """A copy with one attribute more: the span itself is sealed."""
    make: Callable[..., ReadableSpan] = _readable()
    return make(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), key: value},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _readable() -> Callable[..., ReadableSpan]:
    from opentelemetry.sdk.trace import ReadableSpan

    return ReadableSpan


def _seconds(span: ReadableSpan) -> float:
    return ((span.end_time or 0) - (span.start_time or 0)) / 1e9
