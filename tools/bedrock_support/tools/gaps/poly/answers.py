"""Answers that web handlers give, told as a return of a value or as a refusal."""

from __future__ import annotations

import ast

from bedrock_support.tools.gaps.literals import is_constant
from bedrock_support.tools.gaps.poly.calls import dotted
from bedrock_support.tools.gaps.values import looks_canned

_MISSING = {"StatusNotImplemented", "NOT_IMPLEMENTED", "NotImplemented"}
_STATUS = {
    "status",
    "sendStatus",
    "WriteHeader",
    "Error",
    "code",
    "AbortWithStatus",
    "JSON",
    "String",
    "Status",
    "writeHead",
}
_GIVES = {"json", "send", "JSON", "Encode"}
_ANSWERING = {"res", "response", "reply", "c", "ctx", "json"}
_PLAIN = {"health", "healthz", "healthCheck", "ping", "status", "version", "ready", "readyz", "livez", "root", "index"}
_FIXED = {"ZERO", "ONE", "TEN", "EMPTY", "EMPTY_LIST", "EMPTY_MAP", "EMPTY_SET", "TRUE", "FALSE"}
_HOMES = {"BigDecimal", "BigInteger", "Collections", "Boolean", "Duration", "Optional"}


def refuses(value: ast.expr) -> bool:
    """It answers that the thing isn't implemented: HTTP's 501."""
    if not isinstance(value, ast.Call):
        return False
    at: ast.expr = value
    while isinstance(at, ast.Call | ast.Attribute):
        if isinstance(at, ast.Call):
            if dotted(at.func).rsplit(".", 1)[-1] in _STATUS and any(_is_501(each) for each in at.args):
                return True
            at = at.func
        else:
            at = at.value
    return False


def _is_501(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == 501 and node.value is not True
    return isinstance(node, ast.Attribute) and node.attr in _MISSING


def given(value: ast.expr, function: str) -> ast.expr | None:
    """The sample data that a handler answers with, whatever it was asked; None for anything else."""
    if not isinstance(value, ast.Call) or function in _PLAIN or not value.args:
        return None
    before, _, last = dotted(value.func).rpartition(".")
    if last not in _GIVES or before.split(".", 1)[0] not in _ANSWERING:
        return None
    data = value.args[-1]
    sample = isinstance(data, ast.List | ast.Dict) and is_constant(data) and looks_canned(data)
    return data if sample and not _only_says(data) else None


def _only_says(data: ast.expr) -> bool:
    """One short word of state, as a health check gives."""
    return isinstance(data, ast.Dict) and len(data.keys) < 2


def fixed(node: ast.Attribute) -> ast.expr | None:
    """A constant of Java's own classes as the value that it stands for."""
    if node.attr not in _FIXED or not isinstance(node.value, ast.Name) or node.value.id not in _HOMES:
        return None
    if node.attr.startswith("EMPTY"):
        return ast.Dict(keys=[], values=[]) if node.attr == "EMPTY_MAP" else ast.List(elts=[], ctx=ast.Load())
    value: bool | int = {"ZERO": 0, "ONE": 1, "TEN": 10, "TRUE": True, "FALSE": False}[node.attr]
    return ast.Constant(value=value)
