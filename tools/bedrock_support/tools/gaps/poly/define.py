"""Functions, classes and names of one file in another language, gathered while it is turned into Python's tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bedrock_support.tools.gaps.facts import ClassFacts
from bedrock_support.tools.gaps.poly.classlike import bases_of, class_facts, holder, recovering
from bedrock_support.tools.gaps.poly.control import Control
from bedrock_support.tools.gaps.poly.express import text_of
from bedrock_support.tools.gaps.poly.forms import parameters, result_names, results, returned, words_of
from bedrock_support.tools.gaps.poly.statements import Made

if TYPE_CHECKING:
    from tree_sitter import Node

    from bedrock_support.tools.gaps.poly.languages import Grammar

TYPED = "__types__"
"""Stands where a function declares types."""
_MAKERS = ("new", "New", "make", "Make", "default", "Default", "with", "With", "must", "Must", "empty", "Empty")


@dataclass(slots=True, kw_only=True)
class Defined:
    """A function as it was met."""

    node: ast.FunctionDef
    q: str
    owner: int
    inner: bool
    branch: bool
    decorators: list[str]
    doc: str
    contract: bool
    """It has no body and needs none."""
    work: bool = False
    """Its head does something: a constructor whose parameters become fields."""
    body_line: int = 0


class Definitions(Control):
    """The walk over one file; what it defines is in `functions`, `classes` and `names` afterwards."""

    def __init__(self, grammar: Grammar) -> None:
        super().__init__(grammar)
        self.functions: list[Defined] = []
        self.classes: list[ClassFacts] = []
        self.names: list[tuple[str, int, str]] = []
        self.nesting: int = 0
        """Functions that enclose what is being read."""
        self.branches = 0
        self.pending: list[str] = []
        """Decorators that stand before the next member."""

    def define(self, node: Node, name: str, *, method: bool = False, owner: int | None = None) -> ast.FunctionDef:
        """One function with its body; noted, and given back as a statement."""
        doc, self.doc = self.doc, ""
        decorators = [*self.pending, *words_of(node)]
        self.pending = []
        kind = node.child_by_field_name("return_type") or node.child_by_field_name("result")
        kind = kind or (node.child_by_field_name("type") if self.grammar.family == "java" else None)
        body = node.child_by_field_name("body")
        kept = self.prefix, self.nesting, self.makes_new, self.line, self.pending
        gives = self.results, self.gives_error, self.result_names
        given = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        self.results, self.gives_error = results(kind) if self.grammar.family == "go" else (0, False)
        self.result_names = result_names(kind) if self.grammar.family == "go" else []
        self.makes_new = name.startswith(_MAKERS) or given is None or not given.named_children
        made = ast.FunctionDef(
            name=name,
            args=parameters(given, method=method and "staticmethod" not in decorators),
            body=[],
            decorator_list=[],
            returns=returned(kind, self.grammar),
            lineno=node.start_point[0] + 1,
            end_lineno=node.end_point[0] + 1,
            col_offset=0,
        )
        places = self.owners if method else []
        found = Defined(
            node=made,
            q=self.prefix + name,
            owner=owner if owner is not None else places[-1] if places else -1,
            inner=self.nesting > 0,
            branch=self.branches > 0,
            decorators=decorators,
            doc=doc,
            contract=body is None,
            body_line=body.start_point[0] + 1 if body is not None else 0,
            work=given is not None
            and any(
                part.type in ("accessibility_modifier", "readonly")
                for each in given.named_children
                for part in each.children
            ),
        )
        if body is None:
            decorators.append("abstractmethod")
        self.functions.append(found)
        self.prefix, self.nesting = f"{self.prefix}{name}.", self.nesting + 1
        made.body = self.body_of(body) or [self.at(ast.Pass(), body or node)]
        self.prefix, self.nesting, self.makes_new, self.line, self.pending = kept
        self.results, self.gives_error, self.result_names = gives
        made.body = recovering(made.body)
        return made

    def body_of(self, body: Node | None) -> Made:
        if body is None:
            return []
        if self.roles.get(body.type) == "block":
            return self.block(body.named_children)
        return [self.at(ast.Return(value=self.expr(body)), body)]

    def on_function(self, node: Node) -> Made:
        name = node.child_by_field_name("name")
        return [self.define(node, text_of(name) if name is not None else "default")]

    def on_method(self, node: Node) -> Made:
        field = node.child_by_field_name("name")
        name = text_of(field).strip("'\"#[]") if field is not None else "constructor"
        receiver = node.child_by_field_name("receiver")
        if receiver is None:
            return [self.define(node, name, method=True)]
        owner, kept = self._received(receiver), self.prefix
        self.prefix = f"{self.classes[owner]['q']}."
        made = self.define(node, name, owner=owner)
        self.prefix = kept
        return [made]

    def _received(self, receiver: Node) -> int:
        """The type that a method of Go belongs to; one that another file defines is noted by its name."""
        kind = next((part for each in receiver.named_children if (part := each.child_by_field_name("type"))), receiver)
        name = text_of(kind).lstrip("*( ").split("[", 1)[0].rstrip(") ")
        for at, each in enumerate(self.classes):
            if each["q"] == name:
                return at
        self.classes.append(class_facts(name, [], receiver.start_point[0] + 1, decorators=["elsewhere"]))
        return len(self.classes) - 1

    def on_contract(self, node: Node) -> Made:
        field = node.child_by_field_name("name")
        made = self.define(node, text_of(field) if field is not None else "", method=True)
        return [made]

    def on_klass(self, node: Node) -> Made:
        field = node.child_by_field_name("name")
        return self.klass(node, text_of(field) if field is not None else "default")

    def on_interface(self, node: Node) -> Made:
        field = node.child_by_field_name("name")
        return self.klass(node, text_of(field) if field is not None else "", contract=True)

    def klass(self, node: Node, name: str, *, contract: bool = False) -> Made:
        doc, self.doc = self.doc, ""
        body = node.child_by_field_name("body")
        bases = bases_of(node) + (["Protocol"] if contract else [])
        decorators, self.pending = [*self.pending, *words_of(node)], []
        hollow = (
            not bases
            and not decorators
            and node.type != "record_declaration"
            and not contract
            and (body is None or not [each for each in body.named_children if "comment" not in each.type])
        )
        found = class_facts(
            self.prefix + name, bases, node.start_point[0] + 1, decorators=decorators, doc=doc, hollow=hollow
        )
        self.classes.append(found)
        kept, nesting = self.prefix, self.nesting
        self.prefix = f"{self.prefix}{name}."
        self.owners.append(len(self.classes) - 1)
        members = self.block(body.named_children) if body is not None else []
        self.owners.pop()
        self.prefix, self.nesting = kept, nesting
        return [holder(name, members)]

    def on_typedef(self, node: Node) -> Made:
        doc, found = self.doc, Made()
        for each in node.named_children:
            name, kind = each.child_by_field_name("name"), each.child_by_field_name("type")
            if name is None or kind is None:
                continue
            line, called = each.start_point[0] + 1, text_of(name)
            if kind.type == "interface_type":
                bases = [text_of(part).rsplit(".", 1)[-1] for part in kind.named_children if part.type == "type_elem"]
                self.classes.append(class_facts(called, [*bases, "Protocol"], line, doc=doc))
                kept, self.prefix = self.prefix, f"{called}."
                self.owners.append(len(self.classes) - 1)
                for part in kind.named_children:
                    if part.type == "method_elem":
                        found += self.on_contract(part)
                self.owners.pop()
                self.prefix = kept
            elif kind.type == "struct_type":
                fields = [
                    part
                    for holder in kind.named_children
                    for part in holder.named_children
                    if part.type == "field_declaration"
                ]
                loose = [part for part in fields if part.child_by_field_name("name") is None]
                bases = [
                    text_of(part.child_by_field_name("type") or part).lstrip("*").rsplit(".", 1)[-1] for part in loose
                ]
                self.classes.append(class_facts(called, bases, line, doc=doc, hollow=not fields))
            else:
                self.classes.append(class_facts(called, [], line, doc=doc))
        return found

    def on_typed(self, node: Node) -> Made:
        field = node.child_by_field_name("name")
        if field is not None:
            self.bind(text_of(field), node)
        return []

    def on_skipped(self, node: Node) -> Made:
        """A type, a signature or an ambient declaration: a name and nothing else."""
        inner = node.named_children[-1] if node.type == "ambient_declaration" and node.named_children else node
        field = inner.child_by_field_name("name")
        if field is not None:
            self.bind(text_of(field), node)
        return [ast.Expr(value=self.named(TYPED))] if self.nesting else []

    def on_space(self, node: Node) -> Made:
        return self.inside(node.child_by_field_name("body"))

    def bind(self, name: str, node: Node, origin: str = "=") -> None:
        if not self.nesting:
            self.names.append((self.prefix + name, node.start_point[0] + 1, origin))

    def on_branch(self, node: Node) -> Made:
        self.branches += 1
        found = super().on_branch(node)
        self.branches -= 1
        return found
