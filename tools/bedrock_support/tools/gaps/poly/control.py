"""Handlers, loops and choices of other languages as Python's."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from bedrock_support.tools.gaps.poly.express import STORE, opaque, text_of
from bedrock_support.tools.gaps.poly.statements import Made, Statements

if TYPE_CHECKING:
    from tree_sitter import Node

_BROAD = {"Exception", "Throwable", "RuntimeException", "Error"}


class Control(Statements):
    """Statements that hold blocks."""

    def on_attempt(self, node: Node) -> Made:
        resources = node.child_by_field_name("resources")
        before: Made = []
        for each in resources.named_children if resources is not None else []:
            name, value = each.child_by_field_name("name"), each.child_by_field_name("value")
            if name is not None:
                target = self.named(text_of(name), store=True)
                before.append(self.at(ast.Assign(targets=[target], value=self.expr(value)), node))
        body = before + self.inside(node.child_by_field_name("body"))
        handlers = [self._handler(each) for each in node.named_children if each.type == "catch_clause"]
        last = [each for each in node.named_children if each.type == "finally_clause"]
        final = [
            part for each in last for part in self.inside(each.named_children[-1] if each.named_children else None)
        ]
        if not handlers and not final:
            return body
        if body and all(_waits(each) for each in body) and not final:  # Java makes one catch the end of a sleep
            return body
        return [ast.Try(body=body or self.empty(node), handlers=handlers, orelse=[], finalbody=final)]

    def _handler(self, node: Node) -> ast.ExceptHandler:
        kinds = [
            each
            for part in node.named_children
            if part.type == "catch_formal_parameter"
            for each in part.named_children
            if each.type == "catch_type"
        ]
        names = [text_of(each).rsplit(".", 1)[-1] for kind in kinds for each in kind.named_children]
        broad = not names or any(each in _BROAD for each in names)
        body = self.inside(node.child_by_field_name("body"))
        return ast.ExceptHandler(type=None if broad else self.named(names[0]), name=None, body=body or self.empty(node))

    def on_within(self, node: Node) -> Made:
        return self.inside(node.child_by_field_name("body"))

    def on_loop(self, node: Node) -> Made:
        body = self.inside(node.child_by_field_name("body"))
        if node.type == "labeled_statement":
            return self.block(node.named_children[1:])
        head = [each for each in node.named_children if self.roles.get(each.type) not in ("block", "nothing")]
        names: list[ast.expr] = []
        rest: list[ast.AST] = []
        for each in head:
            left, right = each.child_by_field_name("left"), each.child_by_field_name("right")
            if each.type == "range_clause":
                names += self.targets(left) if left is not None else []
                rest.append(self.expr(right))
            elif self._doing.get(self.roles.get(each.type, "")) is not None and each != node.child_by_field_name(
                "body"
            ):
                rest += self.statement(each)
            else:
                rest.append(self.expr(each))
        if node.type == "for_in_statement" or node.type == "enhanced_for_statement":
            left = node.child_by_field_name("left") or node.child_by_field_name("name")
            names = self.targets(left) if left is not None else []
            rest = [self.expr(node.child_by_field_name("right") or node.child_by_field_name("value"))]
        target = names[0] if len(names) == 1 else ast.Tuple(elts=names, ctx=STORE)
        turns = rest[0] if len(rest) == 1 and isinstance(rest[0], ast.expr) else opaque(rest)
        return [ast.For(target=target, iter=turns, body=body or self.empty(node), orelse=[])]

    def on_cases(self, node: Node) -> Made:
        subject = node.child_by_field_name("value") or node.child_by_field_name("condition")
        holder = node.child_by_field_name("body")
        inner = (holder or node).named_children
        cases: list[ast.match_case] = []
        for each in inner:
            if each == subject or "comment" in each.type:
                continue
            body = [part for part in self.block([*each.named_children]) if not isinstance(part, ast.Break)]
            cases.append(ast.match_case(pattern=ast.MatchAs(), body=body or self.empty(each)))
        return [ast.Match(subject=self.expr(subject), cases=cases)]


def _waits(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "sleep"
