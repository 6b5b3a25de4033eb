"""Running a plan: order, deadline, fall-over, and who is told when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest

from bedrock_support.routing.attempts import SEALING, Ended, Runner
from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.dispatch import MOST_ATTEMPTS, dispatch
from bedrock_support.routing.errors import FAILURES, RouteError
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Conditions,
    Decision,
    FailureKind,
    Handoff,
    Kind,
    Operation,
    OperationClass,
    Outcome,
    Priority,
    Refusal,
    Reply,
    RouteName,
)
from bedrock_support.routing.router import IntelligentRouter
from tests.fakes import FakeClock, FakeRoute, Recorder, clearance, dispatching, operation, reply
from tests.promises import promise

ROUTER = IntelligentRouter(shipped())
Behaviour = Callable[[Operation], Reply | Handoff | RouteError | float]


def decided(of: Operation) -> Decision:
    return ROUTER.decide(clearance(of), Conditions(routes={}), decision_id="d")


def routes(mcp: Behaviour, direct: Behaviour) -> dict[RouteName, FakeRoute]:
    return {
        RouteName.MCP: FakeRoute(RouteName.MCP, mcp),
        RouteName.DIRECT: FakeRoute(RouteName.DIRECT, direct),
    }


def throttled(_: Operation) -> RouteError:
    return RouteError(FailureKind.THROTTLED, "slow down", retry_after=2.0)


@promise("dispatch:falls-over", "dispatch:health-first")
async def test_a_failed_route_is_followed_by_the_next_one_after_health_was_told() -> None:
    sink = Recorder()
    known_before: list[int] = []

    def direct(_: Operation) -> Reply:
        known_before.append(len(sink.attempts))
        return reply()

    ways = routes(throttled, direct)
    outcome = await dispatch(decided(operation()), ways, dispatching(FakeClock(), sink))
    assert outcome.reply == reply()
    assert known_before == [1]
    assert [(each.route, each.number) for each in outcome.attempts] == [(RouteName.MCP, 1), (RouteName.DIRECT, 2)]
    assert outcome.attempts[0].failure is not None
    assert outcome.attempts[0].failure.retry_after == 2.0
    assert sink.attempts == list(outcome.attempts)


@promise("dispatch:falls-over")
async def test_when_every_route_failed_the_last_failure_is_the_outcome() -> None:
    ways = routes(throttled, lambda _: RouteError(FailureKind.STREAM_CUT, "cut"))
    outcome = await dispatch(decided(operation()), ways, dispatching(FakeClock(), Recorder()))
    assert outcome.failure is not None
    assert outcome.failure == outcome.attempts[-1].failure
    assert len(outcome.attempts) == MOST_ATTEMPTS


@promise("dispatch:act-once")
async def test_an_act_is_never_sent_elsewhere() -> None:
    ways = routes(throttled, lambda _: reply())
    act = replace(operation(), kind=Kind.ACT)
    outcome = await dispatch(decided(act), ways, dispatching(FakeClock(), Recorder()))
    assert outcome.failure is not None
    assert ways[RouteName.DIRECT].sent == []


@promise("dispatch:callers-fault-stops")
@pytest.mark.parametrize("kind", [kind for kind, means in FAILURES.items() if not means.fall_over])
async def test_a_callers_fault_ends_the_plan(kind: FailureKind) -> None:
    ways = routes(lambda _: RouteError(kind, "no"), lambda _: reply())
    outcome = await dispatch(decided(operation()), ways, dispatching(FakeClock(), Recorder()))
    assert outcome.failure is not None
    assert ways[RouteName.DIRECT].sent == []


@promise("dispatch:one-deadline")
async def test_no_attempt_starts_after_the_deadline() -> None:
    clock = FakeClock()
    ways = routes(lambda _: reply(), lambda _: reply())
    outcome = await dispatch(decided(operation(deadline=clock.now() + SEALING)), ways, dispatching(clock, Recorder()))
    assert outcome.attempts == ()
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TIMEOUT


@promise("dispatch:one-deadline")
async def test_a_route_that_hangs_is_cut_off_in_time_for_the_next() -> None:
    clock = SystemClock()
    ways = routes(lambda _: 30.0, lambda _: reply())
    plan = replace(decided(operation(deadline=clock.now() + SEALING + 0.2)), hedge=False)
    outcome = await dispatch(plan, ways, dispatching(clock, Recorder()))
    assert outcome.reply is not None
    first, second = outcome.attempts
    assert first.failure is not None
    assert first.failure.kind is FailureKind.TIMEOUT
    assert second.route is RouteName.DIRECT


async def test_an_empty_plan_says_why_and_how_to_mend_it() -> None:
    decision = replace(decided(operation()), plan=(), reasons=("row x", "direct left out: no credentials"))
    outcome = await dispatch(decision, {}, dispatching(FakeClock(), Recorder()))
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.UNCONFIGURED
    assert "no credentials" in outcome.failure.message


@promise("outcome:exactly-one")
def test_an_outcome_has_exactly_one_end() -> None:
    of = operation()
    Outcome(operation=of, reply=reply())
    Outcome(operation=of, refusal=Refusal(operation=of, reason="r", mend="m"))
    with pytest.raises(ValueError, match="exactly one"):
        Outcome(operation=of)
    with pytest.raises(ValueError, match="exactly one"):
        Outcome(operation=of, reply=reply(), handoff=Handoff(id="h", expires_at=1.0))


@promise("errors:every-kind")
def test_every_kind_of_failure_has_a_meaning() -> None:
    assert FAILURES.keys() == set(FailureKind)
    assert all(not (means.overload and means.hurts_health) for means in FAILURES.values())


def test_attempts_are_values() -> None:
    attempt = Attempt(route=RouteName.MCP, number=1, seconds=1.0, op_class=operation().op_class, budget=2.0)
    assert attempt == replace(attempt)


@promise("line:preempt")
async def test_a_critical_question_gives_way_to_an_emergency_once() -> None:
    """One place, held by a critical question that hangs; each emergency wants it."""
    clock = SystemClock()
    by = dispatching(clock, Recorder(), capacity=1)
    line = by.guards.of(RouteName.DIRECT.value).line
    asked = operation(OperationClass.INFRASTRUCTURE, deadline=clock.now() + 30)
    decision = replace(decided(asked), plan=(RouteName.DIRECT,), hedge=False)
    assert decision.priority is Priority.CRITICAL
    ways = routes(lambda _: 60.0, lambda _: 60.0)
    for number, gives_way in ((1, True), (2, False)):
        runner = Runner(by, decision, ways[RouteName.DIRECT], number, hedge=False, expected=None)
        ended: list[Ended] = []

        async def run(runner: Runner, ended: list[Ended]) -> None:
            ended.append(await runner.run(20.0))

        async with anyio.create_task_group() as group:
            group.start_soon(run, runner, ended)
            await anyio.wait_all_tasks_blocked()
            assert line.busy == 1
            with anyio.move_on_after(0.2) as waited:
                line.leave(await line.enter(Priority.EMERGENCY))
            assert waited.cancelled_caught is not gives_way
            group.cancel_scope.cancel()
        kinds = [each.attempt.failure.kind for each in ended if each.attempt.failure is not None]
        assert kinds == ([FailureKind.PREEMPTED] if gives_way else [])
    assert (line.busy, line.waiting) == (0, 0)
