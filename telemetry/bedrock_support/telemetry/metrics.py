"""Metrics from the frozen values themselves: attempts, decisions and outcomes, never from spans, which may be sampled.

Attributes are few and take few values: a route, a class, an error's kind; never an id.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.metrics import Meter, get_meter

from bedrock_support.routing import semconv
from bedrock_support.routing.breaker import BreakerState
from bedrock_support.routing.model import Attempt, Carrier, Decision, FailureKind, Health, Outcome, RouteName

HEALTH_VALUE: Mapping[Health, float] = {Health.HEALTHY: 1.0, Health.DEGRADED: 0.5, Health.UNHEALTHY: 0.0}
"""What support.route.health says; a state that isn't here is not reported at all."""
BREAKER_VALUE: Mapping[BreakerState, int] = {
    BreakerState.CLOSED: 0,
    BreakerState.HALF_OPEN: 1,
    BreakerState.OPEN: 2,
    BreakerState.FORCED_OPEN: 2,
}
OBSERVE_EVERY = 10.0
"""Seconds between two looks at what changes without an attempt, as a breaker does."""


def meter() -> Meter:
    """The process's meter under our name."""
    return get_meter(semconv.TRACER, schema_url=semconv.SCHEMA_URL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One route as it stands now, all of its channels taken together."""

    route: RouteName
    health: Health
    breaker: BreakerState
    """The worst of its channels' breakers."""
    limit: float
    """Places that its channels give in all."""
    inflight: int
    retry_tokens: float


class RouteMetrics:
    """An AttemptSink that is told of decisions and outcomes too. Called on the loop; blocks never, raises never."""

    def __init__(self, by: Meter) -> None:
        self._chat = by.create_histogram(
            semconv.METRIC_CHAT_DURATION, "s", "Duration of a question to a model", **_buckets(semconv.GENAI_SECONDS)
        )
        self._tokens = by.create_histogram(
            semconv.METRIC_TOKENS, "{token}", "Tokens read and written", **_buckets(semconv.TOKEN_COUNTS)
        )
        self._served = by.create_histogram(
            semconv.METRIC_MCP_SERVER, "s", "Duration of an MCP request", **_buckets(semconv.MCP_SECONDS)
        )
        self._decisions = by.create_counter(semconv.METRIC_DECISIONS, "{decision}", "Decisions by first route")
        self._decide = by.create_histogram(
            semconv.METRIC_DECIDE, "s", "Time that a decision took", **_buckets(semconv.DECIDE_SECONDS)
        )
        self._attempt = by.create_histogram(
            semconv.METRIC_ATTEMPT, "s", "Duration of an attempt on a route", **_buckets(semconv.GENAI_SECONDS)
        )
        self._missed = by.create_counter(semconv.METRIC_MISSED, "{attempt}", "Attempts that ran out of time")
        self._regret = by.create_histogram(
            semconv.METRIC_REGRET, "1", "Utility given up, as expected when deciding", **_buckets(semconv.REGRETS)
        )
        self._cost = by.create_counter(semconv.METRIC_COST, "{USD}", "Cost of attempts, where prices are known")
        self._hedges = by.create_counter(semconv.METRIC_HEDGES, "{attempt}", "Attempts started beside another")
        self._retries = by.create_counter(semconv.METRIC_RETRIES, "{attempt}", "Routes asked once more")
        self._shed = by.create_counter(semconv.METRIC_SHED, "{attempt}", "Attempts never sent, for want of a place")
        self._health = by.create_gauge(semconv.METRIC_HEALTH, "1", "1 healthy, 0.5 degraded, 0 unhealthy")
        self._breaker = by.create_gauge(semconv.METRIC_BREAKER, "1", "0 closed, 1 half-open, 2 open")
        self._limit = by.create_gauge(semconv.METRIC_LIMIT, "{call}", "Calls that a route may have at once")
        self._inflight = by.create_up_down_counter(semconv.METRIC_INFLIGHT, "{call}", "Calls under way")
        self._left = by.create_gauge(semconv.METRIC_TOKENS_LEFT, "{token}", "Tokens left in the retry budget")
        self._busy: Count[RouteName] = Count()

    def record(self, attempt: Attempt) -> None:
        """Count one attempt. Dispatch calls this before it starts the next."""
        about = {semconv.ROUTE: attempt.route.value, semconv.OP_CLASS: attempt.op_class.value}
        failure = attempt.failure
        named = about if failure is None else {**about, semconv.ERROR_TYPE: failure.kind.value}
        if attempt.hedge:
            self._hedges.add(1, about)
        if attempt.usd:
            self._cost.add(attempt.usd, about)
        if failure is not None and failure.kind is FailureKind.SHED:
            self._shed.add(1, about)
        if failure is not None and failure.kind is FailureKind.TIMEOUT:
            self._missed.add(1, about)
        if not attempt.seconds:  # never sent: it has no duration
            return
        self._attempt.record(attempt.seconds, named)
        if attempt.route is RouteName.DIRECT:
            self._asked(attempt)

    def decided(self, decision: Decision, seconds: float) -> None:
        """Count one decision, which took `seconds`."""
        first = decision.plan[0].value if decision.plan else "none"
        self._decisions.add(1, {semconv.DECISION: first, semconv.OP_CLASS: decision.operation.op_class.value})
        self._decide.record(seconds)
        if (lost := expected_regret(decision)) is not None:
            self._regret.record(lost, {semconv.OP_CLASS: decision.operation.op_class.value})

    def ended(self, outcome: Outcome) -> None:
        """Count what only the whole of a call shows: routes that were asked again."""
        tried: set[RouteName] = set()
        for attempt in sorted(outcome.attempts, key=lambda each: each.number):
            if attempt.route in tried:
                self._retries.add(1, {semconv.ROUTE: attempt.route.value, semconv.OP_CLASS: attempt.op_class.value})
            tried.add(attempt.route)

    def served(self, method: str, tool: str, seconds: float, error_type: str = "") -> None:
        """Count one inbound MCP request. `tool` is one of ours, or empty."""
        about = {semconv.MCP_METHOD: method}
        if tool:
            about |= {semconv.TOOL_NAME: tool, semconv.OPERATION_NAME: semconv.EXECUTE_TOOL}
        if error_type:
            about[semconv.ERROR_TYPE] = error_type
        self._served.record(seconds, about)

    def observe(self, routes: Sequence[Standing]) -> None:
        """Take in how the routes stand now. What isn't known is not reported."""
        for each in routes:
            about = {semconv.ROUTE: each.route.value}
            if (value := HEALTH_VALUE.get(each.health)) is not None:
                self._health.set(value, about)
            self._breaker.set(BREAKER_VALUE[each.breaker], about)
            self._limit.set(each.limit, about)
            self._left.set(each.retry_tokens, about)
            self._inflight.add(each.inflight - self._busy[each.route], about)
            self._busy[each.route] = each.inflight

    def _asked(self, attempt: Attempt) -> None:
        about = {semconv.OPERATION_NAME: "chat", semconv.PROVIDER_NAME: "aws.bedrock"}
        if attempt.carrier is Carrier.BEDROCK and attempt.model:
            about[semconv.REQUEST_MODEL] = attempt.model
        failure = attempt.failure
        timed = about if failure is None else {**about, semconv.ERROR_TYPE: failure.kind.value}
        self._chat.record(attempt.seconds, timed)
        if (usage := attempt.usage) is not None and not usage.estimated:
            # The convention counts cached tokens as input; Bedrock does not.
            read = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
            self._tokens.record(read, {**about, semconv.INPUT_OR_OUTPUT: "input"})
            self._tokens.record(usage.output_tokens, {**about, semconv.INPUT_OR_OUTPUT: "output"})


def expected_regret(decision: Decision) -> float | None:
    """Utility that the best route of the plan was expected to bring beyond the first; None unless all are estimated."""
    estimates = [decision.conditions.routes[route].estimate for route in decision.plan]
    known = [each.utility for each in estimates if each is not None]
    if not known or len(known) < len(estimates):
        return None
    return max(0.0, max(known) - known[0])


def _buckets(bounds: Sequence[float]) -> dict[str, Sequence[float]]:
    return {"explicit_bucket_boundaries_advisory": bounds}
