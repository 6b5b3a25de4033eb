"""The gates on answers, on calls whose figures are known."""

from __future__ import annotations

import argparse

import pytest

from bedrock_support.server.environment import SettingsError
from bedrock_support.server.rollout.cli_rollout import plan_of
from bedrock_support.server.rollout.quality import Limits, Timed, budget_gate, judged
from bedrock_support.server.rollout.synthetic import Called
from tests.promises import promise

LIMITS = Limits.of({})


def timed(
    seconds: float, *, age: float | None = None, repeat: bool = False, error: str = "", route: str = "direct"
) -> Timed:
    model = {"used": True} | ({} if age is None else {"cached_age_s": age})
    return Timed(called=Called(error=error, told={"model": model, "route": route}), seconds=seconds, repeat=repeat)


def verdicts(made: list[Timed], *, least: int = 4, remembers: bool = True) -> dict[str, bool]:
    return {each.name.removeprefix("gate: "): each.ok for each in judged(made, least, LIMITS, remembers=remembers)}


@promise("rollout:answers")
def test_the_shipped_limits_are_the_objectives() -> None:
    assert Limits(generated_seconds=1.5, cached_seconds=0.3, hits=0.8, budget=0.8) == LIMITS


@promise("rollout:answers")
@pytest.mark.parametrize(
    ("generated", "remembered", "misses", "expected"),
    [
        (1.5, 0.3, 1, (True, True, True)),
        (1.6, 0.3, 1, (False, True, True)),
        (1.5, 0.31, 1, (True, False, True)),
        (1.5, 0.3, 2, (True, True, False)),
    ],
)
def test_each_gate_holds_up_to_its_limit(
    generated: float, remembered: float, misses: int, expected: tuple[bool, bool, bool]
) -> None:
    made = [timed(generated) for _ in range(4)]
    made += [timed(remembered, age=1.0, repeat=True) for _ in range(5 - misses)]
    made += [timed(generated, repeat=True) for _ in range(misses)]
    found = verdicts(made, least=3)
    names = ("p95 of generated answers", "p95 of remembered answers", "repeats answered from memory")
    assert tuple(found[name] for name in names) == expected


@promise("rollout:answers")
def test_what_is_not_known_opens_no_gate() -> None:
    assert verdicts([]) == {
        "p95 of generated answers": False,
        "p95 of remembered answers": False,
        "repeats answered from memory": False,
    }
    few = [timed(0.1), *(timed(0.1, age=1.0, repeat=True) for _ in range(3))]
    assert not any(verdicts(few).values())
    failed = [timed(0.1, repeat=True, error="broken") for _ in range(9)]
    assert not any(verdicts(failed, least=1)[name] for name in ("repeats answered from memory",))


@promise("rollout:answers")
def test_what_the_stand_in_answered_is_no_time_of_a_model() -> None:
    made = [timed(0.1, route="mcp") for _ in range(9)]
    assert not verdicts(made)["p95 of generated answers"]


@promise("rollout:answers")
def test_with_the_optimizer_off_nothing_may_be_remembered() -> None:
    made = [timed(0.1) for _ in range(4)]
    assert verdicts(made, remembers=False) == {"p95 of generated answers": True, "remembered answers": True}
    assert not verdicts([*made, timed(0.1, age=1.0)], remembers=False)["remembered answers"]


@promise("rollout:answers")
def test_a_budget_is_kept_to_where_there_is_one() -> None:
    assert budget_gate(None, LIMITS).ok
    assert budget_gate(None, LIMITS).value == {"state": "no budget is set"}
    assert budget_gate(0.8, LIMITS).ok
    assert not budget_gate(0.81, LIMITS).ok


def asked(*limits: str) -> argparse.Namespace:
    return argparse.Namespace(set=[], flag=[], step=[], samples=20, watch=2.0, limit=list(limits), elsewhere=None)


@promise("rollout:answers")
def test_limits_are_replaced_by_name() -> None:
    assert plan_of(asked("generated_seconds=4")).limits == {"generated_seconds": 4.0}
    for wrong in ("speed=1", "hits", "hits=0", "hits=nan", "hits=many"):
        with pytest.raises(SettingsError, match="--limit"):
            plan_of(asked(wrong))
