"""How much a body makes of what it is given: what its answer hangs on, and whether it leaves a trace.

The answer's depth is the most of what is returned and of the conditions that choose it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from bedrock_support.tools.gaps.bodies import Function, called, is_log, is_sleep
from bedrock_support.tools.gaps.depth import Depth, Values, bind, decided_by, depth_of, of_turns
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.wounds import blocks

_PURE = frozenset(
    {
        *("replace", "upper", "lower", "strip", "lstrip", "rstrip", "title", "format", "join", "split"),
        *("encode", "decode", "copy", "union"),
    }
)
"""Methods of strings and the like that change nothing: called for nothing when nobody takes what they give."""
_COLLECTS = frozenset({"append", "add", "extend", "insert", "update", "setdefault", "appendleft"})


@dataclass(slots=True)
class Substance(Values):
    """What a body comes to."""

    answer: Depth = Depth.CONSTANT
    """Most of what is returned or yielded, and of what decides between returns."""
    answers: bool = False
    """Something is returned or yielded."""
    trace: bool = False
    """A call that may change something, or a change of what outlives the function."""
    resets: bool = False
    """A change of what outlives it, by literals alone."""
    refuses: bool = False
    """It raises errors, on looking at more than whether something is there."""
    thrown: bool = False
    """Something is worked out and nobody takes it."""
    idle_loop: bool = False
    """A loop whose turns do nothing, or only count."""
    claims: bool = False
    """Literals among what it answers, beside what was given: success, a state, figures."""
    made: set[str] = field(default_factory=set[str])
    """Names of what was made here."""
    read: set[str] = field(default_factory=set[str])


def substance(node: Function, body: list[ast.stmt], params: list[str]) -> Substance | None:
    """What the body comes to; None where it defines something, or says itself that it is worked out elsewhere."""
    found = Substance(names=dict.fromkeys(params, Depth.GIVEN))
    for part in body:
        for each in every(part):
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.Global):
                return None
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
                found.read.add(each.id)
    if all(isinstance(each, ast.Expr) and is_log(each.value) for each in body):
        return found
    _block(body, found, Depth.CONSTANT)
    return found


def _block(body: list[ast.stmt], found: Substance, chosen: Depth) -> None:
    """`chosen`: what decides whether the block runs."""
    for each in body:
        _statement(each, found, chosen)
        if isinstance(each, ast.If) and any(isinstance(one, ast.Return | ast.Continue) for one in each.body):
            chosen = max(chosen, decided_by(each.test, found))


def _statement(node: ast.stmt, found: Substance, chosen: Depth) -> None:
    if isinstance(node, ast.Return):
        _answer(node.value, found, chosen)
    elif isinstance(node, ast.Expr):
        _expression(node.value, found, chosen)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        _assign(node, found, chosen)
    elif isinstance(node, ast.If | ast.While):
        decided = max(chosen, decided_by(node.test, found))
        _block(node.body, found, decided)
        _block(node.orelse, found, decided)
    elif isinstance(node, ast.For | ast.AsyncFor):
        bind(node.target, of_turns(node.iter, found), found)
        found.idle_loop |= all(map(_counts, node.body))
        _block([*node.body, *node.orelse], found, chosen)
    elif isinstance(node, ast.Raise | ast.Assert):
        found.refuses |= chosen is Depth.WORKED or isinstance(node, ast.Assert)
    elif isinstance(node, ast.With | ast.AsyncWith | ast.Delete):
        found.trace = True
    else:
        for block in blocks(node):
            _block(block, found, chosen)


def _counts(node: ast.stmt) -> bool:
    """A turn that does nothing but count, or give a name to something."""
    if isinstance(node, ast.Pass | ast.Continue):
        return True
    if isinstance(node, ast.AugAssign):
        return isinstance(node.value, ast.Constant) and isinstance(node.target, ast.Name)
    if isinstance(node, ast.If):
        return all(map(_counts, [*node.body, *node.orelse]))
    return isinstance(node, ast.Expr) and (is_log(node.value) or is_sleep(node.value))


def _answer(value: ast.expr | None, found: Substance, chosen: Depth) -> None:
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        found.answer = max(found.answer, chosen)
        return
    found.answers = True
    found.answer = max(found.answer, chosen, depth_of(value, found))
    found.claims |= _claims(value)


def _claims(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        parts = [*value.args, *(each.value for each in value.keywords)]
    elif isinstance(value, ast.Dict):
        parts = value.values
    else:
        parts = [*value.elts] if isinstance(value, ast.List | ast.Tuple) else [value]
    return any(isinstance(each, ast.Constant) and each.value not in (None, "", 0) for each in parts)


def _expression(value: ast.expr, found: Substance, chosen: Depth) -> None:
    if isinstance(value, ast.Yield | ast.YieldFrom):
        _answer(value.value, found, chosen)
        return
    inner = value.value if isinstance(value, ast.Await) else value
    if not isinstance(inner, ast.Call) or is_log(inner) or is_sleep(value):
        return
    holder = inner.func.value if isinstance(inner.func, ast.Attribute) else None
    if isinstance(holder, ast.Name) and holder.id in found.made and called(inner) in _COLLECTS:
        given = max((depth_of(each, found) for each in inner.args), default=Depth.CONSTANT)
        found.names[holder.id] = max(found.names.get(holder.id, Depth.CONSTANT), given, chosen)
        return
    if called(inner) in _PURE and isinstance(holder, ast.Name) and holder.id in found.names:
        found.thrown = True
    elif called(inner) in ("mkdir", "makedirs") or called(inner) == "clear":
        found.resets = True
    else:
        found.trace = True


def _assign(node: ast.Assign | ast.AnnAssign | ast.AugAssign, found: Substance, chosen: Depth) -> None:
    if node.value is None:
        return
    depth = max(chosen, depth_of(node.value, found))
    counts = isinstance(node, ast.AugAssign)
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        holder = target.value.id if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) else ""
        if isinstance(target, ast.Attribute) or (isinstance(target, ast.Subscript) and holder not in found.made):
            found.trace |= depth > Depth.CONSTANT or counts
            found.resets = True
        elif holder:
            found.names[holder] = max(found.names.get(holder, Depth.CONSTANT), depth)
        elif counts and isinstance(target, ast.Name):
            found.names[target.id] = max(found.names.get(target.id, Depth.CONSTANT), depth)
        else:
            _keep(target, node.value, depth, found)


def _keep(target: ast.expr, value: ast.expr, depth: Depth, found: Substance) -> None:
    """A value gets a name."""
    bind(target, depth, found)
    if isinstance(target, ast.Name):
        found.thrown |= target.id not in {*found.read, "_"} and depth > Depth.CONSTANT
        if not isinstance(value, ast.Name | ast.Attribute):
            found.made.add(target.id)
