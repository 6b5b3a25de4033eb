"""Which expressions are made of nothing but literals, and of what makes a value of them alone."""

from __future__ import annotations

import ast

MOST_PARTS = 200
"""Nodes of a literal that are looked at; a longer one is a table, not an answer."""
_MAKERS = frozenset(
    {
        *("dict", "list", "set", "tuple", "str", "bytes", "int", "float", "bool", "frozenset", "bytearray", "object"),
        *("iter", "range", "type", "SimpleNamespace", "Namespace", "Mock", "MagicMock", "AsyncMock", "StringIO"),
        *("BytesIO", "OrderedDict", "Counter", "deque", "loads"),
    }
)
"""Calls that, given literals, give a value which nothing outside decides."""
_MODULES = frozenset({"json", "io", "types", "mock", "collections", "argparse"})
_CLOCKS = frozenset({"now", "utcnow", "today", "time", "monotonic", "perf_counter", "isoformat", "timestamp"})


def is_constant(
    node: ast.expr, known: dict[str, ast.expr] | None = None, *, dated: bool = False, objects: bool = False
) -> bool:
    """Whether the expression is made of literals only (names in `known` stand for theirs).

    `dated` lets the time of day stand in it, `objects` instances of classes that are given literals.
    """
    pending: list[ast.expr] = [node]
    seen = 0
    while pending:
        each = pending.pop()
        seen += 1
        if seen > MOST_PARTS:
            return False
        if isinstance(each, ast.Constant) or (isinstance(each, ast.Name) and known and each.id in known):
            continue
        if isinstance(each, ast.Call):
            if not (_makes(each, dated=dated) or (objects and _instance(each))):
                return False
            pending += [*each.args, *(one.value for one in each.keywords)]
            continue
        parts = _parts(each)
        if parts is None:
            return False
        pending += parts
    return True


def _parts(node: ast.expr) -> list[ast.expr] | None:
    """What an expression is put together from; None where that decides nothing."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return node.elts
    if isinstance(node, ast.Dict):
        return [key for key in node.keys if key is not None] + node.values
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.JoinedStr):
        return node.values
    if isinstance(node, ast.FormattedValue):
        return [node.value]
    return [node.body] if isinstance(node, ast.Lambda) else None


def class_of(call: ast.Call) -> str:
    """Last name of what is called, of a class that is made on the spot `type`."""
    func = call.func.func if isinstance(call.func, ast.Call) else call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _instance(call: ast.Call) -> bool:
    """By its name a class, and given something to hold."""
    name = class_of(call)
    return name[:1].isupper() and not name.isupper() and bool(call.args or call.keywords)


def _makes(call: ast.Call, *, dated: bool) -> bool:
    """A call that makes a value of its arguments alone."""
    func = call.func
    if isinstance(func, ast.Call):  # of a class that is made on the spot
        return isinstance(func.func, ast.Name) and func.func.id == "type" and is_constant(func)
    if isinstance(func, ast.Name):
        return func.id in _MAKERS or (dated and func.id in _CLOCKS)
    if not isinstance(func, ast.Attribute):
        return False
    if dated and func.attr in _CLOCKS:
        return True
    return func.attr in _MAKERS and isinstance(func.value, ast.Name) and func.value.id in _MODULES
