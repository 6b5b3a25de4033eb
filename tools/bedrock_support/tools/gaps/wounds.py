"""Bodies that hold real code which never counts: parked behind an exit, a dead flag, a swallowing handler."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from bedrock_support.tools.gaps.bodies import called, is_log, receiver
from bedrock_support.tools.gaps.literals import is_constant
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.trivial import trivial

_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_BROAD = {"Exception", "BaseException", "StandardError"}
MOST_STATEMENTS = 5_000
_WHOLE = frozenset(
    {
        *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign),
        *(ast.Return, ast.Raise, ast.Pass, ast.Continue, ast.Break, ast.Assert, ast.Delete, ast.Import, ast.ImportFrom),
    }
)
"""Statements without blocks, or with blocks of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wound:
    """Where code stops counting, and how much of it."""

    line: int
    size: int
    """Statements that don't count."""
    marks: frozenset[str]


def count(body: list[ast.stmt]) -> int:
    """Statements in a block, nested ones included, up to MOST_STATEMENTS."""
    total, pending = 0, list(body)
    while pending and total < MOST_STATEMENTS:
        each = pending.pop()
        total += 1
        for block in blocks(each):
            pending += block
    return total


def blocks(node: ast.stmt) -> list[list[ast.stmt]]:
    """The blocks of statements directly inside a statement, not those of functions or classes in it."""
    if type(node) in _WHOLE:
        return []
    found = [getattr(node, name) for name in ("body", "orelse", "finalbody") if getattr(node, name, None)]
    found += [handler.body for handler in getattr(node, "handlers", [])]
    found += [case.body for case in getattr(node, "cases", [])]
    return [block for block in found if isinstance(block, list)]


def falsy(test: ast.expr, known: dict[str, ast.expr]) -> bool:
    """The condition can be seen to be false without running anything."""
    if isinstance(test, ast.Constant):
        return not test.value
    if isinstance(test, ast.Name) and test.id in known:
        value = known[test.id]
        return isinstance(value, ast.Constant) and not value.value
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return truthy(test.operand, known)
    if isinstance(test, ast.BoolOp):
        parts = [falsy(each, known) for each in test.values]
        return any(parts) if isinstance(test.op, ast.And) else all(parts)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            same = left.value == right.value
            return (isinstance(test.ops[0], ast.Eq | ast.Is) and not same) or (
                isinstance(test.ops[0], ast.NotEq | ast.IsNot) and same
            )
    return False


def truthy(test: ast.expr, known: dict[str, ast.expr]) -> bool:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Name) and test.id in known:
        value = known[test.id]
        return isinstance(value, ast.Constant) and bool(value.value)
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and falsy(test.operand, known)


def reads_switch(test: ast.expr) -> bool:
    """The condition hangs on the environment or on something named like a feature flag."""
    for each in every(test):
        name = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else called(each)
        if name in ("environ", "getenv"):
            return True
        words = name.upper().split("_")
        if {"FEATURE", "ENABLE", "ENABLED", "EXPERIMENTAL", "FLAG", "FLAGS", "TOGGLE"} & set(words) and name.isupper():
            return True
    return False


def unreachable(body: list[ast.stmt], known: dict[str, ast.expr]) -> Wound | None:
    """The largest stretch of statements behind a return, raise, break or continue."""
    best: Wound | None = None
    pending: list[tuple[list[ast.stmt], bool]] = [(body, True)]
    looked = 0
    while pending and looked < MOST_STATEMENTS:
        block, top = pending.pop()
        for at, each in enumerate(block):
            looked += 1
            if _leaves(each, known) and not all(_fills(later) for later in block[at + 1 :]):
                rest = block[at + 1 :]
                marks = {"parked_top" if top else "parked_nested"}
                marks |= {"parked_at_once"} if top and at == 0 else set()
                found = Wound(line=rest[0].lineno, size=count(rest), marks=frozenset(marks))
                best = found if best is None or found.size > best.size else best
                break
            pending += [(inner, False) for inner in blocks(each)]
    return best


def _leaves(node: ast.stmt, known: dict[str, ast.expr]) -> bool:
    if isinstance(node, _EXITS):
        return True
    if isinstance(node, ast.While):
        return truthy(node.test, known) and isinstance(node.body[0], ast.Return | ast.Raise)
    return (
        isinstance(node, ast.If) and truthy(node.test, known) and bool(node.body) and isinstance(node.body[-1], _EXITS)
    )


def _fills(node: ast.stmt) -> bool:
    """A statement that stands there for its form: a yield that makes a generator, a break after a return."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield | ast.YieldFrom | ast.Constant):
        return True
    return isinstance(node, ast.Pass | ast.Break | ast.Continue | ast.Return | ast.Raise)


def dead_flag(body: list[ast.stmt], params: list[str]) -> Wound | None:
    """All the work stands under a condition that is false, or that hangs on a switch, and nothing stands beside it."""
    known = constants(body)
    for each in body:
        if not isinstance(each, ast.If | ast.While | ast.For) or trivial(each.body, params) is not None:
            continue
        never, switch = _never(each, known), isinstance(each, ast.If) and reads_switch(each.test)
        if not (never or switch):
            continue
        rest = [other for other in body if other is not each]
        plain = trivial([*rest, *each.orelse], params)
        marks = {"never" if never else "switched"} | ({"otherwise_nothing"} if plain is not None else set[str]())
        if never or plain is not None:
            return Wound(line=each.lineno, size=count(each.body), marks=frozenset(marks))
    return None


def _never(node: ast.If | ast.While | ast.For, known: dict[str, ast.expr]) -> bool:
    """Its block never runs: the condition is false, or there is nothing to go through."""
    if not isinstance(node, ast.For):
        return falsy(node.test, known)
    through = known.get(node.iter.id) if isinstance(node.iter, ast.Name) else node.iter
    return isinstance(through, ast.List | ast.Tuple | ast.Set) and not through.elts


def constants(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """Names that the block itself binds once to a literal, before anything else may have changed them."""
    found: dict[str, ast.expr] = {}
    for each in body:
        if isinstance(each, ast.Assign) and len(each.targets) == 1 and isinstance(each.targets[0], ast.Name):
            name = each.targets[0].id
            if name not in found and is_constant(each.value):
                found[name] = each.value
            else:
                found.pop(name, None)
    return found


def swallowed(body: list[ast.stmt]) -> Wound | None:
    """The whole body is one try (or suppress) that hides every error and says nothing."""
    core = [each for each in body if not isinstance(each, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal)]
    core = [each for each in core if not (isinstance(each, ast.Assign) and is_constant(each.value))]
    marks: set[str] = set()
    if len(core) == 2 and isinstance(core[1], ast.Return) and (core[1].value is None or is_constant(core[1].value)):
        marks.add("constant_after")
        core = core[:1]
    if len(core) != 1:
        return None
    inner, found = _hidden(core[0])
    if inner is None:
        return None
    size = count(inner)
    answers = any(isinstance(each, ast.Return) and each.value is not None for each in _all(inner))
    marks |= found | ({"answers_inside"} if answers else set[str]())
    marks |= {"many_inside"} if size >= 5 else {"few_inside"} if size <= 2 else set[str]()
    return Wound(line=core[0].lineno, size=size, marks=frozenset(marks))


def _hidden(node: ast.stmt) -> tuple[list[ast.stmt] | None, set[str]]:
    if isinstance(node, ast.With) and len(node.items) == 1:
        call = node.items[0].context_expr
        if called(call) == "suppress" and isinstance(call, ast.Call) and any(_broad(each) for each in call.args):
            return node.body, {"hides_by_pass"}
        return None, set()
    if not isinstance(node, ast.Try) or any(not isinstance(each, ast.Pass) for each in (*node.finalbody, *node.orelse)):
        return None, set()
    marks: set[str] = set()
    for handler in node.handlers:
        found = _silent(handler)
        if found is None:
            return None, set()
        marks |= found
    return (node.body, marks) if marks and "tells" not in marks else (None, set())


def _silent(handler: ast.ExceptHandler) -> set[str] | None:
    """How a handler hides every error; None for one that is narrow, or does something."""
    if not (handler.type is None or _broad(handler.type)):
        return None
    marks: set[str] = set()
    kept: dict[str, ast.expr] = {}
    for each in handler.body:
        quiet = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
        if quiet or isinstance(each, ast.Pass | ast.Continue) or _sets_aside(each, handler.name, kept):
            marks.add("hides_by_pass")
        elif isinstance(each, ast.Return) and (each.value is None or is_constant(each.value, kept)):
            marks.add("hides_by_pass" if each.value is None else "hides_by_constant")
        elif isinstance(each, ast.Expr) and is_log(each.value):
            marks.add("tells")
        else:
            return None
    return marks


def _sets_aside(node: ast.stmt, error: str | None, kept: dict[str, ast.expr]) -> bool:
    """A statement that only gives a constant or the error a name, or forgets the error."""
    if isinstance(node, ast.Delete):
        return all(isinstance(each, ast.Name) and each.id == error for each in node.targets)
    if not isinstance(node, ast.Assign) or not all(isinstance(each, ast.Name) for each in node.targets):
        return False
    if is_constant(node.value):
        kept |= {each.id: node.value for each in node.targets if isinstance(each, ast.Name)}
        return True
    return error is not None and isinstance(node.value, ast.Name) and node.value.id == error


def _broad(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return any(_broad(each) for each in node.elts)
    return isinstance(node, ast.Name) and node.id in _BROAD


def _all(body: list[ast.stmt]) -> list[ast.stmt]:
    found, pending = list[ast.stmt](), list(body)
    while pending and len(found) < MOST_STATEMENTS:
        each = pending.pop()
        found.append(each)
        for block in blocks(each):
            pending += block
    return found


def statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Every statement of the body, not those of functions and classes in it."""
    return _all(body)


def tells_of(node: ast.Call) -> str:
    """Dotted name of what is called, for reasons."""
    before = receiver(node)
    return f"{before}.{called(node)}" if before else called(node)
