"""Tail sampling: what is kept, what is dropped and counted, and how much is held."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from bedrock_support.routing import semconv
from bedrock_support.telemetry import sampling
from bedrock_support.telemetry.sampling import TailSampler
from tests.promises import promise


class Sampled:
    """A provider with a sampler, and what got through."""

    def __init__(self, share: float, most_held: int = sampling.MOST_HELD) -> None:
        self._kept = InMemorySpanExporter()
        self.sampler = TailSampler([SimpleSpanProcessor(self._kept)], share, most_held=most_held)
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(self.sampler)  # pyright: ignore[reportArgumentType] - the same by shape
        self.tracer = self._provider.get_tracer("test")

    @property
    def kept(self) -> Sequence[ReadableSpan]:
        return self._kept.get_finished_spans()

    def names(self) -> set[str]:
        return {each.name for each in self.kept}

    def call(self, inner: dict[str, str | int], outer: dict[str, str | int] | None = None) -> None:
        """A trace of three spans; the innermost holds what is to be noticed."""
        with (
            self.tracer.start_as_current_span("tools/call t"),
            self.tracer.start_as_current_span("support.tool t", attributes=outer or {}),
            self.tracer.start_as_current_span("route.attempt", attributes=inner) as attempt,
        ):
            if inner.get("fails"):
                attempt.set_status(Status(StatusCode.ERROR))


@promise("telemetry:tail-sampling")
@pytest.mark.parametrize(
    "telling",
    [({"fails": 1}, {}), ({}, {semconv.OP_CLASS: "emergency"}), ({semconv.ATTEMPT_NUMBER: 2}, {})],
    ids=["an error", "an emergency", "a fallback"],
)
def test_a_trace_with_something_to_tell_is_kept_whole_whatever_the_share(
    telling: tuple[dict[str, str | int], dict[str, str | int]],
) -> None:
    sampled = Sampled(0.0)
    sampled.call(*telling)
    sampled.call({semconv.ATTEMPT_NUMBER: 1}, {semconv.OP_CLASS: "standard"})
    assert sampled.names() == {"tools/call t", "support.tool t", "route.attempt"}
    assert len({each.context.trace_id for each in sampled.kept if each.context}) == 1
    (root,) = [each for each in sampled.kept if each.parent is None]
    assert (root.attributes or {})[semconv.SAMPLE_RATE] == 1.0
    report = sampled.sampler.report()
    assert (report.passed, report.dropped, report.lost, report.held_now) == (3, 3, 0, 0)


@promise("telemetry:tail-sampling")
@pytest.mark.parametrize(("took_ms", "kept"), [(810, 3), (790, 0)])
def test_a_call_is_slow_beyond_a_share_of_its_deadline(took_ms: int, kept: int) -> None:
    sampled = Sampled(0.0)
    with sampled.tracer.start_as_current_span("tools/call t"):
        tool = sampled.tracer.start_span("support.tool t", attributes={semconv.DEADLINE_MS: 1000}, start_time=0)
        with trace.use_span(tool), sampled.tracer.start_as_current_span("route.attempt"):
            pass
        tool.end(end_time=took_ms * 1_000_000)
    assert len(sampled.kept) == kept


@promise("telemetry:tail-sampling")
def test_of_ordinary_traces_a_share_is_kept_and_says_how_likely_that_was() -> None:
    sampled = Sampled(0.25)
    for _ in range(2000):
        sampled.call({})
    roots = [each for each in sampled.kept if each.parent is None]
    assert 400 < len(roots) < 600, "500 and five standard deviations"
    assert all((each.attributes or {})[semconv.SAMPLE_RATE] == 0.25 for each in roots)
    assert len(sampled.kept) == 3 * len(roots)
    assert sampled.sampler.report().dropped == 6000 - len(sampled.kept)
    again = TailSampler([], 0.25)
    chosen = {each.context.trace_id for each in roots if each.context}
    assert all(again._remember(each).keep for each in chosen), "another process keeps the same"  # pyright: ignore[reportPrivateUsage]


@promise("telemetry:tail-sampling")
def test_what_follows_in_a_trace_that_was_kept_is_kept_too() -> None:
    sampled = Sampled(0.0)
    with sampled.tracer.start_as_current_span("first") as first:
        first.set_status(Status(StatusCode.ERROR))
    with sampled.tracer.start_as_current_span("later", context=trace.set_span_in_context(first)):
        pass
    assert sampled.names() == {"first", "later"}


@promise("telemetry:sampling-bounded")
def test_spans_beyond_what_is_held_are_counted_as_lost() -> None:
    sampled = Sampled(0.0, most_held=10)
    with sampled.tracer.start_as_current_span("a call without end"):
        for _ in range(35):
            with sampled.tracer.start_as_current_span("step"):
                pass
            assert sampled.sampler.report().held_now <= 10
    report = sampled.sampler.report()
    assert (report.passed, report.held_now) == (0, 0)
    assert report.lost + report.dropped == 36
    assert report.lost >= 11


@promise("telemetry:sampling-bounded")
def test_traces_that_never_end_are_forgotten_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_TRACES", 4)
    sampled = Sampled(0.0)
    leaked = [sampled.tracer.start_span("never ended") for _ in range(50)]
    assert len(sampled.sampler._traces) == 4  # pyright: ignore[reportPrivateUsage]
    for each in leaked:
        each.end()
    assert sampled.sampler.report().held_now == 0


@promise("telemetry:sampling-bounded")
def test_the_end_of_the_process_counts_what_was_under_way() -> None:
    sampled = Sampled(0.0)
    with sampled.tracer.start_as_current_span("outer"):
        with sampled.tracer.start_as_current_span("inner"):
            pass
        assert sampled.sampler.force_flush()
        sampled.sampler.shutdown()
        assert (sampled.sampler.report().lost, sampled.sampler.report().held_now) == (1, 0)
