"""What is recorded of a decision: its span, the span of its ending, and the in-process figures, from one value."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from bedrock_support.routing import semconv
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Decision, Outcome
from bedrock_support.routing.spans import Attribute, Span, span
from bedrock_support.server.ledger import ended
from bedrock_support.telemetry.efficiency.live import LiveEfficiency
from bedrock_support.telemetry.efficiency.record import (
    CANCELLED,
    NO_ROUTE,
    Ending,
    about_candidate,
    about_ending,
    candidate_of,
    ending_of,
    record_of,
)


@dataclass(slots=True)
class Open:
    """What is awaited of a decision."""

    outcome: Outcome | None = None


@contextmanager
def recorded(decision: Decision, at: float, trace: str | None, clock: Clock, live: LiveEfficiency) -> Generator[Open]:
    """Around what comes of a decision. Without an outcome at the end it was cancelled."""
    kept = Open()
    try:
        yield kept
    finally:
        outcome = kept.outcome
        ending = Ending(ended=CANCELLED)
        if outcome is not None:
            met = clock.now() <= decision.operation.deadline
            ending = ending_of(decision, outcome, ended(outcome), met=met)
        with span(semconv.SPAN_OUTCOME, partial(about_ending, decision.id, ending)):
            pass
        live.record(record_of(decision, ending, at, trace))


def describe(current: Span, decision: Decision, at: float) -> None:
    """Tell a decision on its span, one event for each route."""
    if not current.is_recording():
        return
    about: dict[str, Attribute] = {
        semconv.DECISION_ID: decision.id,
        semconv.DECISION_AT: at,
        semconv.ROUTE_CHOSEN: decision.plan[0].value if decision.plan else NO_ROUTE,
        semconv.ROUTE_PLAN: ",".join(decision.plan),
        semconv.ROUTE_ROW: decision.row,
        semconv.ROUTE_REASON: "; ".join(decision.reasons),
        semconv.ROUTE_POLICY: decision.policy,
        semconv.ROUTE_PROPENSITY: decision.propensity,
    }
    current.set_attributes(about)
    for route, seen in decision.conditions.routes.items():
        kept = {
            semconv.ROUTE_SAMPLES: seen.samples,
            semconv.ROUTE_INFEASIBLE_REASON: decision.clearance.forbidden.get(route, ""),
        }
        current.add_event(semconv.EVENT_CANDIDATE, about_candidate(candidate_of(decision, route, seen)) | kept)
