"""Constant values in code: what they are, whether they look made up, whether they fit what was promised."""

from __future__ import annotations

import ast
import re

from bedrock_support.tools.gaps.literals import class_of

_SAMPLE_WORDS = re.compile(
    r"^(?:success|succeeded|ok|okay|done|results?|response|output|value|data|test|testing|example|sample|dummy|mock\w*"
    r"|fake\w*|placeholder|foo|bar|baz|hello.*|lorem.*|todo|tbd|n/a|unknown|string"
    r"|some[ _].*|my[ _].*|your[ _].*|item[ _-]?\d*|abc\d*|xyz"
    r"|user\d*|john.*|jane.*|alice|bob|processed.*|completed.*|complete|pending"
    r"|status|message|example\..*|.*@example\..*|.*[_ -]here"
    r"|not implemented.*|stub\w*|simulated.*|(?:\w+[_ -])?\d{1,3}|[a-c]|x|y|alpha|beta|gamma"
    r"|first|second|third|one|two|three|(?:19|20)\d\d-\d\d-\d\d.*)$",
    re.IGNORECASE,
)
_SAMPLE_KEYS = frozenset(
    [
        "status",
        "success",
        "result",
        "results",
        "message",
        "data",
        "id",
        "name",
        "value",
        "ok",
        "items",
        "output",
        "response",
        "score",
        "valid",
        "count",
        "total",
        "error",
        "code",
    ]
)


_TYPES = frozenset(
    {"dict", "list", "set", "tuple", "str", "bytes", "int", "float", "bool", "frozenset", "bytearray", "object"}
)
_STAND_INS = frozenset({"Mock", "MagicMock", "AsyncMock", "SimpleNamespace", "type"})
_FORMS: tuple[tuple[type[ast.expr], str], ...] = (
    (ast.List, "list"),
    (ast.Tuple, "tuple"),
    (ast.Dict, "dict"),
    (ast.Set, "set"),
)


def type_of(node: ast.expr) -> str:
    """The type's name of a literal, `none` for None."""
    if isinstance(node, ast.Constant):
        return "none" if node.value is None else "ellipsis" if node.value is ... else type(node.value).__name__
    if isinstance(node, ast.UnaryOp):
        return "bool" if isinstance(node.op, ast.Not) else type_of(node.operand)
    if isinstance(node, ast.Call):
        return node.func.id if isinstance(node.func, ast.Name) and node.func.id in _TYPES else "other"
    return next((name for form, name in _FORMS if isinstance(node, form)), "other")


def is_empty(node: ast.expr) -> bool:
    """None, an empty container or string, or a tuple of nothing but such."""
    if isinstance(node, ast.Constant):
        return node.value is None or node.value in ("", b"")
    if isinstance(node, ast.Tuple) and node.elts:
        return all(is_empty(each) for each in node.elts[:8])
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return not node.elts
    if isinstance(node, ast.Dict):
        return not node.keys
    return isinstance(node, ast.Call) and not node.keywords and all(is_empty(each) for each in node.args)


def looks_canned(node: ast.expr) -> bool:
    """Sample data: success dictionaries, lists of item1 and item2, round scores, famous example names."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool) or value is None:
            return False
        if isinstance(value, str):
            return bool(value) and _SAMPLE_WORDS.match(value.strip()) is not None
        if isinstance(value, float):
            return value not in (0.0, 1.0, -1.0, 0.5)
        return isinstance(value, int) and value in (42, 99, 100, 123, 999, 1000, 1234, 12345, 10, 3, 5, 7)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return bool(node.elts) and sum(looks_canned(each) for each in node.elts[:8]) * 2 >= min(len(node.elts), 8)
    if isinstance(node, ast.JoinedStr):
        return any(looks_canned(each) for each in node.values if isinstance(each, ast.Constant))
    if isinstance(node, ast.Call):
        named = {each.arg for each in node.keywords if each.arg}
        return (
            class_of(node) in _STAND_INS
            or bool(named & _SAMPLE_KEYS)
            or any(looks_canned(each) for each in node.args[:8])
        )
    if isinstance(node, ast.Dict):
        keys = {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        return bool(keys & _SAMPLE_KEYS) or any(looks_canned(each) for each in node.values[:8])
    return False


_ANNOTATED = {
    "str": {"str"},
    "bytes": {"bytes"},
    "bool": {"bool"},
    "int": {"int", "bool"},
    "float": {"float", "int"},
    "list": {"list"},
    "dict": {"dict"},
    "tuple": {"tuple"},
    "set": {"set"},
    "frozenset": {"frozenset"},
    "Sequence": {"list", "tuple", "str"},
    "Iterable": {"list", "tuple", "set", "dict", "str"},
    "Iterator": set[str](),
    "Generator": set[str](),
    "List": {"list"},
    "Dict": {"dict"},
    "Tuple": {"tuple"},
    "Set": {"set"},
    "Mapping": {"dict"},
    "MutableMapping": {"dict"},
    "Collection": {"list", "tuple", "set", "dict"},
}
_WIDE = {"Any", "object", "Self", "TypeVar", "T", "V", "K", "R", "NoReturn", "Never", "Awaitable", "Coroutine", "Union"}


def annotation_names(node: ast.expr | None) -> set[str] | None:
    """The outermost type names of an annotation, None when there is none or it says nothing."""
    if node is None:
        return None
    if isinstance(node, ast.Constant):
        if node.value is None:
            return {"None"}
        if not isinstance(node.value, str) or len(node.value) > 200:
            return None
        try:
            return annotation_names(ast.parse(node.value, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, right = annotation_names(node.left), annotation_names(node.right)
        return None if left is None or right is None else left | right
    if isinstance(node, ast.Subscript):
        return _subscripted(node)
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return {node.id} if isinstance(node, ast.Name) else None


def _subscripted(node: ast.Subscript) -> set[str] | None:
    outer = annotation_names(node.value)
    if outer == {"Optional"}:
        inner = annotation_names(node.slice)
        return None if inner is None else inner | {"None"}
    if outer == {"Union"} and isinstance(node.slice, ast.Tuple):
        parts = [annotation_names(each) for each in node.slice.elts]
        return None if any(part is None for part in parts) else {name for part in parts if part for name in part}
    return outer


def fits(kind: str, names: set[str] | None) -> bool | None:
    """Whether a value of this type may be returned under the annotation; None when that can't be told."""
    if names is None or names & _WIDE or kind in ("other", "object", "ellipsis"):
        return None
    if "Literal" in names:
        return True
    if kind == "none":
        return "None" in names or None
    if any(kind in _ANNOTATED.get(name, ()) for name in names):
        return True
    known = all(name in _ANNOTATED or name == "None" for name in names)
    return False if known or not any(len(name) <= 2 or name.endswith(("T", "Type", "_co")) for name in names) else None


def none_fits(names: set[str] | None) -> bool | None:
    """Whether falling off the end is allowed by the annotation; None when there is no annotation."""
    if names is None or names & (_WIDE - {"Awaitable", "Coroutine"}):
        return None
    return "None" in names
