"""The heads of functions: parameters, types, modifiers and annotations, as Python's."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from bedrock_support.tools.gaps.poly.express import LOAD, constant, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from bedrock_support.tools.gaps.poly.languages import Grammar

_AWAITED = {"Promise", "Optional", "CompletableFuture", "Mono", "Future", "Observable", "PromiseLike", "ResponseEntity"}
_SAME = {
    "Override": "override",
    "Deprecated": "deprecated",
    "SuppressWarnings": "wraps",
    "Nullable": "wraps",
    "NonNull": "wraps",
    "Nonnull": "wraps",
    "NotNull": "wraps",
    "VisibleForTesting": "wraps",
    "CanIgnoreReturnValue": "wraps",
    "Contract": "wraps",
}
"""Annotations that say nothing of the body."""
MODIFIERS = {
    "static": "staticmethod",
    "get": "property",
    "set": "setter",
    "abstract": "abstractmethod",
    "native": "abstractmethod",
    "declare": "abstractmethod",
    "override": "override",
}


def words_of(node: Node) -> list[str]:
    """Modifiers and annotations of a definition, as the decorators that they are like."""
    found: list[str] = []
    for each in node.children:
        if each.type == "modifiers":
            found += words_of(each)
        elif each.type in ("marker_annotation", "annotation", "decorator"):
            name = decorator(each)
            found.append(_SAME.get(name, name))
        elif each.type in MODIFIERS:
            found.append(MODIFIERS[each.type])
        elif each.type == "override_modifier":
            found.append("override")
        elif each.type in ("default", "private") and node.type == "modifiers":
            found.append("wraps")
    return found


def decorator(node: Node) -> str:
    """Last name of an annotation."""
    said = re.split(r"[(<\s]", text_of(node).lstrip("@ "), maxsplit=1)[0]
    return said.rsplit(".", 1)[-1]


def parameters(node: Node | None, *, method: bool) -> ast.arguments:
    """Names that a function takes, with their types; `self` first for methods, as Python has it."""
    names: list[tuple[str, Node | None]] = []
    rest: str | None = None
    listed = node.named_children if node is not None else []
    if node is not None and node.type in ("identifier", "inferred_parameters"):
        names += [(text_of(each), None) for each in (listed or [node])]
        listed = []
    for each in listed:
        kind = each.child_by_field_name("type")
        if each.type in ("comment", "receiver_parameter", "line_comment", "block_comment"):
            continue
        if each.type in ("spread_parameter", "variadic_parameter_declaration", "rest_pattern") or (
            each.named_children and each.named_children[0].type == "rest_pattern"
        ):
            rest = (_bound(each) or ["_"])[-1]
        elif each.type == "parameter_declaration":  # Go: several names of one type, or a type alone
            names += [(text_of(part), kind) for part in each.children_by_field_name("name")]
        else:
            names += [(name, kind) for name in _bound(each)]
    args = [ast.arg(arg="self", annotation=None)] if method else []
    args += [
        ast.arg(arg=f"_{name}" if name.lower().startswith(("unused", "ignore")) else name, annotation=None)
        for name, _kind in names
    ]
    return ast.arguments(
        posonlyargs=[],
        args=args,
        vararg=ast.arg(arg=rest) if rest else None,
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )


def _bound(node: Node) -> list[str]:
    """Names that one parameter binds, its pattern taken apart."""
    if node.type in ("identifier", "shorthand_property_identifier_pattern"):
        return [text_of(node)]
    target = node.child_by_field_name("pattern") or node.child_by_field_name("name") or node.child_by_field_name("left")
    if target is not None:
        return _bound(target)
    if node.type == "pair_pattern":
        value = node.child_by_field_name("value")
        return _bound(value) if value is not None else []
    return [name for each in node.named_children if "type" not in each.type for name in _bound(each)]


def returned(node: Node | None, grammar: Grammar) -> ast.expr | None:
    """The type of a result as a Python annotation; None when nothing is said."""
    if node is None:
        return None
    kind = node.type
    if kind == "type_predicate_annotation":
        return _name("bool")
    if kind in ("type_annotation", "asserts_annotation", "parenthesized_type"):
        return returned(node.named_children[0], grammar) if node.named_children else None
    if kind == "parameter_list":
        return _several(node, grammar)
    if kind in ("array_type", "slice_type", "tuple_type", "readonly_type", "map_type"):
        found = _name("dict" if kind == "map_type" else "list")
        return _or_none(found) if grammar.family == "go" else found
    if kind == "union_type":
        return _union([returned(each, grammar) for each in node.named_children])
    if kind == "literal_type":
        return _name("None") if text_of(node) in ("null", "undefined") else _name("Literal")
    if kind == "generic_type":
        return _generic(node, grammar)
    return _alias(text_of(node).rsplit(".", 1)[-1], grammar)


def _several(node: Node, grammar: Grammar) -> ast.expr | None:
    """Go's several results, of which an error at the end doesn't count."""
    kinds = [kind for each in node.named_children if (kind := each.child_by_field_name("type")) is not None]
    if kinds and text_of(kinds[-1]) == "error":
        kinds = kinds[:-1]
    return returned(kinds[0], grammar) if len(kinds) == 1 else _name("tuple") if kinds else constant(None)


def _union(parts: list[ast.expr | None]) -> ast.expr | None:
    found: ast.expr | None = None
    for each in parts:
        if each is not None:
            found = each if found is None else ast.BinOp(left=found, op=ast.BitOr(), right=each)
    return found


def _generic(node: Node, grammar: Grammar) -> ast.expr | None:
    inner = [each for each in node.named_children if "arguments" in each.type]
    outer = text_of(node.named_children[0]).rsplit(".", 1)[-1]
    if outer not in _AWAITED or not inner or not inner[0].named_children:
        return _alias(outer, grammar)
    found = returned(inner[0].named_children[0], grammar)
    return _or_none(found) if outer == "Optional" and found is not None else found


def _or_none(found: ast.expr) -> ast.expr:
    return ast.BinOp(left=found, op=ast.BitOr(), right=constant(None))


def _alias(name: str, grammar: Grammar) -> ast.expr:
    """A type's name; one that isn't known may be an alias of anything, which a last T says."""
    known = grammar.types.get(name)
    if grammar.family != "script" and (known is None or name[:1].isupper()) and known != "None":
        return _or_none(_name(known or "OwnT"))
    return constant(None) if known == "None" else _name(known or (name if len(name) <= 2 else "OwnT"))


def _name(name: str) -> ast.expr:
    return constant(None) if name == "None" else ast.Name(id=name, ctx=LOAD, lineno=1)


def results(node: Node | None) -> tuple[int, bool]:
    """How many results a Go function gives, and whether the last is an error."""
    if node is None:
        return 0, False
    if node.type != "parameter_list":
        return 1, text_of(node) == "error"
    kinds = [each.child_by_field_name("type") for each in node.named_children]
    last = kinds[-1] if kinds else None
    total = sum(max(1, len(each.children_by_field_name("name"))) for each in node.named_children)
    return total, last is not None and text_of(last) == "error"


def result_names(node: Node | None) -> list[str]:
    """Names of a Go function's results."""
    if node is None or node.type != "parameter_list":
        return []
    return [text_of(part) for each in node.named_children for part in each.children_by_field_name("name")]
