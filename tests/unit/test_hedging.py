"""Two attempts at once, attempts in a row, and what a call that is given up leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import anyio
import pytest

from bedrock_support.routing.attempts import SEALING, Dispatch
from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.dispatch import MOST_ATTEMPTS, dispatch
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Conditions,
    Decision,
    FailureKind,
    Kind,
    Operation,
    OperationClass,
    Outcome,
    Reply,
    RouteName,
)
from bedrock_support.routing.router import IntelligentRouter
from tests.fakes import FakeRoute, Recorder, clearance, dispatching, operation, reply
from tests.promises import promise

ROUTER = IntelligentRouter(shipped())
CLOCK = SystemClock()
LEFT = 0.6
"""Seconds that each plan has before sealing."""


def decided(op_class: OperationClass = OperationClass.STANDARD, kind: Kind = Kind.READ, left: float = LEFT) -> Decision:
    asked = replace(operation(op_class, deadline=CLOCK.now() + SEALING + left), kind=kind)
    return ROUTER.decide(clearance(asked), Conditions(routes={}), decision_id="d")


def does(
    what: Reply | RouteError | float | Iterator[Reply | RouteError],
) -> Callable[[Operation], Reply | RouteError | float]:
    """A route's behaviour: always the same, or one after the other."""
    return lambda _: next(what) if isinstance(what, Iterator) else what


class Scene:
    """An MCP route that hangs and a direct one that answers, unless the test says otherwise."""

    def __init__(self) -> None:
        self.sink = Recorder()
        self.by: Dispatch = dispatching(CLOCK, self.sink)
        self.mcp = FakeRoute(RouteName.MCP, lambda _: 30.0)
        self.direct = FakeRoute(RouteName.DIRECT, lambda _: reply())

    async def run(self, decision: Decision) -> Outcome:
        outcome = await dispatch(decision, {RouteName.MCP: self.mcp, RouteName.DIRECT: self.direct}, self.by)
        self.check_nothing_left()
        return outcome

    def check_nothing_left(self) -> None:
        for guard in self.by.guards.known().values():
            assert (guard.line.busy, guard.line.waiting) == (0, 0)


def kinds(attempts: tuple[Attempt, ...]) -> list[FailureKind | None]:
    return [each.failure.kind if each.failure else None for each in attempts]


@promise("hedge:late", "hedge:counted")
async def test_a_late_route_is_joined_and_then_cut_off_and_counted() -> None:
    scene = Scene()
    scene.mcp.price = 0.25
    outcome = await scene.run(decided())
    assert outcome.reply is not None
    first, second = outcome.attempts
    assert (first.route, second.route, second.hedge) == (RouteName.MCP, RouteName.DIRECT, True)
    assert kinds(outcome.attempts) == [FailureKind.CANCELLED, None]
    assert first.usd == 0.25
    assert 0.2 < first.seconds < LEFT
    assert {each.number for each in scene.sink.attempts} == {1, 2}


@promise("hedge:late")
async def test_the_first_route_may_still_win() -> None:
    joined = anyio.Event()

    class Answers(FakeRoute):
        async def send(self, operation: Operation) -> Reply:
            await joined.wait()
            return reply()

    def join(_: Operation) -> float:
        joined.set()
        return 30.0

    scene = Scene()
    scene.mcp = Answers(RouteName.MCP, lambda _: reply())
    scene.direct.behave = join
    outcome = await scene.run(decided(left=2.0))
    assert outcome.reply is not None
    assert kinds(outcome.attempts) == [None, FailureKind.CANCELLED]


@promise("hedge:budget")
async def test_without_budget_the_second_comes_after_the_first() -> None:
    scene = Scene()
    while scene.by.hedges.take():
        pass
    scene.by.hedges.tokens = 0.0
    outcome = await scene.run(decided())
    assert outcome.reply is not None
    assert kinds(outcome.attempts) == [FailureKind.TIMEOUT, None]
    assert not any(each.hedge for each in outcome.attempts)


@promise("hedge:never-acts")
@pytest.mark.parametrize("case", ["act", "class", "handoff"])
async def test_what_is_never_hedged(case: str) -> None:
    scene = Scene()
    if case == "handoff":
        scene.direct.hedgeable = False
    op_class = OperationClass.BACKGROUND if case == "class" else OperationClass.STANDARD
    outcome = await scene.run(decided(op_class, Kind.ACT if case == "act" else Kind.READ))
    assert not any(each.hedge for each in outcome.attempts)
    if case == "act":
        assert scene.direct.sent == []


@promise("retry:again")
async def test_a_passing_failure_is_tried_again_and_answered() -> None:
    scene = Scene()
    left: Iterator[Reply | RouteError] = iter(
        [RouteError(FailureKind.UNAVAILABLE, "503"), RouteError(FailureKind.CONNECTION, "cut"), reply()]
    )
    scene.direct.behave = does(left)
    outcome = await scene.run(decided(OperationClass.EMERGENCY))
    assert outcome.reply is not None
    assert kinds(outcome.attempts) == [FailureKind.UNAVAILABLE, FailureKind.CONNECTION, None]
    assert {each.route for each in outcome.attempts} == {RouteName.DIRECT}


@promise("retry:again")
async def test_there_is_an_end_to_trying() -> None:
    scene = Scene()
    scene.direct.behave = does(RouteError(FailureKind.UNAVAILABLE, "503"))
    outcome = await scene.run(decided(OperationClass.EMERGENCY))
    assert outcome.failure is not None
    assert len(scene.direct.sent) <= MOST_ATTEMPTS
    lasting = Scene()
    lasting.direct.behave = does(RouteError(FailureKind.ACCESS_DENIED, "no"))
    outcome = await lasting.run(decided(OperationClass.EMERGENCY))
    assert len(lasting.direct.sent) == 1


@promise("retry:budget")
async def test_nothing_is_retried_when_most_calls_fail() -> None:
    scene = Scene()
    scene.direct.behave = does(RouteError(FailureKind.THROTTLED, "429"))
    for _ in range(6):
        await scene.run(decided(OperationClass.EMERGENCY))
    before = len(scene.direct.sent)
    await scene.run(decided(OperationClass.EMERGENCY))
    assert len(scene.direct.sent) == before + 1


@promise("attempt:cut-off")
async def test_a_call_that_is_given_up_leaves_nothing_behind() -> None:
    scene = Scene()
    scene.direct.behave = does(30.0)
    with anyio.move_on_after(0.45):  # while both run
        await scene.run(decided())
    scene.check_nothing_left()
    assert kinds(tuple(scene.sink.attempts)) == [FailureKind.CANCELLED, FailureKind.CANCELLED]
    assert {guard.breaker.state.value for guard in scene.by.guards.known().values()} == {"closed"}


@promise("attempt:cut-off")
async def test_an_approval_that_is_refused_takes_no_place() -> None:
    scene = Scene()
    scene.mcp.forbids = RouteError(FailureKind.NOT_APPROVED, "no")
    outcome = await scene.run(decided())
    assert outcome.reply is not None
    assert scene.mcp.sent == []
    assert scene.by.guards.of("mcp").line.busy == 0
