"""What travels beside a call: baggage by a list, and the link from queued work to its sender."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from opentelemetry import baggage, trace

from bedrock_support.routing import semconv, spans
from bedrock_support.routing.queue.store import QueueStore
from bedrock_support.telemetry.baggage import LONGEST_HEADER, allowed, carried
from bedrock_support.telemetry.otel import TelemetrySettings, build_provider
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-03"


@promise("telemetry:baggage")
@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("support.op_class=emergency", {"support.op_class": "emergency"}),
        ("support.op_class=urgent,support.deadline_ms=1500", {"support.deadline_ms": "1500"}),
        ("support.data_class=personal;meta=1,user=jane", {"support.data_class": "personal"}),
        ("support.deadline_ms=0", {}),
        ("support.deadline_ms=999999", {}),
        ("support.deadline_ms=%D9%A1%D9%A2", {}),
        ("support.op_class=standard," + "x" * LONGEST_HEADER, {}),
        ("=,;=%%%", {}),
        (["support.op_class=standard"], {}),
        (None, {}),
    ],
)
def test_only_listed_members_with_fitting_values_are_taken_in(header: object, taken: dict[str, str]) -> None:
    assert allowed(header) == taken
    with carried(header) as members:
        assert members == dict(baggage.get_all()) == taken
    assert not baggage.get_all()


@promise("telemetry:queue-link")
@pytest.mark.parametrize(
    "origin", ["", "nonsense", TRACE[:-1], TRACE + "\n", TRACE.upper(), "00-" + "0" * 32 + "-" + "b" * 16 + "-01"]
)
def test_what_is_no_traceparent_makes_no_link(origin: str) -> None:
    assert spans.links_to(origin) == ()


@promise("telemetry:queue-link")
def test_a_message_keeps_its_origin_as_long_as_it_lives_and_is_no_other_for_it(tmp_path: Path) -> None:
    (link,) = spans.links_to(TRACE)
    assert (link.context.trace_id, link.context.span_id) == (int("a" * 32, 16), int("b" * 16, 16))
    assert spans.traceparent() == ""
    clock = FakeClock()
    path = tmp_path / "queue.db"
    store = QueueStore(path, clock, CountingEntropy())
    first = store.enqueue("t", "x", key="k", origin=TRACE)
    again = store.enqueue("t", "x", key="k", origin=TRACE.replace("a", "c"))
    assert again.duplicate
    assert again.id == first.id
    plain = store.enqueue("t", "y")
    held = {each.id: each.origin for each in store.leases.lease(["t"], "w", 30, 5)}
    assert held == {first.id: TRACE, plain.id: ""}
    store.close()
    with sqlite3.connect(path) as file:
        file.execute("DELETE FROM messages")
        assert file.execute("SELECT count(*) FROM origins").fetchone()[0] == 0
    file.close()


@promise("telemetry:queue-link")
def test_a_file_from_before_there_were_origins_is_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = QueueStore(path, FakeClock(), CountingEntropy())
    store.enqueue("t", "x")
    store.close()
    with sqlite3.connect(path) as file:
        file.execute("DROP TRIGGER origin_gone")
        file.execute("DROP TABLE origins")
    file.close()
    store = QueueStore(path, FakeClock(), CountingEntropy())
    (held,) = store.leases.lease(["t"], "w", 30)
    assert (held.payload, held.origin) == ("x", "")
    store.close()


@promise("telemetry:peer-name")
def test_a_request_names_whom_it_goes_to_only_while_it_does() -> None:
    provider = build_provider(TelemetrySettings(), role="test")
    tracer = provider.get_tracer(semconv.MCP_SDK_SCOPE)
    with spans.asking("up"):
        asked = tracer.start_span("MCP send tools/call echo")
        served = tracer.start_span("tools/call echo")
    after = tracer.start_span("MCP send tools/call echo")
    named = [dict(getattr(each, "attributes", {})).get("peer.service") for each in (asked, served, after)]
    assert named == ["up", None, None]


@promise("telemetry:nothing-unasked")
def test_without_a_provider_a_span_is_nothing_and_leaves_the_current_one_alone() -> None:
    before = trace.get_current_span()
    with spans.span("x", {"a": 1}) as current:
        assert not current.is_recording()
        assert trace.get_current_span() is before
    assert spans.span("x", {}) is spans.span("y", {})
