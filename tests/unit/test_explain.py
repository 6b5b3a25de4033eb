"""explain_routing without a server around it: what is kept, what is told, what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import anyio
import pytest

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.estimate import Estimate
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Carrier,
    Conditions,
    Failure,
    FailureKind,
    Health,
    OperationClass,
    Outcome,
    RouteCondition,
    RouteName,
)
from bedrock_support.routing.router import IntelligentRouter
from bedrock_support.server.explain import RoutingLook
from bedrock_support.server.house import House
from bedrock_support.server.ledger import DecisionLedger
from bedrock_support.server.settings import load
from bedrock_support.server.wiring import build
from bedrock_support.tools.base import InputError, ToolContext
from bedrock_support.tools.explain import ExplainInput, RoutingExplanation, explain_routing, explanation
from tests.fakes import CountingEntropy, FakeCaller, FakeClock, clearance, operation, reply
from tests.promises import promise

ROUTER = IntelligentRouter(shipped())


def expected(usd: float | None, *, utility: float = 0.9, samples: float = 12.0) -> Estimate:
    return Estimate(
        p_success=0.9, seconds=1.5, p95_seconds=math.inf, usd=usd, utility=utility, samples=samples, flagged=True
    )


def seen(estimate: Estimate | None = None, *, open_in: float = 0.0, breaker: str = "closed") -> RouteCondition:
    return RouteCondition(health=Health.HEALTHY, samples=7, estimate=estimate, open_in=open_in, breaker=breaker)


def attempt(route: RouteName, usd: float | None, failure: FailureKind | None = None) -> Attempt:
    return Attempt(
        route=route,
        channel=route.value,
        number=1,
        seconds=1.0,
        waited=0.5,
        op_class=OperationClass.STANDARD,
        budget=20.0,
        usd=usd,
        carrier=None if failure else Carrier.BEDROCK,
        failure=Failure(kind=failure, message="it said no") if failure else None,
    )


def kept(
    attempts: tuple[Attempt, ...], op_class: OperationClass = OperationClass.STANDARD, **routes: RouteCondition
) -> Mapping[str, object]:
    """What the ledger keeps of a decision made on these conditions, after a trip through JSON."""
    conditions = Conditions(routes={RouteName(name): each for name, each in routes.items()})
    decision = ROUTER.decide(clearance(operation(op_class)), conditions, decision_id="d-1")
    ledger = DecisionLedger()
    outcome = Outcome(operation=decision.operation, decision=decision, attempts=attempts, reply=reply())
    ledger.add(outcome, ROUTER.explain(decision), 0.0)
    loaded: Mapping[str, object] = json.loads(json.dumps(ledger.find("d-1"), allow_nan=False))
    return loaded


@promise("explain:kept", "explain:past", "explain:other")
def test_a_past_decision_is_explained_from_what_was_kept() -> None:
    tries = (attempt(RouteName.MCP, 0.0, FailureKind.TIMEOUT), attempt(RouteName.DIRECT, 0.0125))
    told = explanation(
        kept(tries, direct=seen(expected(0.01)), mcp=seen(expected(0.0, utility=0.95))), hypothetical=False
    )
    assert (told.decision_id, told.hypothetical, told.at) == ("d-1", False, "1970-01-01T00:00:00.000Z")
    assert (told.row, told.plan, told.chosen, told.answered_by) == ("mcp-first", ["mcp", "direct"], "mcp", "direct")
    assert (told.ended, told.cost_usd) == ("answered", 0.0125)
    mcp, direct = told.candidates
    assert (mcp.route, mcp.feasible, mcp.health, mcp.samples, mcp.breaker) == ("mcp", True, "healthy", 7, "closed")
    assert direct.expected is not None
    assert (direct.expected.usd, direct.expected.samples, direct.expected.flagged) == (0.01, 12.0, True)
    assert direct.expected.p95_seconds is None
    assert [(each.waited_seconds, each.channel, each.hedge) for each in told.attempts[:1]] == [(0.5, "mcp", False)]
    (other,) = told.other_would_have
    assert (other.route, other.usd, other.seconds, other.p_success) == ("mcp", 0.0, 1.5, 0.9)
    for words in ("Decision d-1", "row mcp-first", "timeout: it said no", "0.0125 USD in all", "Instead, mcp was"):
        assert words in told.text
    assert told.limits == []


@promise("explain:kept")
@pytest.mark.parametrize(("costs", "total"), [((0.001, None), None), ((0.001, 0.002), 0.003), ((), 0.0)])
def test_a_cost_is_unknown_when_any_part_of_it_is(costs: tuple[float | None, ...], total: float | None) -> None:
    entry = kept(tuple(attempt(RouteName.DIRECT, each) for each in costs), direct=seen(), mcp=seen())
    assert entry["usd"] == total
    assert ("cost unknown in all" in explanation(entry, hypothetical=False).text) == (total is None)


@promise("explain:kept", "explain:other")
def test_what_is_not_known_is_said_and_not_made_up() -> None:
    told = explanation(
        kept((), direct=seen(expected(None, samples=0.0), open_in=math.inf, breaker="forced_open"), mcp=seen()),
        hypothetical=False,
    )
    direct = next(each for each in told.candidates if each.route == "direct")
    assert (direct.breaker, direct.open_in_s) == ("forced_open", None)
    assert "opened by hand only" in told.text
    assert "cost unknown, worth" in told.text
    assert "(a guess, unusual just now)" in told.text
    assert any("direct is a guess" in each for each in told.limits)
    assert any("mcp would take can't be said" in each for each in told.limits)


@promise("explain:past")
def test_each_route_left_out_says_why() -> None:
    emergency = explanation(kept((), OperationClass.EMERGENCY, direct=seen(), mcp=seen()), hypothetical=False)
    assert [(each.route, each.feasible) for each in emergency.candidates] == [("direct", True), ("mcp", False)]
    assert emergency.candidates[1].why_not == "row emergency-direct-only does not lead to it"
    bare = RouteCondition(health=Health.UNCONFIGURED, note="give it credentials")
    told = explanation(kept((), direct=bare, mcp=seen(open_in=2.0)), hypothetical=False)
    assert told.candidates[1].why_not == "give it credentials"
    assert "lets nothing pass for 2.0 s" in told.text


def house(**env: str) -> House:
    return build(load(env), clock=FakeClock(), entropy=CountingEntropy())


async def asked(look: RoutingLook, **arguments: object) -> RoutingExplanation:
    """The tool's own run. It uses nothing of the context but what the type asks for."""
    clock = SystemClock()

    async def never(*_: object) -> None:
        raise AssertionError("explaining asks nobody")

    context = ToolContext(
        call_id=SystemEntropy().token(),
        roots=(),
        clock=clock,
        op_class=OperationClass.STANDARD,
        rule=shipped().rules[OperationClass.STANDARD],
        started=clock.now(),
        deadline=clock.now() + 30.0,
        workers=anyio.CapacityLimiter(2),
        progress=never,  # pyright: ignore[reportArgumentType] - nothing takes so long
        judge=never,  # pyright: ignore[reportArgumentType] - never answers
    )
    return await explain_routing(look).run(context, ExplainInput.model_validate(arguments))


@promise("explain:hypothetical", "explain:other")
@pytest.mark.parametrize("op_class", list(OperationClass))
async def test_a_hypothetical_decision_is_the_routers_and_leaves_no_trace(op_class: OperationClass) -> None:
    made = house()
    look = RoutingLook(manager=made.manager)
    told = await asked(look, operation_class=op_class, size_chars=8000)
    again = await look.hypothetical(op_class, 8000, None, FakeCaller(sampling=True))
    assert told.hypothetical
    assert told.decision_id is None
    assert told.chosen == told.plan[0]
    assert (told.attempts, told.ended, told.cost_usd) == ([], None, None)
    assert told.row == again["row"]
    mcp = next(each for each in told.candidates if each.route == "mcp")
    assert (mcp.health, mcp.note, mcp.expected) == ("unknown", "asked without a client", None)
    assert any("asked without a client" in each for each in told.limits)
    known = explanation(again, hypothetical=True)
    assert all(each.expected is not None for each in known.candidates)
    assert not any("asked without a client" in each for each in known.limits)
    assert await look.latest() is None
    assert made.manager.running.guards.of("direct").line.busy == 0


@promise("explain:hypothetical")
async def test_what_a_hypothetical_call_costs_and_wins_depends_on_size_and_deadline() -> None:
    look = RoutingLook(manager=house().manager)
    small, large, hasty = [
        next(each for each in told.candidates if each.route == "direct").expected
        for told in (
            await asked(look, operation_class="standard", size_chars=100),
            await asked(look, operation_class="standard", size_chars=100_000),
            await asked(look, operation_class="standard", deadline_s=0.3),
        )
    ]
    assert small is not None
    assert large is not None
    assert hasty is not None
    assert (small.usd or 0.0) < (large.usd or 0.0)
    assert hasty.p_success < small.p_success


@promise("explain:hypothetical")
async def test_an_approval_and_a_closed_gate_are_told() -> None:
    look = RoutingLook(manager=house(BEDROCK_SUPPORT_APPROVE_DIRECT="true").manager)
    assert any("approved" in each for each in (await asked(look, operation_class="standard")).limits)
    assert not any("approved" in each for each in (await asked(look, operation_class="emergency")).limits)
    abroad = RoutingLook(manager=house(BEDROCK_SUPPORT_REGION="us-east-1").manager)
    told = await asked(abroad, operation_class="emergency")
    assert told.plan == []
    assert told.chosen is None
    assert all(each.why_not for each in told.candidates)
    refused = await look.hypothetical(OperationClass.STANDARD, 400_001, None)
    assert "the compliance gate refuses it" in explanation(refused, hypothetical=True).text


@promise("explain:input")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "decision_id = None: neither decision_id nor operation_class"),
        ({"decision_id": "d-9"}, "decision_id = 'd-9': not among the last decisions of this server. Take the id"),
        ({"decision_id": "latest"}, "decision_id = 'latest': no decision was made yet. Call a tool"),
        ({"decision_id": "d-9", "operation_class": "standard"}, "decision_id = 'd-9': operation_class is given too"),
        ({"decision_id": "d-9", "size_chars": 5}, "size_chars = 5: a past decision has its own size. Leave out"),
    ],
)
async def test_a_wish_that_cannot_be_explained_is_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as refused:
        await asked(RoutingLook(manager=house().manager), **arguments)
    assert str(refused.value).startswith(said)
