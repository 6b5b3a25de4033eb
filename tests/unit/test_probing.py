"""Probes: when they are sent, what they carry, and what they heal."""

from __future__ import annotations

import anyio
import pytest

from bedrock_support.routing import probing
from bedrock_support.routing.breaker import BreakerState
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.model import (
    Failure,
    FailureKind,
    Health,
    Operation,
    Priority,
    Reply,
    RouteCondition,
    RouteName,
)
from bedrock_support.routing.probing import PROBE_BRIEF, Prober
from tests.fakes import CountingEntropy, FakeClock, FakeRoute, Recorder, dispatching, reply
from tests.promises import promise


class Worried(RouteLearner):
    """Always sees trouble."""

    def troubled(self, channel: str) -> bool:
        return channel == "direct"


def scene(clock: FakeClock) -> tuple[Prober, FakeRoute]:
    route = FakeRoute(RouteName.DIRECT, lambda _: reply())
    prober = Prober(
        route=route, running=dispatching(clock, Recorder()), learner=Worried(clock), entropy=CountingEntropy()
    )
    return prober, route


@promise("probe:breaker")
async def test_probes_close_a_breaker_that_is_half_open() -> None:
    clock = FakeClock()
    prober, route = scene(clock)
    guard = prober.running.guards.of("direct")
    for _ in range(5):
        async with guard.entered(Priority.HIGH) as leave:
            leave.failed(Failure(kind=FailureKind.TIMEOUT, message="late"))
    clock.time += 5.0
    assert guard.breaker.state is BreakerState.HALF_OPEN
    for _ in range(3):
        await prober.probe()
    assert guard.breaker.state is BreakerState.CLOSED
    assert {each.brief for each in route.sent} == {PROBE_BRIEF}
    assert {each.system for each in route.sent} == {""}


@promise("probe:idle")
async def test_nothing_is_probed_while_nobody_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PAUSE", 0.005)
    clock = FakeClock()
    prober, route = scene(clock)
    asked = anyio.Event()

    def behave(_: Operation) -> Reply:
        asked.set()
        return reply()

    route.behave = behave
    async with anyio.create_task_group() as group:
        group.start_soon(prober.run)
        await anyio.sleep(0.05)
        assert route.sent == []
        prober.wake()
        with anyio.fail_after(5):
            await asked.wait()
        route.condition = lambda: RouteCondition(health=Health.UNCONFIGURED)  # type: ignore[method-assign]
        await anyio.sleep(0.05)
        sent = len(route.sent)
        prober.wake()
        await anyio.sleep(0.05)
        assert len(route.sent) == sent
        group.cancel_scope.cancel()
