"""Support mode's states and stops, in the manager of a wired server whose direct route is ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind, Handoff, Operation, Outcome, Reply, RouteName, Scope
from bedrock_support.server.flag_file import FlagFile
from bedrock_support.server.flags import LOOK_EVERY, FlagSnapshot
from bedrock_support.server.house import House
from bedrock_support.server.lifecycle import State
from bedrock_support.server.manager import BedrockSupportManager
from bedrock_support.server.preflight import WELL, preflight
from bedrock_support.server.settings import FLAG_NAMES, Settings
from bedrock_support.server.wiring import build
from tests.fakes import FakeRoute, operation, reply
from tests.promises import promise

SUPPORT, OPTIMIZATION = FLAG_NAMES["support_mode"], FLAG_NAMES["optimization"]


class Scene:
    """A house with a flags file, and a direct route that answers when it is let."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "flags.json"
        self.file = FlagFile(self.path, SystemClock())
        self.house: House = build(Settings(flags_file=self.path))
        self.route = FakeRoute(RouteName.DIRECT, lambda _: reply())
        self.manager: BedrockSupportManager = replace(self.house.manager, direct=self.route)  # pyright: ignore[reportArgumentType]

    async def switch(self, **changes: bool) -> None:
        await anyio.to_thread.run_sync(self.file.write, changes)
        await anyio.to_thread.run_sync(self.manager.flags.refresh)

    async def stop(self, scope: Scope, *, lift: bool = False) -> None:
        change = partial(self.file.resume, scope) if lift else partial(self.file.stop, scope, "the bill")
        await anyio.to_thread.run_sync(change)
        await anyio.to_thread.run_sync(self.manager.flags.refresh)

    async def ask(self) -> Outcome:
        asked = operation(deadline=self.manager.clock.now() + 30)
        return await self.manager.judge_waiting(asked)

    @property
    def state(self) -> State:
        return self.manager.lifecycle.state


async def nothing() -> Mapping[str, str]:
    return {}


@promise("lifecycle:drains", "flags:snapshot")
async def test_calls_under_way_end_with_what_they_began_with(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert scene.state is State.ACTIVATING
    await scene.manager.lifecycle.activate(nothing)
    assert scene.state is State.ACTIVE
    entered, go = anyio.Event(), anyio.Event()

    class Slow(FakeRoute):
        async def send(self, operation: Operation) -> Reply | Handoff:
            entered.set()
            await go.wait()
            return reply()

    slow = Slow(RouteName.DIRECT, lambda _: reply())
    scene.manager = replace(scene.manager, direct=slow)  # pyright: ignore[reportArgumentType]
    ended: list[Outcome] = []

    async def call() -> None:
        ended.append(await scene.ask())

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await entered.wait()
        await scene.switch(**{SUPPORT: False, OPTIMIZATION: False})
        assert (scene.state, scene.manager.lifecycle.idle) == (State.DRAINING, False)
        refused = await scene.ask()
        assert refused.failure is not None
        assert "support mode is off" in refused.failure.message
        assert scene.state is State.DRAINING
        go.set()
    assert ended[0].reply == reply()
    assert ended[0].decision is not None
    assert ended[0].decision.conditions.flags.optimization
    assert (scene.state, scene.manager.lifecycle.idle) == (State.INACTIVE, True)
    held = scene.manager.desk.give(operation())
    assert scene.state is State.DRAINING
    question = await scene.manager.desk.find(held.id)
    assert question is not None
    assert await scene.manager.desk.close(held.id, question)
    assert scene.state is State.INACTIVE
    await scene.house.aclose()


@promise("lifecycle:preflight")
async def test_support_mode_begins_with_a_preflight_and_says_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.setenv(name, "true")
    scene = Scene(tmp_path)
    assert scene.manager.lifecycle.report()["preflight"] is None
    begun = anyio.Event()
    look = scene.house.switching.look

    async def slowly() -> Mapping[str, str]:
        begun.set()
        return await look()

    async with anyio.create_task_group() as group:
        group.start_soon(scene.manager.lifecycle.activate, slowly)
        await begun.wait()
        assert scene.state is State.ACTIVATING
    route = scene.house.manager.direct.condition()
    assert scene.manager.lifecycle.report()["preflight"] == {
        "direct": f"{route.health.value}: {route.note}",
        "compliance": WELL,
        "flags": WELL,
    }
    assert scene.state is State.ACTIVE
    monkeypatch.setattr(scene.house.manager.guardian, "breach", lambda: "the gate fails: 3 of 3")
    await anyio.to_thread.run_sync(scene.path.write_text, "{broken")
    await anyio.to_thread.run_sync(scene.manager.flags.refresh)
    again = await preflight(scene.house.manager.direct, scene.house.manager.guardian.breach, scene.manager.flags)
    assert again["compliance"] == "the gate fails: 3 of 3"
    assert "not JSON" in again["flags"]
    await scene.house.aclose()


@promise("lifecycle:stops")
async def test_a_stop_keeps_its_scope_in_and_says_why(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for scope in (Scope.DIRECT, Scope.SUPPORT_MODE):
        await scene.stop(scope)
        assert scene.state is State.EMERGENCY_STOP
        assert not scene.manager.lifecycle.may_ask
        outcome = await scene.ask()
        assert outcome.failure is not None
        assert "stopped: the bill" in outcome.failure.message
        assert outcome.decision is not None
        assert any("direct left out" in each and "the bill" in each for each in outcome.decision.reasons)
        report = scene.manager.lifecycle.report()
        assert (report["state"], report["stops"]) == ("emergency_stop", {scope.value: "the bill"})
        await scene.stop(scope, lift=True)
    assert scene.route.sent == []
    for scope in (Scope.MCP, Scope.OPTIMIZER):
        await scene.stop(scope)
        assert scene.manager.lifecycle.may_ask
        outcome = await scene.ask()
        assert outcome.reply == reply()
        assert outcome.decision is not None
        assert outcome.decision.conditions.flags.optimization is (scope is Scope.MCP)
        await scene.stop(scope, lift=True)
    await scene.house.aclose()


@promise("lifecycle:stops")
async def test_a_stop_reaches_calls_that_were_decided_but_not_sent(tmp_path: Path) -> None:
    scene = Scene(tmp_path)

    class Late(FakeRoute):
        async def send(self, operation: Operation) -> Reply | Handoff:
            await scene.stop(Scope.DIRECT)
            return await super().send(operation)

    late = Late(RouteName.DIRECT, lambda _: RouteError(FailureKind.UNAVAILABLE, "down"))
    scene.manager = replace(scene.manager, direct=late)  # pyright: ignore[reportArgumentType]
    outcome = await scene.ask()
    assert [each.failure.kind for each in outcome.attempts if each.failure] == [
        FailureKind.UNAVAILABLE,
        FailureKind.HALTED,
    ]
    assert len(late.sent) == 1
    health = scene.manager.health.condition(RouteName.DIRECT, late.channel)
    assert health.samples == 1
    await scene.house.aclose()


@promise("lifecycle:all")
async def test_stopped_wholly_every_call_is_refused_in_words(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.stop(Scope.ALL)
    outcome = await scene.ask()
    assert outcome.refusal is not None
    assert outcome.refusal.reason == "everything is stopped by hand: the bill"
    assert "bedrock-support resume all" in outcome.refusal.mend
    assert scene.route.sent == []
    await scene.stop(Scope.ALL, lift=True)
    assert (await scene.ask()).reply == reply()
    await scene.house.aclose()


@promise("flags:last-good", "flags:seen")
async def test_health_says_what_is_wrong_with_the_file_while_the_server_runs(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await anyio.to_thread.run_sync(scene.file.stop, Scope.MCP, "x")
    heard: list[FlagSnapshot] = []
    seen = anyio.Event()

    def hear(_: FlagSnapshot, now: FlagSnapshot) -> None:
        heard.append(now)
        seen.set()

    async with anyio.create_task_group() as group:
        group.start_soon(scene.manager.flags.run, hear)
        with anyio.fail_after(10):
            await seen.wait()
            await anyio.to_thread.run_sync(scene.path.write_text, "{")
            while not scene.manager.flags.trouble:  # noqa: ASYNC110 - trouble is told to nobody, but to health
                await anyio.sleep(LOOK_EVERY / 5)
        group.cancel_scope.cancel()
    report = await scene.house.manager.health_report()
    assert "not JSON" in str(report["flags_source"])
    assert heard[-1].stops == {Scope.MCP: "x"} == scene.manager.flags().stops
    await scene.house.aclose()
