"""What stands between a decision and its dispatch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import (
    Attempt,
    Conditions,
    Decision,
    Failure,
    FailureKind,
    Flags,
    Kind,
    ModelRole,
    OperationClass,
    Outcome,
    Reply,
    RouteName,
)
from bedrock_support.routing.optimizer import PerformanceOptimizer
from bedrock_support.routing.optimizing.answers import Answers
from bedrock_support.routing.optimizing.budget import Budget, Budgets
from bedrock_support.routing.optimizing.flight import Flights
from bedrock_support.routing.optimizing.memory import MemoryStore
from bedrock_support.routing.optimizing.port import AnyStore
from bedrock_support.routing.optimizing.spending import Spending, total
from bedrock_support.routing.optimizing.store import Store
from bedrock_support.routing.router import IntelligentRouter
from tests.direct_rig import until
from tests.fakes import FakeClock, clearance, operation, reply
from tests.promises import promise

STANDARD = OperationClass.STANDARD
FRESH = shipped().rules[STANDARD].cache_seconds
STALE = shipped().rules[STANDARD].stale_seconds


def decided(brief: str = "why?", op_class: OperationClass = STANDARD, **changes: object) -> Decision:
    asked = replace(operation(op_class), brief=brief, **changes)  # pyright: ignore[reportArgumentType]
    return IntelligentRouter(shipped()).decide(clearance(asked), Conditions(routes={}), decision_id="d")


class Scene:
    """An optimizer and a model that is asked through it."""

    def __init__(self, *budgets: Budget, store: AnyStore | None = None, tenant: str = "t", owner: str = "me") -> None:
        self.clock = FakeClock()
        self.store = store or MemoryStore(self.clock)
        threads = anyio.CapacityLimiter(4)
        money = MemoryStore(self.clock)
        self.budgets = Budgets(money, budgets, self.clock) if budgets else None
        self.spending = Spending(money, self.clock)
        self.asked: list[Decision] = []
        self.answer: Callable[[Decision], Reply | Failure] = lambda _: reply()
        self.usd: float | None = 0.01
        self.gate: anyio.Event | None = None
        self.optimizer = PerformanceOptimizer(
            answers=Answers(self.store, self.clock),
            flights=Flights(self.store, owner, threads),
            budgets=self.budgets,
            spending=self.spending,
            matrix=shipped(),
            clock=self.clock,
            worst_usd=lambda _: 0.02,
            would_cost=lambda _: 0.01,
            threads=threads,
            version="1",
            tenant=tenant,
        )

    async def ask(self, decision: Decision) -> Outcome:
        self.asked.append(decision)
        if self.gate is not None:
            await self.gate.wait()
        what = self.answer(decision)
        failure = what if isinstance(what, Failure) else None
        tried = Attempt(
            route=RouteName.DIRECT,
            number=1,
            seconds=1.0,
            op_class=decision.operation.op_class,
            budget=5.0,
            model="m",
            failure=failure,
            usd=self.usd,
        )
        answer = what if isinstance(what, Reply) else None
        return Outcome(
            operation=decision.operation, decision=decision, attempts=(tried,), reply=answer, failure=failure
        )

    async def run(self, decision: Decision | None = None) -> Outcome:
        return await self.optimizer.run(decision or decided(), self.ask)


@promise("cache:ttl")
async def test_an_answer_is_given_again_while_it_is_fresh() -> None:
    scene = Scene()
    first = await scene.run()
    assert first.cached is None
    scene.clock.time += FRESH - 1
    again = await scene.run()
    assert len(scene.asked) == 1
    assert again.cached is not None
    assert (again.cached.age, again.cached.stale, again.cached.saved_usd) == (FRESH - 1, False, 0.01)
    assert again.reply == first.reply
    scene.clock.time += 2
    assert (await scene.run()).cached is None
    assert len(scene.asked) == 2


@promise("cache:ttl")
async def test_a_stale_answer_is_given_when_asking_anew_fails_and_says_so() -> None:
    scene = Scene()
    await scene.run()
    scene.clock.time += FRESH + 1
    scene.answer = lambda _: Failure(kind=FailureKind.UNAVAILABLE, message="503")
    found = await scene.run()
    assert found.cached is not None
    assert found.cached.stale
    scene.clock.time += STALE
    assert (await scene.run()).failure is not None


@promise("cache:ttl")
async def test_a_stale_answer_is_given_while_another_call_asks_anew() -> None:
    scene = Scene()
    await scene.run()
    scene.clock.time += FRESH + 1
    scene.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(scene.run)
        await until(lambda: len(scene.asked) == 2)
        found = await scene.run()
        assert found.cached is not None
        assert found.cached.stale
        scene.gate.set()
    assert len(scene.asked) == 2


@promise("cache:negative")
@pytest.mark.parametrize(
    "answer",
    [
        Failure(kind=FailureKind.UNAVAILABLE, message="503"),
        replace(reply(), stop_reason="max_tokens"),
        replace(reply(), text="no JSON"),
        replace(reply(), text='{"other": 1}'),
    ],
)
async def test_what_is_no_whole_answer_is_not_kept(answer: Reply | Failure) -> None:
    scene = Scene()
    scene.answer = lambda _: answer
    asked = decided(answer_schema={"required": ["summary"]}, model_role=ModelRole.DEEP)
    for _ in range(2):
        assert (await scene.run(asked)).cached is None
    assert len(scene.asked) == 2


@pytest.mark.parametrize(
    "decision",
    [
        pytest.param(decided(op_class=OperationClass.EMERGENCY), id="emergency"),
        pytest.param(decided(kind=Kind.ACT), id="act"),
        pytest.param(
            replace(decided(), conditions=Conditions(routes={}, flags=Flags(optimization=False))), id="switched off"
        ),
    ],
)
@promise("cache:ttl")
async def test_what_is_never_cached(decision: Decision) -> None:
    scene = Scene()
    for _ in range(2):
        assert (await scene.run(decision)).cached is None


@promise("cache:private")
async def test_tenants_do_not_share() -> None:
    store = MemoryStore(FakeClock())
    one, other = Scene(store=store, tenant="one"), Scene(store=store, tenant="other")
    await one.run()
    assert (await other.run()).cached is None


@promise("cache:single-flight")
async def test_all_who_ask_at_once_wait_for_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scenes = [Scene(store=store, owner=name) for name in ("one", "other")]  # as two processes would
    gate = anyio.Event()
    found: list[Outcome] = []

    async def call(scene: Scene) -> None:
        found.append(await scene.run())

    async with anyio.create_task_group() as group:
        for scene in scenes:
            scene.gate = gate
            for _ in range(16):
                group.start_soon(call, scene)
        await anyio.sleep(0.2)
        gate.set()
    assert sum(len(scene.asked) for scene in scenes) == 1
    assert sum(each.cached is not None for each in found) == 31
    store.close()


@promise("cache:single-flight")
async def test_a_leader_that_is_given_up_is_followed_by_another() -> None:
    scene = Scene()
    scene.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def given_up() -> None:
            with scope:
                await scene.run()

        group.start_soon(given_up)
        await until(lambda: len(scene.asked) == 1)
        group.start_soon(scene.run)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        await until(lambda: len(scene.asked) == 2)
        scene.gate.set()


@promise("budget:no-overshoot", "spending:sums")
async def test_a_call_is_paid_from_its_budget_and_counted() -> None:
    scene = Scene(Budget(usd=1.0))
    await scene.run()
    await scene.run()
    assert scene.budgets is not None
    (account,) = scene.budgets.accounts("t")
    assert (account.spent, account.held) == (0.01, 0.0)
    today = datetime.fromtimestamp(scene.clock.wall(), UTC).date()
    sums = total(scene.spending.lines("t", today, today))
    assert (sums.calls, sums.usd, sums.saved_usd, sums.unknown) == (2, 0.01, 0.01, 0)


@promise("spending:sums", "budget:unknown")
async def test_a_failed_attempt_and_an_unknown_cost_are_counted_as_such() -> None:
    scene = Scene(Budget(usd=1.0))
    scene.answer = lambda _: Failure(kind=FailureKind.TIMEOUT, message="late")
    await scene.run()
    scene.usd = None
    await scene.run()
    assert scene.budgets is not None
    assert scene.budgets.accounts("t")[0].spent == pytest.approx(0.03)
    today = datetime.fromtimestamp(scene.clock.wall(), UTC).date()
    sums = total(scene.spending.lines("t", today, today))
    assert (sums.failed_usd, sums.unknown) == (0.01, 1)


@promise("budget:steps")
async def test_a_spent_budget_refuses_with_a_mend_and_not_an_emergency() -> None:
    scene = Scene(Budget(usd=0.02))
    await scene.run(decided("one"))
    only_direct = replace(decided("two"), plan=(RouteName.DIRECT,))
    refused = await scene.run(only_direct)
    assert refused.failure is not None
    assert refused.failure.kind is FailureKind.QUOTA
    assert "BEDROCK_SUPPORT_BUDGETS" in refused.failure.mend
    assert (await scene.run(decided(op_class=OperationClass.EMERGENCY))).failure is not None, "the reserve is 0.002"
    rich = Scene(Budget(usd=0.02, reserve=1.0))
    await rich.run(decided("one"))
    assert (await rich.run(decided(op_class=OperationClass.EMERGENCY))).reply is not None


@promise("budget:no-overshoot")
async def test_a_cancelled_call_is_settled_in_full() -> None:
    scene = Scene(Budget(usd=1.0))
    scene.gate = anyio.Event()
    with anyio.move_on_after(0.05):
        await scene.run()
    assert scene.budgets is not None
    (account,) = scene.budgets.accounts("t")
    assert (account.spent, account.held) == (0.02, 0.0)


@promise("cache:ttl")
async def test_an_answer_that_another_process_asked_anew_is_found() -> None:
    clock_of = Scene()
    one = clock_of
    other = Scene(store=one.store)
    other.clock = one.clock
    other.optimizer = replace(other.optimizer, clock=one.clock, answers=Answers(one.store, one.clock))
    await one.run()
    assert (await other.run()).cached is not None
    one.clock.time += FRESH + STALE + 1
    await one.run()
    found = await other.run()
    assert found.cached is not None
    assert found.cached.age == 0
    assert len(other.asked) == 0


@promise("budget:steps", "cache:negative")
async def test_a_smaller_models_answer_is_not_kept_for_the_larger_one() -> None:
    scene = Scene(Budget(usd=1.0))
    assert scene.budgets is not None
    hold = scene.budgets.reserve("spent", "t", STANDARD, 0.8)
    assert hold is not None
    scene.budgets.settle(hold, 0.8)
    asked = decided("why " * 700, model_role=ModelRole.STANDARD)
    await scene.run(asked)
    assert scene.asked[-1].operation.model_role is ModelRole.FAST
    free = Scene(store=scene.store)
    free.optimizer = replace(free.optimizer, clock=scene.clock, answers=Answers(scene.store, scene.clock))
    assert (await free.run(asked)).cached is None
