"""Expressions of other languages as Python's: what they read, call and hold, so that the same rules judge them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from bedrock_support.tools.gaps.poly.answers import fixed
from bedrock_support.tools.gaps.poly.calls import spoken

if TYPE_CHECKING:
    from tree_sitter import Node

    from bedrock_support.tools.gaps.poly.languages import Grammar

LOAD, STORE = ast.Load(), ast.Store()
MOST_DEPTH = 100
"""Nesting beyond which an expression is opaque: Python's own stack ends somewhere."""
MOST_CONCATENATED = 500
_ORDER: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "===": ast.Eq,
    "!=": ast.NotEq,
    "!==": ast.NotEq,
    "<": ast.Lt,
    ">": ast.Gt,
    "<=": ast.LtE,
    ">=": ast.GtE,
}
_ESCAPE = re.compile(r"\\(.)")


def opaque(parts: list[ast.AST]) -> ast.expr:
    """Something that works, of which only its parts are known."""
    return ast.Lambda(
        args=no_arguments(), body=cast("ast.expr", ast.Module(body=cast("list[ast.stmt]", parts), type_ignores=[]))
    )


def no_arguments() -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def text_of(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def constant(value: object) -> ast.Constant:
    return ast.Constant(value=cast("str", value))


class Expressions:
    """Turns the nodes of one file into expressions."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.roles = grammar.roles
        self.line: int = 1
        """Line of the statement that is being read."""
        self.depth = 0
        self.owners: list[int] = []
        """Classes that enclose what is being read, innermost last."""
        self.makes_new: bool = False
        """The function that is being read makes values of a type, as its name says."""
        self._ways: dict[str, Callable[[Node], ast.expr]] = {
            name[3:]: getattr(self, name) for name in dir(self) if name.startswith("as_")
        }

    def expr(self, node: Node | None) -> ast.expr:
        if node is None:
            return constant(None)
        way = self._ways.get(self.roles.get(node.type, ""))
        self.depth += 1
        try:
            if self.depth > MOST_DEPTH:
                return opaque([])
            return way(node) if way is not None else opaque(self.parts(node))
        finally:
            self.depth -= 1

    def parts(self, node: Node) -> list[ast.AST]:
        """Everything inside a node of which no more is known."""
        return [self.expr(each) for each in node.named_children if self.roles.get(each.type) != "nothing"]

    def named(self, name: str, *, store: bool = False) -> ast.Name:
        return ast.Name(id=name, ctx=STORE if store else LOAD, lineno=self.line)

    def as_name(self, node: Node) -> ast.expr:
        name = text_of(node)
        return constant(None) if name == "undefined" else self.named(name.lstrip("#"))

    def as_this(self, node: Node) -> ast.expr:
        return self.named("self")

    def as_text(self, node: Node) -> ast.expr:
        return constant(_ESCAPE.sub(r"\1", text_of(node)[1:-1]) if node.end_byte - node.start_byte > 2 else "")

    def as_template(self, node: Node) -> ast.expr:
        holes = [each for each in node.named_children if each.type == "template_substitution"]
        if not holes:
            return constant(text_of(node)[1:-1])
        said = [constant(text_of(each)) for each in node.named_children if each.type == "string_fragment"]
        values = [value for each in holes for value in self.parts(each)]
        return ast.JoinedStr(values=cast("list[ast.expr]", [*said, *values]))

    def as_number(self, node: Node) -> ast.expr:
        said = text_of(node).replace("_", "")
        try:
            return constant(int(said, 0))
        except ValueError:
            pass
        try:
            return constant(float(said.rstrip("fFdDlLn")))
        except ValueError:
            return constant(1)

    def as_yes(self, node: Node) -> ast.expr:
        return constant(True)

    def as_no(self, node: Node) -> ast.expr:
        return constant(False)

    def as_null(self, node: Node) -> ast.expr:
        return constant(None)

    def as_items(self, node: Node) -> ast.expr:
        return ast.List(elts=cast("list[ast.expr]", self.parts(node)), ctx=LOAD)

    def as_several(self, node: Node) -> ast.expr:
        found = cast("list[ast.expr]", self.parts(node))
        return found[0] if len(found) == 1 else ast.Tuple(elts=found, ctx=LOAD)

    def as_composite(self, node: Node) -> ast.expr:
        """Go's literals of slices, maps and structs."""
        kind, body = node.child_by_field_name("type"), node.child_by_field_name("body")
        inside = [each for each in body.named_children if each.type != "comment"] if body is not None else []
        if kind is not None and kind.type in ("slice_type", "array_type", "implicit_length_array_type"):
            return ast.List(elts=[self.expr(each) for each in inside], ctx=LOAD)
        pairs = [each.named_children for each in inside if each.type == "keyed_element"]
        values = [self.expr(each[-1]) for each in pairs if each]
        values += [self.expr(each) for each in inside if each.type != "keyed_element"]
        if self.makes_new and kind is not None and kind.type != "map_type":
            return opaque(cast("list[ast.AST]", values))
        keys = cast("list[ast.expr | None]", [constant(text_of(each[0]).strip('"')) for each in pairs if each])
        return ast.Dict(keys=[*keys, *[constant("") for _ in values[len(keys) :]]], values=values)

    def as_through(self, node: Node) -> ast.expr:
        field = node.child_by_field_name("value")
        if field is None:
            inner = node.named_children
            # A cast of TypeScript holds the value first, one in angle brackets holds it last.
            field = (inner[-1] if node.type == "type_assertion" else inner[0]) if inner else None
        return self.expr(field)

    def as_unary(self, node: Node) -> ast.expr:
        operator = text_of(node.children[0]) if node.children else ""
        inner = self.expr(node.named_children[-1] if node.named_children else None)
        if operator == "!":
            return ast.UnaryOp(op=ast.Not(), operand=inner)
        if operator in ("-", "+", "~", "^"):
            return ast.UnaryOp(op=ast.USub(), operand=inner)
        if operator in ("void", "&", "*"):
            return constant(None) if operator == "void" else inner
        if operator == "<-":
            return ast.Await(value=inner)
        return opaque([inner])

    def as_binary(self, node: Node) -> ast.expr:
        operands: list[ast.expr] = []
        operator, at = "", node
        while len(operands) < MOST_CONCATENATED:
            sign, left, right = (at.child_by_field_name(each) for each in ("operator", "left", "right"))
            this = text_of(sign) if sign is not None else ""
            if left is None or (operator and this != operator):
                operands.append(self.expr(at))
                break
            operator = this
            operands.append(self.expr(right))
            if self.roles.get(left.type) != "binary":
                operands.append(self.expr(left))
                break
            at = left
        operands.reverse()
        if operator in ("&&", "||", "??"):
            return ast.BoolOp(op=ast.And() if operator == "&&" else ast.Or(), values=operands)
        if operator in _ORDER and len(operands) == 2:
            return ast.Compare(left=operands[0], ops=[_ORDER[operator]()], comparators=operands[1:])
        if operator == "+" and any(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in operands):
            return ast.JoinedStr(values=operands)
        found = operands[0]
        for each in operands[1:]:
            found = ast.BinOp(left=found, op=ast.Add(), right=each)
        return found

    def as_member(self, node: Node) -> ast.expr:
        owner = node.child_by_field_name("object") or node.child_by_field_name("operand")
        name = node.child_by_field_name("property") or node.child_by_field_name("field")
        made = ast.Attribute(value=self.expr(owner), attr=text_of(name).lstrip("#") if name else "", ctx=LOAD)
        return (fixed(made) if self.grammar.family == "java" else None) or made

    def as_index(self, node: Node) -> ast.expr:
        first, *rest = self.parts(node) or [constant(None)]
        return ast.Subscript(
            value=cast("ast.expr", first), slice=ast.Tuple(elts=cast("list[ast.expr]", rest), ctx=LOAD), ctx=LOAD
        )

    def as_awaits(self, node: Node) -> ast.expr:
        return ast.Await(value=self.expr(node.named_children[-1] if node.named_children else None))

    def as_yields(self, node: Node) -> ast.expr:
        return ast.Yield(value=self.expr(node.named_children[-1] if node.named_children else None))

    def as_call(self, node: Node) -> ast.expr:
        given = node.child_by_field_name("arguments")
        func = node.child_by_field_name("function")
        if func is None:  # Java keeps the receiver and the name apart
            owner, name = node.child_by_field_name("object"), node.child_by_field_name("name")
            last = text_of(name) if name is not None else ""
            inside = owner is None and bool(self.owners)
            whole = self.named("self") if inside else None if owner is None else self.expr(owner)
            target: ast.expr = self.named(last) if whole is None else ast.Attribute(value=whole, attr=last, ctx=LOAD)
        else:
            target = self.named("super") if func.type == "super" else self.expr(func)
        return spoken(target, self.given(given), self.grammar.family)

    def given(self, node: Node | None) -> list[ast.expr]:
        """The arguments of a call."""
        if node is None:
            return []
        return [self.expr(each) for each in node.named_children if "comment" not in each.type]

    def as_make(self, node: Node) -> ast.expr:
        kind = node.child_by_field_name("constructor") or node.child_by_field_name("type")
        given = node.child_by_field_name("arguments")
        name = re.split(r"[<(]", text_of(kind))[0].rsplit(".", 1)[-1] if kind is not None else ""
        args = self.given(given)
        body = [each for each in node.named_children if each.type == "class_body"]
        inside: list[ast.AST] = [part for each in body for part in self.parts(each)]
        made = spoken(self.named(name), args, self.grammar.family, new=True)
        return opaque([made, *inside]) if body else made

    def as_array(self, node: Node) -> ast.expr:
        """Java's `new int[0]` and `new int[] {1, 2}`."""
        value = node.child_by_field_name("value")
        return self.expr(value) if value is not None else ast.List(elts=[], ctx=LOAD)
