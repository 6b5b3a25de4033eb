"""Metrics from attempts and decisions, as a reader sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from bedrock_support.routing import semconv
from bedrock_support.routing.breaker import BreakerState
from bedrock_support.routing.dispatch import dispatch
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.estimate import Estimate
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Carrier,
    Conditions,
    Decision,
    Failure,
    FailureKind,
    Health,
    OperationClass,
    RouteCondition,
    RouteName,
    Usage,
)
from bedrock_support.routing.router import IntelligentRouter
from bedrock_support.telemetry.meters import reading
from bedrock_support.telemetry.metrics import RouteMetrics, Standing, expected_regret
from tests.fakes import FakeClock, FakeRoute, clearance, dispatching, operation, reply
from tests.promises import promise


class Read:
    """A RouteMetrics and what a reader reads of it."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self._provider = reading(None, self._reader)
        self.metrics = RouteMetrics(self._provider.get_meter(semconv.TRACER))

    def points(self) -> dict[str, list[Any]]:
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


@pytest.fixture
def read() -> Read:
    """Made outside the loop: the SDK looks for its resource in threads."""
    return Read()


def attempt(**changes: Any) -> Attempt:
    base = Attempt(
        route=RouteName.DIRECT, number=1, seconds=0.5, op_class=OperationClass.STANDARD, budget=8.0, channel="direct"
    )
    return replace(base, **changes)


@promise("telemetry:metrics")
def test_an_answered_attempt_is_counted_with_the_tokens_as_the_convention_counts_them(read: Read) -> None:
    usage = Usage(input_tokens=100, output_tokens=20, cache_read_tokens=30, cache_write_tokens=4)
    read.metrics.record(attempt(carrier=Carrier.BEDROCK, model="m", usage=usage, usd=0.25))
    points = read.points()
    (duration,) = points["gen_ai.client.operation.duration"]
    assert duration.explicit_bounds == semconv.GENAI_SECONDS
    assert duration.explicit_bounds[-1] == pytest.approx(81.92)
    assert (duration.count, duration.sum) == (1, 0.5)
    assert dict(duration.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "m",
    }
    tokens = {each.attributes["gen_ai.token.type"]: each for each in points["gen_ai.client.token.usage"]}
    assert {name: each.sum for name, each in tokens.items()} == {"input": 134, "output": 20}
    assert tokens["input"].explicit_bounds[:3] == (1, 4, 16)
    assert tokens["input"].explicit_bounds[-1] == 67108864
    (cost,) = points["support.cost"]
    assert (cost.value, dict(cost.attributes)) == (
        0.25,
        {"support.route.name": "direct", "support.op_class": "standard"},
    )
    assert "support.route.deadline_missed" not in points


@promise("telemetry:metrics")
def test_failures_hedges_and_what_was_never_sent_are_told_apart(read: Read) -> None:
    read.metrics.record(attempt(failure=Failure(kind=FailureKind.TIMEOUT, message="")))
    read.metrics.record(attempt(hedge=True, failure=Failure(kind=FailureKind.CANCELLED, message="")))
    read.metrics.record(attempt(seconds=0.0, failure=Failure(kind=FailureKind.SHED, message="")))
    points = read.points()
    kinds = {each.attributes["error.type"]: each.count for each in points["support.route.duration"]}
    assert kinds == {"timeout": 1, "cancelled": 1}
    for name in ("support.route.deadline_missed", "support.hedges", "support.shed"):
        assert [each.value for each in points[name]] == [1], name
    assert "gen_ai.client.token.usage" not in points


def estimate(utility: float) -> Estimate:
    return Estimate(p_success=1.0, seconds=1.0, p95_seconds=2.0, usd=None, utility=utility, samples=9.0, flagged=False)


def decided(mcp: float | None, direct: float | None) -> Decision:
    known = {RouteName.MCP: mcp, RouteName.DIRECT: direct}
    routes = {
        name: RouteCondition(health=Health.HEALTHY, estimate=None if value is None else estimate(value))
        for name, value in known.items()
    }
    made = IntelligentRouter(shipped()).decide(clearance(operation()), Conditions(routes=routes), decision_id="d")
    return replace(made, plan=(RouteName.MCP, RouteName.DIRECT))


@promise("telemetry:metrics")
@pytest.mark.parametrize(
    ("mcp", "direct", "lost"), [(0.9, 0.5, 0.0), (0.5, 0.9, 0.4), (None, 0.9, None), (None, None, None)]
)
def test_expected_regret_is_told_only_where_every_route_is_estimated(
    mcp: float | None, direct: float | None, lost: float | None
) -> None:
    assert expected_regret(decided(mcp, direct)) == (None if lost is None else pytest.approx(lost))


@promise("telemetry:metrics")
async def test_a_decision_and_its_outcome_are_counted_from_the_frozen_values(read: Read) -> None:
    decision = decided(0.5, 0.9)
    read.metrics.decided(decision, 3e-5)
    tries = iter([RouteError(FailureKind.UNAVAILABLE, "no"), RouteError(FailureKind.UNAVAILABLE, "no"), reply()])
    ways = {name: FakeRoute(name, lambda _: next(tries)) for name in RouteName}
    clock = FakeClock()
    outcome = await dispatch(decision, ways, dispatching(clock))
    read.metrics.ended(outcome)
    points = read.points()
    (made,) = points["support.route.decisions"]
    assert dict(made.attributes) == {"support.decision": "mcp", "support.op_class": operation().op_class.value}
    (took,) = points["support.route.decide.duration"]
    assert (took.sum, took.explicit_bounds) == (3e-5, semconv.DECIDE_SECONDS)
    (regret,) = points["support.route.expected_regret"]
    assert (regret.sum, regret.explicit_bounds) == (pytest.approx(0.4), semconv.REGRETS)
    assert len(outcome.attempts) == 3, "two routes failed, and one was asked once more"
    assert sum(each.value for each in points["support.retries"]) == 1


@promise("telemetry:metrics")
def test_what_is_unknown_of_a_route_is_not_reported(read: Read) -> None:
    stands = Standing(
        route=RouteName.MCP,
        health=Health.UNKNOWN,
        breaker=BreakerState.FORCED_OPEN,
        limit=8,
        inflight=3,
        retry_tokens=10.0,
    )
    read.metrics.observe([stands])
    read.metrics.observe([replace(stands, inflight=1)])
    points = read.points()
    assert "support.route.health" not in points
    assert [each.value for each in points["support.concurrency.inflight"]] == [1]
    assert [each.value for each in points["support.breaker.state"]] == [2]
    read.metrics.observe([replace(stands, health=Health.DEGRADED)])
    assert [each.value for each in read.points()["support.route.health"]] == [0.5]


@promise("telemetry:metrics")
def test_an_inbound_request_is_counted_by_method_and_tool(read: Read) -> None:
    read.metrics.served("tools/call", "triage_incident", 0.2, "tool_error")
    (one,) = read.points()["mcp.server.operation.duration"]
    assert one.explicit_bounds == semconv.MCP_SECONDS
    assert dict(one.attributes) == {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "triage_incident",
        "error.type": "tool_error",
    }
