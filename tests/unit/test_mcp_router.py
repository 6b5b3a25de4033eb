"""Which carrier a question takes, what needs a yes, and how long a handed-over question stays open."""

from __future__ import annotations

import pytest

from bedrock_support.routing.errors import FAILURES, RouteError
from bedrock_support.routing.handoff import CAPACITY, LIFETIME, HandoffDesk
from bedrock_support.routing.mcp_router import Approval, ApprovedRoute, MCPRouter
from bedrock_support.routing.model import Carrier, FailureKind, Handoff, Reply, RouteName
from tests.fakes import CountingEntropy, FakeCaller, FakeClock, FakeRoute, operation, reply
from tests.promises import promise


def desk(clock: FakeClock | None = None) -> HandoffDesk:
    return HandoffDesk(clock or FakeClock(), CountingEntropy())


@promise("mcp-router:carrier")
async def test_the_callers_model_is_asked_where_the_client_can() -> None:
    caller = FakeCaller(sampling=True)
    route = MCPRouter(desk()).route_for(caller)
    answer = await route.send(operation())
    assert isinstance(answer, Reply)
    assert answer.carrier is Carrier.SAMPLING
    assert caller.sampled == [operation()]
    assert "own model" in route.condition().note


@promise("mcp-router:carrier")
async def test_a_client_that_cannot_be_sampled_gets_the_question_handed_over() -> None:
    waiting = desk()
    answer = await MCPRouter(waiting).route_for(FakeCaller()).send(operation())
    assert isinstance(answer, Handoff)
    question = await waiting.find(answer.id)
    assert question is not None
    assert question.brief == operation().brief


@promise("mcp-router:carrier")
async def test_an_approval_needs_elicitation() -> None:
    router = MCPRouter(desk())
    assert await router.ask(FakeCaller(elicitation=True), Approval(message="go?")) is True
    with pytest.raises(RouteError) as refused:
        await router.ask(FakeCaller(sampling=True), Approval(message="go?"))
    assert refused.value.kind is FailureKind.NO_CARRIER


@promise("mcp-router:approval")
@pytest.mark.parametrize(("says", "sent"), [(True, 1), (False, 0)])
async def test_a_route_behind_an_approval_needs_a_yes(says: bool, sent: int) -> None:
    direct = FakeRoute(RouteName.DIRECT, lambda _: reply())
    caller = FakeCaller(elicitation=True, says=says)
    route = ApprovedRoute(direct, MCPRouter(desk()), caller, "send to Bedrock?", FakeClock())
    if says:
        await route.prepare(operation())
        await route.send(operation())
    else:
        with pytest.raises(RouteError) as refused:
            await route.prepare(operation())
        assert refused.value.kind is FailureKind.NOT_APPROVED
    assert caller.elicited == ["send to Bedrock?"]
    assert len(direct.sent) == sent
    assert route.condition() == direct.condition()


@promise("mcp-router:approval-blames-nobody")
@pytest.mark.parametrize("error", [RouteError(FailureKind.TIMEOUT, "late"), RouteError(FailureKind.BAD_REPLY, "odd")])
async def test_an_approval_that_fails_is_not_the_routes_failure(error: RouteError) -> None:
    caller = FakeCaller(elicitation=True, fails=error)
    route = ApprovedRoute(
        FakeRoute(RouteName.DIRECT, lambda _: reply()), MCPRouter(desk()), caller, "send?", FakeClock()
    )
    with pytest.raises(RouteError) as refused:
        await route.prepare(operation())
    assert refused.value.kind is FailureKind.NOT_APPROVED
    assert not FAILURES[refused.value.kind].hurts_health


@promise("mcp-router:approval-blames-nobody")
async def test_a_person_who_never_answers_leaves_time_for_another_route() -> None:
    caller = FakeCaller(elicitation=True, thinks=30.0)
    clock = FakeClock()
    route = ApprovedRoute(FakeRoute(RouteName.DIRECT, lambda _: reply()), MCPRouter(desk()), caller, "send?", clock)
    with pytest.raises(RouteError, match="in time") as refused:
        await route.prepare(operation(deadline=clock.now() + 0.2))
    assert refused.value.kind is FailureKind.NOT_APPROVED


@promise("handoff:once")
async def test_a_question_closes_once_expires_and_is_bounded() -> None:
    clock = FakeClock()
    waiting = desk(clock)
    first = waiting.give(operation())
    await waiting.decided(first.id, "d-1", {"[[EMAIL_1_00000000]]": "a@example.org"})
    await waiting.decided("h-unknown", "d-1", {})
    found = await waiting.find(first.id)
    assert found is not None
    assert (found.decision_id, found.recalled) == ("d-1", False)
    assert await waiting.close(first.id, found)
    assert not await waiting.close(first.id, found)
    assert await waiting.find(first.id) is None
    late = waiting.give(operation())
    clock.time += LIFETIME + 1
    assert await waiting.find(late.id) is None
    ids = [waiting.give(operation()).id for _ in range(CAPACITY + 1)]
    assert await waiting.find(ids[0]) is None
    assert await waiting.find(ids[-1]) is not None
