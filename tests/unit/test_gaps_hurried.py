"""What gives hurried bodies away, and the fit of the confidences."""

from __future__ import annotations

import ast
from math import isclose, log

import pytest

from bedrock_support.tools.gaps.hurried import hurried
from benchmarks.calibrating import calibration_error
from benchmarks.logistic import Example, fit, judged
from tests.promises import promise

BODIES = {
    "claims_anyway": """
        try:
            push(item)
        except Exception as error:
            log(error)
        return True
    """,
    "branch_empty": """
        if item == "json":
            return dump(item)
        elif item == "csv":
            return ""
        else:
            return ""
    """,
    "same_either_way": """
        if item == "m":
            return item
        return item
    """,
}
HONEST = {
    "an answer inside the try": """
        try:
            return read(item)
        except KeyError:
            log(item)
        return "unknown"
    """,
    "one way without an answer": """
        if item == "json":
            return dump(item)
        elif item == "csv":
            return table(item)
        else:
            return ""
    """,
    "changed on one way": """
        if item == "m":
            item = convert(item)
            return item
        return item
    """,
}


def _body(text: str) -> list[ast.stmt]:
    return ast.parse("if True:" + text).body[0].body  # type: ignore[attr-defined]


@promise("gaps:unmet")
@pytest.mark.parametrize("mark", BODIES)
def test_a_body_that_is_right_on_one_path_only_is_noted(mark: str) -> None:
    assert hurried(_body(BODIES[mark]), ["item"], "Does it.") == {mark}
    assert hurried(_body(BODIES[mark]), ["item"], "") == set()


@promise("gaps:unmet")
@pytest.mark.parametrize("sort", HONEST)
def test_a_body_whose_paths_differ_is_not(sort: str) -> None:
    assert hurried(_body(HONEST[sort]), ["item"], "Does it.") == set()


@promise("gaps:calibrated")
def test_a_fit_says_how_often_what_it_was_shown_was_right() -> None:
    shown = [Example(signals=("a",), right=at < 75) for at in range(100)]
    shown += [Example(signals=("b",), right=at < 20) for at in range(100)]
    weights = fit(shown, lambda name: 1e-6, lambda name: False)
    assert isclose(weights["a"], log(3), abs_tol=0.01)
    assert isclose(judged(shown[-1], weights), 0.2, abs_tol=0.01)
    assert calibration_error([(judged(each, weights), each.right) for each in shown]) < 0.01


@promise("gaps:calibrated")
def test_a_broken_promise_never_excuses() -> None:
    shown = [Example(signals=("a", "broken"), right=False) for _ in range(9)] + [Example(signals=("a",), right=True)]
    assert fit(shown, lambda name: 0.1, lambda name: name == "broken")["broken"] == 0
