"""Which model is asked, and when a larger one is asked after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bedrock_support.routing.model import (
    Carrier,
    Failure,
    FailureKind,
    Flags,
    Kind,
    ModelRole,
    OperationClass,
    Reply,
    RouteName,
)
from bedrock_support.routing.optimizing.budget import Budget
from bedrock_support.routing.optimizing.spending import total
from bedrock_support.server.ledger import DecisionLedger
from bedrock_support.tools.explained import Entry
from bedrock_support.tools.explained_text import worded
from tests.fakes import reply
from tests.promises import promise
from tests.unit.test_optimizer import Scene, decided

SCHEMA = {"required": ["summary"]}
GOOD = replace(reply(), text='{"summary": "s"}')
CUT = replace(GOOD, stop_reason="max_tokens")
WRONG = replace(GOOD, text="no JSON")
LONG = "why " * 700


@promise("choice:size")
@pytest.mark.parametrize(
    ("op_class", "brief", "role", "expected"),
    [
        (OperationClass.STANDARD, "why?", ModelRole.STANDARD, ModelRole.FAST),
        (OperationClass.STANDARD, LONG, ModelRole.STANDARD, ModelRole.STANDARD),
        (OperationClass.BACKGROUND, LONG, ModelRole.DEEP, ModelRole.STANDARD),
        (OperationClass.BACKGROUND, LONG * 4, ModelRole.DEEP, ModelRole.DEEP),
        (OperationClass.IMPLEMENTATION, "why?", ModelRole.STANDARD, ModelRole.STANDARD),
        (OperationClass.EMERGENCY, "why?", ModelRole.FAST, ModelRole.FAST),
    ],
)
async def test_a_small_brief_goes_to_a_smaller_model(
    op_class: OperationClass, brief: str, role: ModelRole, expected: ModelRole
) -> None:
    scene = Scene()
    await scene.run(decided(brief, op_class, model_role=role))
    assert [each.operation.model_role for each in scene.asked] == [expected]


def then(first: Reply, second: Reply | Failure) -> Scene:
    scene = Scene()
    scene.answer = lambda _: first if len(scene.asked) == 1 else second
    return scene


@promise("choice:step-up")
@pytest.mark.parametrize("first", [CUT, WRONG])
async def test_an_answer_that_lacks_something_is_asked_for_of_the_next_larger_model(first: Reply) -> None:
    scene = then(first, GOOD)
    asked = decided(LONG, model_role=ModelRole.STANDARD, answer_schema=SCHEMA)
    outcome = await scene.run(asked)
    assert [each.operation.model_role for each in scene.asked] == [ModelRole.STANDARD, ModelRole.DEEP]
    assert scene.asked[1].plan == (RouteName.DIRECT,)
    assert outcome.reply == GOOD
    assert [each.number for each in outcome.attempts] == [1, 2]
    today = datetime.fromtimestamp(scene.clock.wall(), UTC).date()
    assert total(scene.spending.lines("t", today, today)).usd == pytest.approx(0.02)
    again = await scene.run(asked)
    assert again.cached is not None, "the better answer is an answer to the question as it was asked"
    assert again.cached.saved_usd == pytest.approx(0.02)


@promise("choice:step-up")
async def test_a_step_up_that_brings_nothing_better_leaves_the_first_answer() -> None:
    for second in (WRONG, Failure(kind=FailureKind.THROTTLED, message="429")):
        scene = then(CUT, second)
        outcome = await scene.run(decided(LONG, model_role=ModelRole.STANDARD, answer_schema=SCHEMA))
        assert outcome.reply == CUT
        assert len(outcome.attempts) == len(scene.asked) == 2


@promise("choice:no-step-up")
@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"kind": Kind.ACT}, CUT),
        ({"model_role": ModelRole.DEEP}, CUT),
        ({"model_role": ModelRole.STANDARD, "deadline": 1002.0}, CUT),
        ({"model_role": ModelRole.STANDARD}, replace(CUT, carrier=Carrier.SAMPLING)),
        ({"model_role": ModelRole.STANDARD}, GOOD),
    ],
)
async def test_no_step_up_where_it_must_not_be(changes: dict[str, object], answer: Reply) -> None:
    scene = Scene()
    scene.answer = lambda _: answer
    await scene.run(decided(LONG, OperationClass.STANDARD, **{"answer_schema": SCHEMA, **changes}))
    assert len(scene.asked) == 1


@promise("choice:no-step-up")
async def test_an_emergency_steps_up_only_within_its_deadline() -> None:
    for seconds, calls in ((2.0, 1), (4.0, 2)):
        scene = then(CUT, GOOD)
        asked = decided(op_class=OperationClass.EMERGENCY, model_role=ModelRole.FAST, deadline=1000.0 + seconds)
        await scene.run(asked)
        assert len(scene.asked) == calls


@promise("choice:no-step-up")
async def test_no_step_up_once_a_budget_is_used_by_three_quarters_or_optimization_is_off() -> None:
    scene = Scene(Budget(usd=1.0))
    assert scene.budgets is not None
    hold = scene.budgets.reserve("spent", "t", OperationClass.STANDARD, 0.8)
    assert hold is not None
    scene.budgets.settle(hold, 0.8)
    scene.answer = lambda _: CUT
    await scene.run(decided(LONG, model_role=ModelRole.STANDARD))
    assert len(scene.asked) == 1
    off = decided(LONG, model_role=ModelRole.STANDARD)
    off = replace(off, conditions=replace(off.conditions, flags=Flags(optimization=False)))
    scene = Scene()
    scene.answer = lambda _: CUT
    await scene.run(off)
    assert len(scene.asked) == 1


@promise("choice:recorded")
async def test_every_choice_is_in_the_record_and_in_words() -> None:
    scene = then(CUT, GOOD)
    outcome = await scene.run(decided(model_role=ModelRole.STANDARD, answer_schema=SCHEMA))
    ledger = DecisionLedger()
    ledger.add(outcome, "", 0.0)
    kept = ledger.find("d")
    assert kept is not None
    small, up = kept["model_choice"]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    assert "a small brief" in small
    assert "a step up from fast, because the answer was cut" in up
    entry = Entry.of(kept)
    assert f"Model {up}." in worded(entry, [], [], hypothetical=False)
