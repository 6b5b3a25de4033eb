"""Tests that can't fail: nothing is checked, or what is checked is always true."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bedrock_support.tools.gaps.bodies import Function, called
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.signals import split

_CHECKS = re.compile(
    r"assert|expect|check|verify|ensure|should|must|fail|raises|warns|compare|validate|match|approx|snapshot|golden",
    re.I,
)
_EMPTY, _VACUOUS = 0.8, 0.95


def weak_tests(tree: ast.Module) -> list[tuple[str, int, int, str, float]]:
    """Tests that no change of the code could make fail: name, line, telling line, kind, confidence."""
    checking = _checking(tree)
    judged = (_judge(name, node, checking) for name, node in _tests(tree))
    return [each for each in judged if each is not None]


def _tests(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    for each in tree.body:
        if isinstance(each, ast.ClassDef):
            for inner in each.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name.startswith("test"):
                    yield f"{each.name}.{inner.name}", inner
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_"):
            yield each.name, each


def _checking(tree: ast.Module) -> set[str]:
    """Functions of the file that check something themselves: a test that calls one checks by it."""
    functions = [each for each in every(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {each.name for each in functions if any(_checks(node, set()) for node in every(each))}


def _checks(node: ast.AST, checking: set[str]) -> bool:
    if isinstance(node, ast.Assert):
        return not _always(node.test)
    if isinstance(node, ast.Raise):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = called(node)
    if _CHECKS.search(name) is None:
        return name in checking
    return not (name in ("assertTrue", "assertEqual", "assertIs", "assertFalse") and _empty_check(name, node))


def _always(test: ast.expr) -> bool:
    """True whatever the code does."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Tuple):
        return bool(test.elts)
    if (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq | ast.Is | ast.LtE | ast.GtE)
    ):
        return _same(test.left, test.comparators[0])
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(_always(each) for each in test.values)
    return False


def _same(left: ast.expr, right: ast.expr) -> bool:
    plain = isinstance(left, ast.Constant | ast.Name | ast.Attribute)
    return plain and ast.dump(left) == ast.dump(right)


def _empty_check(name: str, call: ast.Call) -> bool:
    if name == "assertTrue":
        return bool(call.args) and _always(call.args[0])
    if name == "assertFalse":
        return bool(call.args) and isinstance(call.args[0], ast.Constant) and not call.args[0].value
    return len(call.args) >= 2 and _same(call.args[0], call.args[1])


def _judge(name: str, node: Function, checking: set[str]) -> tuple[str, int, int, str, float] | None:
    body, doc = split(node)
    inside = [each for part in body for each in every(part)]
    if any(_checks(each, checking) for each in inside):
        return None
    asserts = [each for each in inside if isinstance(each, ast.Assert)]
    calls = [each for each in inside if isinstance(each, ast.Call)]
    skipped = any(
        word in ast.dump(each).lower() for each in node.decorator_list for word in ("skip", "xfail", "benchmark")
    )
    if skipped or any(called(each) in ("skip", "xfail", "skipTest", "importorskip", "benchmark") for each in calls):
        return None
    if asserts:
        kind, sure = "vacuous_test", _VACUOUS
    elif not calls:
        kind, sure = "empty_test", _VACUOUS
    else:
        kind, sure = "unchecked_test", _EMPTY
    # A test that says it only runs, or whose fixtures and context managers may check, is less sure a gap.
    if re.search(
        r"smoke|no[_ ]?(?:error|raise|crash|exception)|doesnt|does[_ ]not|without|import|runs|noop|ok",
        f"{name} {doc}",
        re.I,
    ):
        sure -= 0.35 if calls else 0.0
    if any(isinstance(each, ast.With | ast.AsyncWith) for each in inside):
        sure -= 0.2
    return name, node.lineno, asserts[0].lineno if asserts else node.lineno, kind, round(max(sure, 0.05), 3)
