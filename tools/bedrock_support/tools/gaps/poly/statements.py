"""Statements of other languages as Python's, with the comments that stand among them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from bedrock_support.tools.gaps.poly.answers import given, refuses
from bedrock_support.tools.gaps.poly.calls import MISSING_ERRORS, dotted
from bedrock_support.tools.gaps.poly.express import LOAD, Expressions, constant, opaque, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from bedrock_support.tools.gaps.poly.languages import Grammar

_GO_ERRORS = {"New", "Errorf", "Error", "Wrap", "Wrapf", "WithMessage", "WithStack"}
_HOMES = re.compile(r"(?:^|\.)(?:errors|fmt|status|xerrors|connect|huma|echo|fiber)$")
_DECORATION = re.compile(r"^\s*(?:/\*+!?|\*+/|\*(?!/)|//[/!]?)\s?|\s*\*+/\s*$", re.MULTILINE)
Made = list[ast.stmt]


def bare(comment: str) -> str:
    """A comment's text without its signs, with JSDoc's and Javadoc's tags told as Python's docstrings tell them."""
    said = _DECORATION.sub("", comment)
    return re.sub(r"^@param\b", ":param", re.sub(r"^@returns?\b", ":return:", said, flags=re.M), flags=re.M).strip()


class Statements(Expressions):
    """Turns the nodes of one file into statements; definitions are what a subclass adds."""

    def __init__(self, grammar: Grammar) -> None:
        super().__init__(grammar)
        self.prefix: str = ""
        """Qualified name of what is being read, with a dot at its end."""
        self.comments: list[tuple[int, str]] = []
        """Line and text of each line of a comment."""
        self.doc = ""
        """What stands directly above the statement that is being read."""
        self.results: int = 0
        """Results that the function being read gives in Go, with its error."""
        self.result_names: list[str] = []
        """Their names, if they have some: a bare return gives those."""
        self.gives_error: bool = False
        """The last of them is an error."""
        self._doing: dict[str, Callable[[Node], Made]] = {
            name[3:]: getattr(self, name) for name in dir(self) if name.startswith("on_")
        }

    def block(self, nodes: Sequence[Node], above_it: str = "") -> Made:
        """The statements of a block; functions declared in it stand first, as they are known from the start."""
        found: Made = []
        above: list[Node] = []
        for node in nodes:
            kind = node.type
            if "comment" in kind:
                self.note(node)
                above = [*above, node] if above and node.start_point[0] - above[-1].end_point[0] <= 1 else [node]
                continue
            near = above and node.start_point[0] - above[-1].end_point[0] <= 1
            self.doc = "\n".join(bare(text_of(each)) for each in above) if near else above_it
            above = above if kind == "decorator" else []
            self.line = node.start_point[0] + 1
            found += self.statement(node)
        if any(isinstance(each, ast.FunctionDef) for each in found):
            found.sort(key=lambda each: not isinstance(each, ast.FunctionDef))
        return found

    def note(self, node: Node) -> None:
        at = node.start_point[0] + 1
        for number, line in enumerate(text_of(node).splitlines()[:200]):
            said = bare(line)
            if said:
                self.comments.append((at + number, said[:300]))

    def inside(self, node: Node | None) -> Made:
        """A block, or the single statement that stands in its place."""
        if node is None:
            return []
        return self.block(node.named_children) if self.roles.get(node.type) == "block" else self.block([node])

    def statement(self, node: Node) -> Made:
        way = self._doing.get(self.roles.get(node.type, ""))
        self.depth += 1
        line = self.line = node.start_point[0] + 1
        try:
            if self.depth > 100:
                return [self.at(ast.Expr(value=opaque([])), node)]
            found: Made = way(node) if way is not None else [ast.Expr(value=self.expr(node))]
        finally:
            self.depth -= 1
        for each in found:
            if not hasattr(each, "lineno"):
                each.lineno, each.end_lineno = line, node.end_point[0] + 1
                each.col_offset = 0
        return found

    def at(self, made: ast.stmt, node: Node) -> ast.stmt:
        made.lineno, made.end_lineno, made.col_offset = node.start_point[0] + 1, node.end_point[0] + 1, 0
        return made

    def on_block(self, node: Node) -> Made:
        return self.block(node.named_children, self.doc if node.type == "export_statement" else "")

    def on_nothing(self, node: Node) -> Made:
        return []

    on_skipped = on_nothing

    def on_leave(self, node: Node) -> Made:
        return [ast.Break() if node.type.startswith(("break", "goto")) else ast.Continue()]

    def on_said(self, node: Node) -> Made:
        inner = [each for each in node.named_children if "comment" not in each.type]
        if not inner or self.roles.get(inner[0].type) == "text":  # "use strict"
            return []
        role = self.roles.get(inner[0].type, "")
        if role in ("assign", "augment", "cases", "lambda_"):
            return self._doing[role](inner[0]) if role in self._doing else []
        value = self.expr(inner[0])
        if refuses(value):
            return [ast.Raise(exc=self.named("NotImplementedError"))]
        if (answer := given(value, self.prefix.rstrip(".").rsplit(".", 1)[-1])) is not None:
            return [ast.Return(value=answer)]
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "panic":
            return [ast.Raise(exc=ast.Call(func=self.named("Error"), args=value.args, keywords=[]))]
        return [ast.Expr(value=value)]

    def on_later(self, node: Node) -> Made:
        value = self.expr(node.named_children[-1] if node.named_children else None)
        body = value.func.body if isinstance(value, ast.Call) and isinstance(value.func, ast.Lambda) else None
        only = body.body[0] if isinstance(body, ast.Module) and len(body.body) == 1 else None
        held = only.value if isinstance(only, ast.Expr | ast.Assign) else None
        recovers = isinstance(held, ast.Call) and dotted(held.func) == "recover"
        return [ast.Expr(value=self.named("__recovers__") if recovers else value)]

    def on_throw(self, node: Node) -> Made:
        value = self.expr(node.named_children[0] if node.named_children else None)
        if isinstance(value, ast.Call) and MISSING_ERRORS.match(dotted(value.func).rsplit(".", 1)[-1]):
            value = ast.Call(func=self.named("NotImplementedError"), args=value.args, keywords=[])
        return [ast.Raise(exc=value)]

    def on_ret(self, node: Node) -> Made:
        inner = [each for each in node.named_children if "comment" not in each.type]
        if not inner:
            named = [self.named(each) for each in self.result_names]
            return [ast.Return(value=ast.Tuple(elts=list(named), ctx=LOAD) if named else None)]
        value = self.expr(inner[0])
        made = value.args if self.roles.get(inner[0].type) == "make" and isinstance(value, ast.Call) else []
        if made and all(isinstance(each, ast.Constant) for each in made):  # an object of sample values
            value = ast.Dict(keys=[constant("") for _ in made], values=made)
        if refuses(value):
            return [ast.Raise(exc=self.named("NotImplementedError"))]
        answer = given(value, self.prefix.rstrip(".").rsplit(".", 1)[-1])
        return [self.answered(value if answer is None else answer)]

    def answered(self, value: ast.expr) -> ast.stmt:
        """A return, as Python says it: Go's errors are raised, and its nil error is left away."""
        if not self.gives_error:
            return ast.Return(value=value)
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        if len(parts) != self.results:
            return ast.Return(value=value)
        last = parts[-1]
        name = dotted(last.func if isinstance(last, ast.Call) else last)
        before, _, word = name.rpartition(".")
        if MISSING_ERRORS.match(word):
            return ast.Raise(exc=self.named("NotImplementedError"))
        if isinstance(last, ast.Call) and word in _GO_ERRORS and _HOMES.search(before):
            texts = last.args
            return ast.Raise(exc=ast.Call(func=self.named("Error"), args=texts, keywords=[]))
        if isinstance(last, ast.Constant) and last.value is None:
            kept = parts[:-1]
            return ast.Return(value=ast.Tuple(elts=kept, ctx=LOAD) if len(kept) > 1 else kept[0] if kept else None)
        if len(parts) > 1 and isinstance(last, ast.Name | ast.Attribute) and word.lower().startswith("err"):
            return ast.Raise(exc=last)
        return ast.Return(value=value)

    def on_branch(self, node: Node) -> Made:
        before = self.inside(node.child_by_field_name("initializer"))
        test = self.expr(node.child_by_field_name("condition"))
        body = self.inside(node.child_by_field_name("consequence"))
        other = node.child_by_field_name("alternative")
        if other is not None and other.type == "else_clause":
            other = other.named_children[-1] if other.named_children else None
        return [*before, ast.If(test=test, body=body or self.empty(node), orelse=self.inside(other))]

    def empty(self, node: Node) -> Made:
        return [self.at(ast.Pass(), node)]

    def on_checks(self, node: Node) -> Made:
        return [ast.Assert(test=self.expr(node.named_children[0] if node.named_children else None))]

    def on_augment(self, node: Node) -> Made:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        left = left or node.child_by_field_name("argument") or (node.named_children[0] if node.named_children else None)
        return [ast.AugAssign(target=cast("ast.Name", self.stored(left)), op=ast.Add(), value=self.expr(right))]

    def stored(self, node: Node | None) -> ast.expr:
        """What an assignment changes."""
        if node is None:
            return self.named("_", store=True)
        if self.roles.get(node.type) == "name":
            return self.named(text_of(node), store=True)
        return self.expr(node)

    def targets(self, node: Node) -> list[ast.expr]:
        """Names that a pattern or a list of expressions binds, and places that it changes."""
        role = self.roles.get(node.type, "")
        if role == "name" or node.type == "shorthand_property_identifier_pattern":
            return [self.named(text_of(node), store=True)]
        if role in ("member", "index"):
            return [self.expr(node)]
        if node.type == "pair_pattern":
            value = node.child_by_field_name("value")
            return self.targets(value) if value is not None else []
        if node.type in ("assignment_pattern", "object_assignment_pattern"):
            left = node.child_by_field_name("left")
            return self.targets(left) if left is not None else []
        return [
            part
            for each in node.named_children
            if self.roles.get(each.type) != "nothing"
            for part in self.targets(each)
        ]
