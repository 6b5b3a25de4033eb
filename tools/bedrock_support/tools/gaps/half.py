"""Half-done bodies: work begins, then the function ends as if it had never been asked for anything."""

from __future__ import annotations

import ast

from bedrock_support.tools.gaps import values, words
from bedrock_support.tools.gaps.bodies import Function, Seen, called, is_log, is_random
from bedrock_support.tools.gaps.literals import is_constant
from bedrock_support.tools.gaps.nodes import below, every
from bedrock_support.tools.gaps.trivial import declares, not_implemented
from bedrock_support.tools.gaps.wounds import statements


def half_done(seen: Seen, node: Function, body: list[ast.stmt], params: list[str], comments: list[str]) -> None:
    """Fills `seen` where the end of the body gives nothing for what came before."""
    last = body[-1]
    ends = _ending(last, params) or ("ends_refused" if _refuses_always(body) else None)
    marker_last = bool(comments) and words.MARKER.search(comments[-1]) is not None
    if ends is None and not marker_last:
        return
    inside = statements(body)
    if any(isinstance(each, ast.Yield | ast.YieldFrom) for part in body for each in _own(part)):
        return
    seen.kind, seen.size, seen.line = "half_done", len(inside), last.lineno
    marks = seen.marks
    marks.add(ends or "ends_open")
    marks |= {"marker_last"} if marker_last else set()
    if isinstance(last, ast.Return) and last.value is not None and is_constant(last.value):
        _end_value(seen, node, last.value)
    elif isinstance(last, ast.Return | ast.Pass):
        fit = values.none_fits(values.annotation_names(node.returns))
        marks.add({None: "annotation_open", True: "annotation_fits", False: "annotation_clash"}[fit])
    _returns(marks, inside, last)
    _effects(marks, body, inside)
    _unread_locals(marks, node, body)
    before = body[-2] if len(body) > 1 else None
    marks.add(
        "after_search"
        if isinstance(before, ast.For | ast.While | ast.AsyncFor) and _returns_inside(before)
        else "after_loop"
        if isinstance(before, ast.For | ast.While | ast.AsyncFor)
        else "after_guard"
        if isinstance(before, ast.If) and _returns_inside(before)
        else "after_branch"
        if isinstance(before, ast.If)
        else "after_try"
        if isinstance(before, ast.Try)
        else "after_with"
        if isinstance(before, ast.With | ast.AsyncWith)
        else "after_assign"
        if isinstance(before, ast.Assign | ast.AnnAssign)
        else "after_call"
    )
    marks.add(
        "size_1" if len(inside) <= 2 else "size_2" if len(inside) <= 4 else "size_3" if len(inside) <= 8 else "size_4"
    )


def _refuses_always(body: list[ast.stmt]) -> bool:
    """Work begins, and whatever comes of it ends in the error that it isn't implemented."""
    if not not_implemented(body[-1]) or declares(body[-1]) or isinstance(body[-1], ast.Assert):
        return False
    return not any(isinstance(each, ast.Return) for each in statements(body))


def _ending(last: ast.stmt, params: list[str]) -> str | None:
    if isinstance(last, ast.Pass):
        return "ends_pass"
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant) and last.value.value is ...:
        return "ends_ellipsis"
    if isinstance(last, ast.Raise):
        return None
    if not isinstance(last, ast.Return):
        return None
    if last.value is None:
        return "ends_bare"
    if isinstance(last.value, ast.Name) and last.value.id in params:
        return "ends_echo"
    if is_random(last.value):
        return "ends_chance"
    if not is_constant(last.value):
        return None
    return "ends_none" if values.type_of(last.value) == "none" else "ends_constant"


def _end_value(seen: Seen, node: Function, value: ast.expr) -> None:
    kind = values.type_of(value)
    group = {"none": "none", "bool": "bool", "int": "number", "float": "number", "str": "text", "bytes": "text"}.get(
        kind, "container"
    )
    seen.value = ast.unparse(value)[:80]
    seen.marks.add(f"value_{group}")
    seen.marks |= {"value_canned"} if values.looks_canned(value) else set()
    seen.marks |= {"value_empty"} if values.is_empty(value) and group != "none" else set()
    names = values.annotation_names(node.returns)
    fit = values.fits(kind, names)
    if fit is None and kind == "none" and names is not None and "None" not in names:
        fit = False
    seen.marks.add({None: "annotation_open", True: "annotation_fits", False: "annotation_clash"}[fit])
    if words.PREDICATE.search(node.name):
        seen.marks.add("predicate_answers" if group == "bool" else "predicate_no_bool")


def _returns(marks: set[str], inside: list[ast.stmt], last: ast.stmt) -> None:
    others = [each for each in inside if isinstance(each, ast.Return) and each is not last]
    real = [each for each in others if each.value is not None and not is_constant(each.value)]
    marks.add(
        "returns_real"
        if real
        else "returns_constants"
        if any(each.value is not None for each in others)
        else "returns_bare"
        if others
        else "returns_once"
    )
    if isinstance(last, ast.Return) and last.value is not None and others:
        mine = values.type_of(last.value)
        types = {values.type_of(each.value) for each in others if each.value is not None}
        known = types - {"other"}
        if mine in known:
            marks.add("same_type_returned")
        elif known and mine != "none":
            marks.add("other_type_returned")


def _effects(marks: set[str], body: list[ast.stmt], inside: list[ast.stmt]) -> None:
    stores = calls = raises = False
    for each in inside:
        if isinstance(each, ast.Expr):
            value = each.value.value if isinstance(each.value, ast.Await) else each.value
            calls |= isinstance(value, ast.Call) and not is_log(value)
        elif isinstance(each, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            stores |= any(
                isinstance(part, ast.Attribute | ast.Subscript) for target in targets for part in every(target)
            )
        elif isinstance(each, ast.Raise | ast.Assert):
            raises = True
        elif isinstance(each, ast.Delete | ast.Global | ast.Nonlocal):
            stores = True
        calls |= isinstance(each, ast.With | ast.AsyncWith | ast.FunctionDef | ast.ClassDef)
    marks |= {"stores"} if stores else set()
    marks |= {"acts"} if calls else set()
    marks |= {"raises"} if raises else set()
    marks |= set() if stores or calls else {"no_effect"}


def _unread_locals(marks: set[str], node: Function, body: list[ast.stmt]) -> None:
    stored: dict[str, int] = {}
    loaded: set[str] = set()
    for part in body:
        for each in every(part):
            if isinstance(each, ast.Name):
                if isinstance(each.ctx, ast.Store):
                    stored.setdefault(each.id, each.lineno)
                else:
                    loaded.add(each.id)
            elif isinstance(each, ast.Global | ast.Nonlocal):
                loaded.update(each.names)
            elif isinstance(each, ast.Call) and called(each) == "locals":
                return
    unread = [name for name in stored if name not in loaded and not name.startswith("_")]
    if unread:
        marks.add("local_unread_two" if len(unread) > 1 else "local_unread")
    before = body[-2] if len(body) > 1 else None
    if isinstance(before, ast.Assign) and any(
        isinstance(each, ast.Name) and each.id in unread for each in before.targets
    ):
        marks.add("last_unread")


def _own(node: ast.AST) -> list[ast.AST]:
    found, pending = list[ast.AST](), [node]
    while pending:
        each = pending.pop()
        found.append(each)
        pending += [
            child
            for child in below(each)
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
        ]
    return found


def _returns_inside(node: ast.stmt) -> bool:
    return any(isinstance(each, ast.Return) for each in _own(node))
