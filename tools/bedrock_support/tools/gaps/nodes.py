"""Going through a syntax tree, several times as fast as ast.walk does."""

from __future__ import annotations

import ast
from typing import cast

_LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop)
"""Nodes that name nothing."""


def below(node: ast.AST) -> list[ast.AST]:
    """Nodes directly inside one: what ast.iter_child_nodes gives but for leaves, several times as fast."""
    found: list[ast.AST] = []
    for value in node.__dict__.values():
        if isinstance(value, list):
            found += [each for each in cast("list[object]", value) if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
            found.append(value)
    return found


def every(node: ast.AST) -> list[ast.AST]:
    """A node and all that is inside it, but for leaves."""
    found = [node]
    for each in found:
        found += below(each)
    return found
