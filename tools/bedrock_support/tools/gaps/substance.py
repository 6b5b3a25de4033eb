"""How much a body makes of what it is given: what its answer hangs on, and whether it leaves a trace."""

from __future__ import annotations

import ast

from bedrock_support.tools.gaps.answering import Substance, is_bare, take_answer
from bedrock_support.tools.gaps.bodies import Function, called, is_log, is_sleep
from bedrock_support.tools.gaps.depth import Depth, bind, decided_by, depth_of, is_clock, of_turns
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.trivial import ADDS
from bedrock_support.tools.gaps.wounds import blocks

_PURE = frozenset(
    {
        *("replace", "upper", "lower", "strip", "lstrip", "rstrip", "title", "format", "join", "split"),
        *("encode", "decode", "copy", "union"),
    }
)
"""Methods of strings and the like that change nothing: called for nothing when nobody takes what they give."""
_GUARDS = frozenset({"Lock", "Unlock", "RLock", "RUnlock"})
_COLLECTS = ADDS | {"appendleft"}


def substance(node: Function, body: list[ast.stmt], params: list[str]) -> Substance | None:
    """What the body comes to; None where it leaves a trace or defines something: then it may do anything."""
    found = Substance(names=dict.fromkeys(params, Depth.GIVEN), figures=_figures(body))
    _block(body, found, Depth.CONSTANT)
    if found.trace:  # as most do, early: the rest is looked at for the few others
        return None
    for part in body:
        for each in every(part):
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Global):
                return None
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
                found.read.add(each.id)
    found.thrown |= not found.worked <= {*found.read, "_"}
    return found


def _figures(body: list[ast.stmt]) -> set[str]:
    """Names of the body's own level that hold a literal from beginning to end."""
    given = [
        each.targets[0].id
        for each in body
        if isinstance(each, ast.Assign)
        and isinstance(each.value, ast.Constant)
        and isinstance(each.targets[0], ast.Name)
    ]
    if not given:
        return set()
    stored = [
        each.id
        for part in body
        for each in every(part)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    ]
    return {name for name in given if stored.count(name) == 1}


def _block(body: list[ast.stmt], found: Substance, chosen: Depth) -> None:
    """`chosen`: what decides whether the block runs."""
    for each in body:
        if found.trace:
            return
        _statement(each, found, chosen)
        if isinstance(each, ast.If) and any(
            isinstance(one, ast.Return | ast.Continue | ast.Break) for one in each.body
        ):
            chosen = max(chosen, decided_by(each.test, found))


def _statement(node: ast.stmt, found: Substance, chosen: Depth) -> None:
    if isinstance(node, ast.Return):
        take_answer(node.value, found, chosen)
    elif isinstance(node, ast.Expr):
        _expression(node.value, found, chosen)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        _assign(node, found, chosen)
    elif isinstance(node, ast.Raise | ast.Assert):
        found.refuses |= chosen is Depth.WORKED or isinstance(node, ast.Assert)
        found.raises |= chosen is Depth.CONSTANT and isinstance(node, ast.Raise)
    elif isinstance(node, ast.Delete):
        found.trace = True
    else:
        _compound(node, found, chosen)


def _compound(node: ast.stmt, found: Substance, chosen: Depth) -> None:
    """What holds other statements."""
    if isinstance(node, ast.If | ast.While):
        decided = max(chosen, decided_by(node.test, found))
        if decided is Depth.GIVEN and isinstance(node.body[-1], ast.Raise):  # its own state is looked at
            found.refuses |= any(isinstance(each, ast.Attribute) for each in every(node.test))
        _way(node.body, found, decided)
        _way(node.orelse, found, decided)
    elif isinstance(node, ast.For | ast.AsyncFor):
        bind(node.target, of_turns(node.iter, found), found)
        found.idle_loop |= all(map(_counts, node.body))
        found.alike |= not found.trace and _alike(node)
        _block([*node.body, *node.orelse], found, chosen)
    elif isinstance(node, ast.With | ast.AsyncWith):
        _within(node, found, chosen)
    else:
        for block in blocks(node):
            _way(block, found, chosen)
        if isinstance(node, ast.Try) and found.answers and found.asks:  # whether it fails decides
            found.answer = Depth.WORKED


def _way(body: list[ast.stmt], found: Substance, chosen: Depth) -> None:
    """One of several ways: what a name held before, it may still hold."""
    before = dict(found.names)
    _block(body, found, chosen)
    for name, depth in before.items():
        found.names[name] = max(found.names[name], depth)


def _within(node: ast.With | ast.AsyncWith, found: Substance, chosen: Depth) -> None:
    """A lock guards, and a file that is read is looked at; whatever else is entered may do anything."""
    for each in node.items:
        value = each.context_expr
        if isinstance(value, ast.Call):
            modes = [one.value for one in value.args[1:2] if isinstance(one, ast.Constant)]
            reads = called(value) == "open" and all(isinstance(one, str) and one.startswith("r") for one in modes)
            if not (reads or called(value) == "suppress"):
                found.trace = True
                return
        if each.optional_vars is not None:
            bind(each.optional_vars, Depth.WORKED, found)
    _block(node.body, found, chosen)


def _counts(node: ast.stmt) -> bool:
    """A turn that does nothing but count, or give a name to something."""
    if isinstance(node, ast.Pass | ast.Continue):
        return True
    if isinstance(node, ast.AugAssign):
        return isinstance(node.value, ast.Constant) and isinstance(node.target, ast.Name)
    if isinstance(node, ast.If):
        return all(map(_counts, [*node.body, *node.orelse]))
    return isinstance(node, ast.Expr) and (is_log(node.value) or is_sleep(node.value))


def _alike(node: ast.For | ast.AsyncFor) -> bool:
    """Each turn does the same, whatever it is the turn of."""
    names = {each.id for each in every(node.target) if isinstance(each, ast.Name) and not each.id.startswith("_")}
    if not names or called(node.iter) == "range":
        return False
    return names.isdisjoint(each.id for part in node.body for each in every(part) if isinstance(each, ast.Name))


def _expression(value: ast.expr, found: Substance, chosen: Depth) -> None:
    if isinstance(value, ast.Yield | ast.YieldFrom):
        take_answer(value.value, found, chosen)
        return
    inner = value.value if isinstance(value, ast.Await) else value
    if not isinstance(inner, ast.Call) or is_log(inner) or is_sleep(value) or called(inner) in _GUARDS:
        return
    holder = inner.func.value if isinstance(inner.func, ast.Attribute) else None
    if isinstance(holder, ast.Name) and holder.id in found.made and called(inner) in _COLLECTS:
        given = max((depth_of(each, found) for each in inner.args), default=Depth.CONSTANT)
        found.names[holder.id] = max(found.names.get(holder.id, Depth.CONSTANT), given, chosen)
        found.bare.discard(holder.id)
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
        elif holder and isinstance(target, ast.Subscript):
            found.bare.discard(holder)
            key = depth_of(target.slice, found)
            depth = Depth.WORKED if key and depth else max(depth, key)  # values under other keys than before
            found.names[holder] = max(found.names.get(holder, Depth.CONSTANT), depth)
        elif counts and isinstance(target, ast.Name):
            found.bare.discard(target.id)
            if not isinstance(node.value, ast.Constant):
                if found.counted.get(target.id) is not None and depth:  # figures are added up
                    depth = Depth.WORKED
                found.counted[target.id] = False
            found.names[target.id] = max(found.names.get(target.id, Depth.CONSTANT), depth)
        else:
            _keep(target, node.value, depth, found)


def _keep(target: ast.expr, value: ast.expr, depth: Depth, found: Substance) -> None:
    """A value gets a name."""
    if (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.Add)
        and (is_clock(value.left) or is_clock(value.right))
    ):
        depth = Depth.CONSTANT  # a deadline of one's own making
    bind(target, depth, found)
    if isinstance(target, ast.Name):
        number = isinstance(value, ast.Constant) and isinstance(value.value, int | float)
        found.counted[target.id] = number and found.counted.get(target.id, True)
        found.texts |= {target.id} if isinstance(value, ast.JoinedStr) else set()
        found.bare |= {target.id} if is_bare(value) else set()
        found.worked |= {target.id} if depth > Depth.CONSTANT else set()
        if not isinstance(value, ast.Name | ast.Attribute):
            found.made.add(target.id)
