"""Steps of a phase without processes: order, failure, cancellation, and what the record says of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import lowlevel, to_thread

from bedrock_support.routing.bedrock.balancer import Balancer, BalancerError
from bedrock_support.routing.clock import SystemEntropy
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.rollout.account import progress_of, steps_of
from bedrock_support.server.rollout.checks import Check, Notes, tried
from bedrock_support.server.rollout.control import Control
from bedrock_support.server.rollout.files import RolloutFiles
from bedrock_support.server.rollout.pace import paced, same_model
from bedrock_support.server.rollout.places import read_elsewhere
from bedrock_support.server.rollout.plan import Plan, outline
from bedrock_support.server.rollout.quality import Limits, Timed
from bedrock_support.server.rollout.steps import Aborted, Step, Steps
from bedrock_support.server.rollout.store import Desk, EvidenceStore
from bedrock_support.server.rollout.synthetic import Called
from bedrock_support.server.rollout.validation import Validation
from tests.fakes import FakeClock
from tests.promises import promise

GOOD, BAD = Check(name="it holds", ok=True), Check(name="it doesn't", ok=False, value={"problem": "too slow"})
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"


class Rig:
    """A record, and steps that say what they did."""

    def __init__(self, folder: Path) -> None:
        clock = FakeClock()
        self.store = EvidenceStore(folder / "e.sqlite", clock)
        self.store.begin("r-1", "rollout", {})
        self.said: list[str] = []
        self.abort = False
        notes = Notes(store=self.store, desk=Desk(), run="r-1")
        known = (OSError, Aborted)
        self.steps = Steps(notes=notes, clock=clock, heed=self._heed, tell=self.said.append, known=known, total=9)

    async def _heed(self) -> None:
        if self.abort:
            raise Aborted("asked to")

    def states(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for each in self.store.transitions("r-1"):
            found.setdefault(each.phase, []).append(each.state)
        return found


def step(name: str, act: Callable[[], Awaitable[None]] | None = None, *after: str, gives: Check = GOOD) -> Step:
    async def acting() -> list[Check]:
        if act is not None:
            await act()
        return [gives]

    return Step(name=name, act=acting, after=after)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@promise("rollout:steps")
async def test_steps_wait_for_those_that_they_need_and_for_no_others(rig: Rig) -> None:
    meeting = [anyio.Event(), anyio.Event()]

    def meets(mine: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            meeting[mine].set()
            await meeting[1 - mine].wait()

        return act

    with anyio.fail_after(20):
        checks = await rig.steps.run(
            "validation", [step("a", meets(0)), step("b", meets(1)), step("c", None, "a", "b")]
        )
    assert [each.value["step"] for each in checks] == ["a", "b", "c"]
    assert await to_thread.run_sync(rig.states) == {f"validation/{name}": ["begun", "done"] for name in "abc"}
    seen = await to_thread.run_sync(rig.store.evidence, "r-1")
    assert {(each.phase, each.value["step"]) for each in seen} == {("validation", name) for name in "abc"}
    assert rig.said[-1].startswith("[3/9] validation/c: done")
    run = await to_thread.run_sync(rig.store.run, "r-1")
    assert run is not None
    assert run.phase == "validation"


@promise("rollout:siblings")
@pytest.mark.parametrize("how", ["a check", "an error", "an abort"])
async def test_a_failing_step_ends_those_beside_it(rig: Rig, how: str) -> None:
    held, let_go = anyio.Event(), list[str]()

    async def holds() -> None:
        held.set()
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await lowlevel.checkpoint()
                let_go.append("yes")

    async def fails() -> None:
        await held.wait()
        if how == "an error":
            raise OSError("the disk is full")
        if how == "an abort":
            rig.abort = True
            await anyio.sleep_forever()

    steps = [
        step("long", holds),
        step("bad", fails, gives=BAD if how == "a check" else GOOD),
        step("after", None, "bad"),
    ]
    with anyio.fail_after(20):
        if how == "a check":
            checks = await rig.steps.run("flags", steps)
            assert [each.name for each in checks] == [BAD.name]
            assert any("too slow" in each for each in rig.said)
        else:
            with pytest.raises(OSError if how == "an error" else Aborted):
                await rig.steps.run("flags", steps)
    states = await to_thread.run_sync(rig.states)
    assert states["flags/long"] == ["begun", "cancelled"]
    assert states["flags/bad"] == ["begun", "cancelled" if how == "an abort" else "failed"]
    assert "flags/after" not in states
    assert let_go == ["yes"]


@promise("rollout:progress")
def test_progress_is_told_from_the_record_alone(tmp_path: Path) -> None:
    store, plan = EvidenceStore(tmp_path / "e.sqlite", FakeClock()), Plan(generation="g-1")
    store.begin("r-1", "rollout", {})
    store.set_detail("r-1", plan.as_table())
    total = sum(len(each) for each in outline(plan).values())
    for place, state in (("preflight", "begun"), ("preflight/front", "begun"), ("preflight/front", "done")):
        store.move("r-1", place, state)

    def told() -> tuple[dict[str, str], dict[str, int]]:
        run = store.run("r-1")
        assert run is not None
        steps = steps_of(run, store.transitions("r-1"))
        return steps, progress_of(steps)

    assert told()[1] == {"done": 1, "total": total}
    store.move("r-1", "preflight/disk", "begun")
    assert told()[0]["preflight/disk"] == "begun"
    store.move("r-1", "preflight", "begun")  # taken up again after a kill
    assert told()[1] == {"done": 0, "total": total}
    store.close()


def answer(seconds: float, *, age: float | None = None) -> Timed:
    model = {"used": True} | ({} if age is None else {"cached_age_s": age})
    told = {"model": model, "route": "direct"}
    return Timed(called=Called(error="", told=told), seconds=seconds, repeat=age is not None)


@promise("rollout:tries")
async def test_an_answer_in_time_is_asked_for_three_times_and_no_miss_is_lost() -> None:
    made: list[Check] = []

    async def check(good_at: int) -> Check:
        made.append(Check(name="answered", ok=len(made) + 1 >= good_at, value={"route": f"try {len(made) + 1}"}))
        return made[-1]

    first = await tried(lambda: check(1))
    assert (first.ok, first.value) == (True, {"route": "try 1"})
    made.clear()
    third = await tried(lambda: check(3))
    assert (third.ok, third.value["tries"]) == (True, 3)
    assert third.value["missed"] == [{"route": "try 1"}, {"route": "try 2"}]
    made.clear()
    never = await tried(lambda: check(4))
    assert (never.ok, never.value["tries"], len(made)) == (False, 3, 3)

    async def unreachable() -> Check:
        made.append(BAD)
        return BAD

    made.clear()
    assert await tried(unreachable) == BAD
    assert len(made) == 1, "a call that could not be made was given its time"


@promise("rollout:tries")
def test_what_may_not_happen_even_once_has_one_try(tmp_path: Path) -> None:
    control = Control(files=RolloutFiles(folder=tmp_path), desk=Desk(), clock=FakeClock(), entropy=SystemEntropy())
    once = {
        name for name, act in Validation(control=control).checks().items() if getattr(act, "func", None) is not tried
    }
    assert once == {"compliance", "audit", "MCP fallback"}  # the last tries again inside, on one worker


@promise("rollout:slow-model")
def test_pace_is_judged_by_half_of_the_answers() -> None:
    limits = Limits.of({})

    def pace(generated: list[float], remembered: list[float], *, binding: bool = True) -> list[Check]:
        made = [answer(each) for each in generated] + [answer(each, age=1.0) for each in remembered]
        return paced(made, limits, binding=binding)

    assert all(each.ok for each in pace([0.5, 0.6, 9.0], [0.1, 0.1, 9.0]))
    assert [each.value["state"] for each in pace([], []) if each.ok] == ["unknown", "unknown"]
    slow, fine = pace([2.0, 2.0, 4.0], [0.1])
    assert (slow.ok, fine.ok) == (False, True)
    assert "--limit generated_seconds=6" in str(slow.value["problem"])
    told, _ = pace([2.0, 2.0, 4.0], [], binding=False)
    assert told.ok
    assert told.value["problem"] == slow.value["problem"]
    _, again = pace([0.5], [0.4, 0.4, 0.5], binding=False)
    assert not again.ok, "the machine's own time is no other model's"
    assert "--limit cached_seconds=0.8" in str(again.value["problem"])
    patient = Limits.of({"generated_seconds": 3.0, "cached_seconds": 1.0})
    assert all(each.ok for each in paced([answer(2.0), answer(0.9, age=1.0)], patient, binding=True))
    assert same_model({"BEDROCK_SUPPORT_MAX_CALL_SECONDS": "40"})
    for name in ("BEDROCK_SUPPORT_MODEL_SMALL", "BEDROCK_SUPPORT_REGION", "AWS_PROFILE"):
        assert not same_model({name: "other"})


@promise("rollout:elsewhere")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "rule = 3 [",
        f'rule = "{ARN}:listener-rule/app/x/1/2/3"\n',
        f'rule = "{ARN}:a/b"\nlistener = "{ARN}:c/d"\n[targets]\nblue = "{ARN}:e/f"\ngreen = "{ARN}:g/h"\n',
        f'rule = "{ARN}:a/b"\n[targets]\nblue = "{ARN}:e/f"\ngreen = "{ARN}:e/f"\n',
        f'rule = "no arn"\n[targets]\nblue = "{ARN}:e/f"\ngreen = "{ARN}:g/h"\n',
    ],
)
def test_a_wrong_file_of_a_balancer_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="--elsewhere"):
        read_elsewhere(file)


@promise("rollout:elsewhere")
def test_a_balancer_keeps_what_is_not_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = {"blue": f"{ARN}:targetgroup/blue/1", "green": f"{ARN}:targetgroup/green/2"}
    held: dict[str, Any] = {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": groups["blue"], "Weight": 3}],
            "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
        },
    }
    asked: list[tuple[str, object]] = []

    def ask(_: Balancer, what: str, **given: object) -> object:
        asked.append((what, given))
        return {"Listeners": [{"DefaultActions": [held]}]} if what == "describe_listeners" else {}

    monkeypatch.setattr(Balancer, "_asked", ask)
    place = Balancer.of({"listener": f"{ARN}:listener/app/x/1/2", "targets": groups})
    assert place.read() == {"blue": 100, "green": 0}
    assert place.shift({"blue": 25, "green": 75}) == {"blue": 25, "green": 75}
    assert asked[-2][0] == "modify_listener"
    assert held["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": True, "DurationSeconds": 60}
    with pytest.raises(BalancerError, match="no target group is named"):
        place.shift({"red": 100})
    held["ForwardConfig"] = {"TargetGroups": [{"TargetGroupArn": f"{ARN}:targetgroup/else/3", "Weight": 1}]}
    with pytest.raises(BalancerError, match="no name stands for"):
        place.read()
    held["Type"] = "redirect"
    with pytest.raises(BalancerError, match="doesn't forward"):
        place.read()
