"""Going through a syntax tree, several times as fast as ast.walk does."""

from __future__ import annotations

import ast
from typing import cast

_LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop)
"""Nodes that name nothing."""
_PLAIN = frozenset({int, str, type(None), bool, float, bytes, ast.Load, ast.Store})


_ENDS = frozenset({ast.Name, ast.Constant})
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


def statements_in(node: ast.AST) -> list[ast.AST]:
    """Statements, handlers and cases directly inside a statement or module, in their order."""
    found: list[ast.AST] = []
    held = node.__dict__
    for name in _BLOCKS:
        block = held.get(name)
        if type(block) is list:
            found += cast("list[ast.AST]", block)
    return found


def below(node: ast.AST) -> list[ast.AST]:
    """Nodes directly inside one: what ast.iter_child_nodes gives but for leaves, several times as fast."""
    found: list[ast.AST] = []
    for value in node.__dict__.values():
        sort = cast("type[object]", type(value))
        if sort in _PLAIN:  # names, line numbers and what isn't there: most of what a node holds
            continue
        if sort is list:
            found += [each for each in cast("list[object]", value) if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
            found.append(value)
    return found


def expressions_in(node: ast.AST) -> list[ast.expr]:
    """Expressions directly inside a node, in their order."""
    return [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]


def every(node: ast.AST) -> list[ast.AST]:
    """A node and all that is inside it, but for leaves."""
    found = [node]
    for each in found:
        if type(each) not in _ENDS:
            found += below(each)
    return found
