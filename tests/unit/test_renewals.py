"""Answers past their time: given at once where Bedrock can be asked anew behind the caller's back, and marked."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import Operation, OperationClass, Outcome, Reply, RouteName
from bedrock_support.server.renewals import MOST, Nobody, Renewals
from bedrock_support.server.settings import Settings
from bedrock_support.server.wiring import build
from tests.fakes import FakeCaller, FakeClock, FakeRoute, operation, reply
from tests.promises import promise
from tests.unit.test_optimizer import until

KIND = OperationClass.IMPLEMENTATION
FRESH = shipped().rules[KIND].cache_seconds
BRIEF = "why did anna.schmidt@example.org get no mail?"


class Scene:
    """A wired server on a clock of ours, with a direct route that counts its answers."""

    def __init__(self, **settings: bool) -> None:
        self.clock = FakeClock()
        self.answers = 0
        self.route = FakeRoute(RouteName.DIRECT, self.answer)
        manager = build(Settings(**settings), clock=self.clock).manager  # pyright: ignore[reportArgumentType]
        self.manager = replace(manager, direct=self.route)  # pyright: ignore[reportArgumentType]

    def answer(self, _: Operation) -> Reply:
        self.answers += 1
        return replace(reply(), text=f"answer {self.answers}")

    async def ask(self, op_class: OperationClass = KIND) -> Outcome:
        asked = operation(op_class, deadline=self.clock.now() + 15, brief=BRIEF)
        return await self.manager.judge(asked, FakeCaller(sampling=True, elicitation=True))


def text(outcome: Outcome) -> str:
    assert outcome.reply is not None
    return outcome.reply.text


def stale(outcome: Outcome) -> bool | None:
    return outcome.cached.stale if outcome.cached else None


@promise("cache:renewed")
async def test_who_asks_past_its_time_has_the_old_answer_at_once_and_the_next_one_a_new_one() -> None:
    scene = Scene()
    assert stale(await scene.ask()) is None
    scene.clock.time += FRESH + 1
    async with anyio.create_task_group() as group:
        group.start_soon(scene.manager.renewals.run, scene.manager.renew)
        await anyio.sleep(0.01)
        old = await scene.ask()
        assert (text(old), stale(old), old.attempts) == ("answer 1", True, ())
        await until(lambda: scene.answers == 2)
        await until(lambda: next(scene.manager.ledger.newest())["attempts"] != [])
        new = await scene.ask()
        assert (text(new), stale(new)) == ("answer 2", False)
        group.cancel_scope.cancel()
    assert scene.answers == 2
    renewed = next(each for each in scene.manager.ledger.newest() if each["attempts"])
    assert renewed["plan"] == ["direct"], "nobody's own model is asked without its call"


@promise("cache:renewed")
@pytest.mark.parametrize("why", ["nothing renews", "a person must approve", "a client's model is first"])
async def test_else_the_caller_waits_for_a_new_answer(why: str) -> None:
    scene = Scene(approve_direct=True) if why == "a person must approve" else Scene()
    op_class = OperationClass.STANDARD if why == "a client's model is first" else KIND
    await scene.ask(op_class)
    scene.clock.time += FRESH + 1
    async with anyio.create_task_group() as group:
        if why != "nothing renews":
            group.start_soon(scene.manager.renewals.run, scene.manager.renew)
            await anyio.sleep(0.01)
        assert stale(await scene.ask(op_class)) is None
        group.cancel_scope.cancel()


@promise("cache:renewed")
async def test_renewals_are_bounded_and_taken_only_while_they_are_worked_off() -> None:
    renewals, asked = Renewals(), list[str]()

    async def ask(operation: Operation) -> None:
        asked.append(operation.id)

    assert not renewals.offer(operation())
    async with anyio.create_task_group() as group:
        group.start_soon(renewals.run, ask)
        await anyio.sleep(0.01)
        assert [renewals.offer(operation()) for _ in range(MOST + 1)] == [True] * MOST + [False]
        await until(lambda: len(asked) == MOST)
        group.cancel_scope.cancel()
    assert not renewals.offer(operation())
    with pytest.raises(RouteError, match="no client waits"):
        await Nobody().send(operation())
