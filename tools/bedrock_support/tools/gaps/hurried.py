"""Bodies that are right on one path only: success whatever fails, empty branches, answers that are all the same."""

from __future__ import annotations

import ast

from bedrock_support.tools.gaps.nodes import statements_in
from bedrock_support.tools.gaps.values import is_empty

_FEWEST, _MOST = 2, 40
"""Statements of a body in which answers are held against each other."""


def hurried(body: list[ast.stmt], params: list[str], doc: str) -> set[str]:
    """What gives a hurried body away, as names of signals; only documented ones are looked at."""
    if not doc or len(body) > _MOST or not isinstance(body[-1], ast.Return | ast.If | ast.Try):
        return set()
    marks: set[str] = set()
    marks |= {"claims_anyway"} if _claims_anyway(body) else set()
    marks |= {"branch_empty"} if any(isinstance(each, ast.If) and _branches(each, params) for each in body) else set()
    marks |= {"same_either_way"} if _same(body) else set()
    return marks


def _claims_anyway(body: list[ast.stmt]) -> bool:
    """It ends in a success, which errors before it don't change."""
    last = body[-1]
    value = last.value if isinstance(last, ast.Return) else None
    if not (isinstance(value, ast.Dict) and value.keys) and not (isinstance(value, ast.Constant) and value.value):
        return False
    tries = [part for part in body if isinstance(part, ast.Try) and not _leaves(part)]
    handlers = [handler for part in tries for handler in part.handlers]
    return any(not any(isinstance(each, ast.Return | ast.Raise) for each in handler.body) for handler in handlers)


def _leaves(node: ast.Try) -> bool:
    """What is tried gives an answer of its own."""
    return any(isinstance(each, ast.Return) for part in (*node.body, *node.orelse) for each in _inside(part))


def _branches(node: ast.If, params: list[str]) -> bool:
    """One parameter chooses between three ways or more, and two of them or more give back nothing."""
    ways: list[list[ast.stmt]] = []
    chosen = ""
    while _chooser(node.test, params) and chosen in ("", _chooser(node.test, params)):
        chosen = _chooser(node.test, params)
        ways.append(node.body)
        if len(node.orelse) != 1 or not isinstance(node.orelse[0], ast.If):
            ways += [node.orelse] if node.orelse else []
            break
        node = node.orelse[0]
    return len(ways) >= 3 and 2 <= sum(map(_gives_nothing, ways)) < len(ways)


def _chooser(test: ast.expr, params: list[str]) -> str:
    """The parameter that is compared with a literal."""
    if not (isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id in params):
        return ""
    return test.left.id if isinstance(test.comparators[0], ast.Constant) else ""


def _gives_nothing(way: list[ast.stmt]) -> bool:
    value = way[0].value if len(way) == 1 and isinstance(way[0], ast.Return) else None
    return value is not None and (is_empty(value) or isinstance(value, ast.Constant))


def _same(body: list[ast.stmt]) -> bool:
    """Every return gives the same, and it isn't a literal."""
    found: list[ast.expr] = []
    pending: list[ast.AST] = list(body)
    while pending:
        each = pending.pop()
        if isinstance(each, ast.Return):
            if each.value is None:
                return False
            found.append(each.value)
        elif not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            pending += statements_in(each)
    if len(found) < _FEWEST or any(isinstance(each, ast.Assign | ast.AugAssign | ast.With) for each in body):
        return False
    names = {each.id if isinstance(each, ast.Name) else "" for each in found}
    return len(names) == 1 and "" not in names and not any(_works(each) for each in body)


def _works(node: ast.stmt) -> bool:
    """Something may happen to the name that is returned before it is."""
    return any(not isinstance(each, ast.Return | ast.If | ast.Pass) for each in _inside(node))


def _inside(node: ast.stmt) -> list[ast.AST]:
    found: list[ast.AST] = [node]
    for each in found:
        found += statements_in(each)
    return found
