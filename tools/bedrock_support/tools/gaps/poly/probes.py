"""Tests that can't fail: of jest, vitest, mocha, node:test, of Go and of JUnit and TestNG."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bedrock_support.tools.gaps.bodies import called
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.poly.calls import dotted
from bedrock_support.tools.gaps.poly.define import TYPED, Defined

Weak = tuple[str, int, int, str, float]
_UNCHECKED, _VACUOUS = 0.8, 0.95
_CHECKS = re.compile(
    r"assert|expect|check|verif|ensure|should|must|fail|throws|rejects|compare|validate|match|snapshot|golden|require"
    r"|^(?:Error|Errorf|Fatal|Fatalf|is|ok|equals?|deepEquals?|strictEqual|done|plan|andExpect|expectStatus|isEqualTo)$",
    re.IGNORECASE,
)
_BY_WORD = re.compile(r"\b(?:assert|require|expect|should|chai|expectTypeOf)\b")
_CASES = {"it", "test", "specify", "fit"}
_EASY = re.compile(
    r"smoke|not fail|should work|render|crash|without|doesn.?t|does not|not throw|no error|no panic|compile|load",
    re.IGNORECASE,
)
_ALWAYS = {
    "toBe",
    "toEqual",
    "toStrictEqual",
    "equal",
    "strictEqual",
    "deepEqual",
    "eq",
    "eql",
    "assertEquals",
    "assertSame",
    "Equal",
    "Same",
    "EqualValues",
    "isEqualTo",
    "isSameAs",
}
_TRUTHS = {"assertTrue", "True", "toBeTruthy", "toBeTrue", "isTrue", "ok", "assert", "toBeDefined"}


def weak_tests(tree: ast.Module, functions: list[Defined], family: str) -> list[Weak]:
    """Tests that no change of the code could make fail: name, line, telling line, kind, confidence."""
    cases = _script(tree) if family == "script" else _declared(functions, family)
    listed = list(cases)
    if not listed:
        return []
    helpers = {each.node.name for each in functions if any(_checks(part, set()) for part in every(each.node))}
    own = {name for name, _line, _body in listed}
    judged = (_judge(name, line, body, helpers - own, family) for name, line, body in listed)
    return [each for each in judged if each is not None]


def _script(tree: ast.Module) -> Iterator[tuple[str, int, list[ast.stmt]]]:
    for each in every(tree):
        if not isinstance(each, ast.Call) or len(each.args) < 2 or dotted(each.func).split(".")[0] not in _CASES:
            continue
        title, body = each.args[0], each.args[-1]
        if isinstance(body, ast.Constant) and len(each.args) > 2:  # a limit of time stands last
            body = each.args[-2]
        last = dotted(each.func).rsplit(".", 1)[-1]
        if last in ("skip", "todo", "each", "fails", "failing") or not isinstance(body, ast.Lambda):
            continue
        inner = body.body
        if isinstance(title, ast.Constant) and isinstance(title.value, str) and isinstance(inner, ast.Module):
            line = getattr(each.func, "lineno", 0) or _line(each.func) or (inner.body[0].lineno if inner.body else 1)
            yield title.value[:120], line, inner.body


def _line(node: ast.expr) -> int:
    return next((each.lineno for each in every(node) if isinstance(each, ast.Name)), 0)


def _declared(functions: list[Defined], family: str) -> Iterator[tuple[str, int, list[ast.stmt]]]:
    for each in functions:
        name = each.q.rsplit(".", 1)[-1]
        if family == "go":
            given = each.node.args.args
            if each.owner < 0 and name.startswith("Test") and name != "TestMain" and len(given) == 1:
                yield each.q, each.node.lineno, each.node.body
        elif {"Test", "ParameterizedTest", "RepeatedTest"} & set(each.decorators) and not (
            {"Disabled", "Ignore"} & set(each.decorators)
        ):
            yield each.q, each.node.lineno, each.node.body


def _checks(node: ast.AST, helpers: set[str]) -> bool:
    if isinstance(node, ast.Raise | ast.Assert):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Attribute):  # expect(x).to.be.true
        return _told(node.value) and not _plain_truth(node.value)
    if not isinstance(node, ast.Call):
        return False
    name = called(node)
    if _vacuous(node) or (isinstance(node.func, ast.Name) and name in ("expect", "assertThat")):
        return False
    if name in helpers:
        return True
    if _CHECKS.search(name) is None and not _BY_WORD.search(dotted(node.func)):
        # A helper of Go is given the test, and may fail it.
        return any(isinstance(each, ast.Name) and each.id in ("t", "done") for each in node.args) and name != "Run"
    return True


def _told(node: ast.Attribute) -> bool:
    """A chain of words that checks without a last call."""
    return re.search(r"(?:^|\.)(?:expect|should)\b", dotted(node)) is not None


def _plain_truth(node: ast.Attribute) -> bool:
    inner = _inner(ast.Call(func=node, args=[], keywords=[]))
    return (
        inner is not None and called(inner) == "expect" and bool(inner.args) and isinstance(inner.args[0], ast.Constant)
    )


def _inner(node: ast.Call) -> ast.Call | None:
    """`expect(x)` in `expect(x).toBe(y)`, past `not` and the like."""
    at: ast.expr = node.func
    while isinstance(at, ast.Attribute):
        at = at.value
    return at if isinstance(at, ast.Call) else None


def _vacuous(node: ast.Call) -> bool:
    """A check of what is always true."""
    name = called(node)
    inner = _inner(node)
    opening = called(inner) if inner is not None else ""
    given = [*(inner.args if inner is not None and opening in ("expect", "assertThat") else []), *node.args]
    given = [each for each in given if not (isinstance(each, ast.Name) and each.id == "t")]
    if name in _ALWAYS:
        return len(given) >= 2 and _same(given[0], given[1])
    if name in _TRUTHS and given:
        return isinstance(given[0], ast.Constant) and bool(given[0].value)
    if name in ("assertNull", "Nil", "toBeNull", "NoError") and given:
        return isinstance(given[0], ast.Constant) and given[0].value is None
    if name in ("assertFalse", "False", "toBeFalsy") and given:
        return isinstance(given[0], ast.Constant) and not given[0].value
    return False


def _same(left: ast.expr, right: ast.expr) -> bool:
    plain = isinstance(left, ast.Constant | ast.Name | ast.Attribute)
    return plain and ast.dump(left) == ast.dump(right)


def _judge(name: str, line: int, body: list[ast.stmt], helpers: set[str], family: str) -> Weak | None:
    inside = [each for part in body for each in every(part)]
    if any(_checks(each, helpers) for each in inside):
        return None
    calls = [each for each in inside if isinstance(each, ast.Call)]
    if any(isinstance(each, ast.Name) and each.id == TYPED for each in inside):  # what its types say is checked
        return None
    if any(called(each) in ("Skip", "Skipf", "SkipNow", "skip", "todo", "assumeTrue", "Parallel_") for each in calls):
        return None
    hollow: list[ast.expr] = [each for each in calls if _vacuous(each)]
    hollow += [
        each.value
        for each in inside
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Attribute) and _told(each.value)
    ]
    if hollow:
        kind, sure = "vacuous_test", _VACUOUS
    elif not calls:
        kind, sure = "empty_test", _VACUOUS
    else:
        kind, sure = "unchecked_test", _UNCHECKED
        # That it compiles or doesn't panic is a check of a kind, and a title may say so.
        sure -= 0.35 if _EASY.search(name) or (family == "go" and len(calls) > 6) else 0.0
    return name, line, _line_of(hollow[0], line) if hollow else line, kind, round(sure, 3)


def _line_of(node: ast.expr, otherwise: int) -> int:
    return next((each.lineno for each in every(node) if isinstance(each, ast.Name)), otherwise)
