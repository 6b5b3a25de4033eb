"""Classes, interfaces and types as facts, and the frames that stand around definitions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from bedrock_support.tools.gaps.facts import ClassFacts
from bedrock_support.tools.gaps.poly.express import text_of
from bedrock_support.tools.gaps.signals import excuses

if TYPE_CHECKING:
    from tree_sitter import Node

Made = list[ast.stmt]


def recovering(body: Made) -> Made:
    """A deferred recover at the start of a Go function is a handler around all the rest."""
    first = body[0]
    value = first.value if isinstance(first, ast.Expr) else None
    if not (isinstance(value, ast.Name) and value.id == "__recovers__" and len(body) > 1):
        return body
    quiet = ast.Pass(lineno=first.lineno, end_lineno=first.lineno, col_offset=0)
    handler = ast.ExceptHandler(type=None, name=None, body=[quiet])
    made = ast.Try(body=body[1:], handlers=[handler], orelse=[], finalbody=[])
    made.lineno, made.end_lineno, made.col_offset = first.lineno, first.lineno, 0
    return [made]


def holder(name: str, members: Made) -> ast.ClassDef:
    return ast.ClassDef(name=name, bases=[], keywords=[], body=members, decorator_list=[])


def class_facts(
    q: str, bases: list[str], line: int, *, decorators: list[str] | None = None, doc: str = "", hollow: bool = False
) -> ClassFacts:
    marks = sorted(excuses(doc, "class")) if doc else []
    return ClassFacts(
        q=q, bases=bases, hints=["" for _ in bases], decorators=decorators or [], marks=marks, line=line, hollow=hollow
    )


def bases_of(node: Node) -> list[str]:
    """Last names of what a class extends and implements."""
    found: list[str] = []
    for each in node.named_children:
        if each.type in (
            "class_heritage",
            "superclass",
            "super_interfaces",
            "extends_interfaces",
            "extends_clause",
            "implements_clause",
            "extends_type_clause",
            "type_list",
        ):
            found += bases_of(each)
        elif (
            node.type
            not in (
                "class_declaration",
                "abstract_class_declaration",
                "class",
                "interface_declaration",
                "record_declaration",
                "enum_declaration",
            )
            and each.type != "type_arguments"
        ):
            found.append(text_of(each).split("<", 1)[0].split("(", 1)[0].rsplit(".", 1)[-1])
    return found
