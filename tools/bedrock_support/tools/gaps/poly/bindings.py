"""Functions that get their names by being kept somewhere: variables, fields, properties, prototypes and exports."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, cast

from bedrock_support.tools.gaps.poly.define import Definitions
from bedrock_support.tools.gaps.poly.express import constant, no_arguments, opaque, text_of
from bedrock_support.tools.gaps.poly.forms import decorator, parameters, words_of
from bedrock_support.tools.gaps.poly.statements import Made, bare

if TYPE_CHECKING:
    from tree_sitter import Node

_EXPORTED = {"exports", "module.exports", "module"}
_CLASSES = {"class", "class_declaration"}


class Walker(Definitions):
    """The whole walk: definitions, and what is bound to names."""

    def on_declare(self, node: Node) -> Made:
        found: Made = []
        doc = self.doc
        for each in [node] if node.child_by_field_name("left") or node.type.endswith("spec") else node.named_children:
            self.doc = doc
            if each.type in ("var_spec_list", "const_spec_list"):
                found += self.on_declare(each)
                continue
            target = each.child_by_field_name("left") or each.child_by_field_name("name")
            value = each.child_by_field_name("right") or each.child_by_field_name("value")
            if target is None:
                continue
            if value is not None and value.type == "expression_list" and len(value.named_children) == 1:
                value = value.named_children[0]
            found += self.kept(target, value, each)
        return found

    def kept(self, target: Node, value: Node | None, node: Node) -> Made:
        """A name and what it is bound to."""
        plain = self.roles.get(target.type) == "name"
        name = text_of(target) if plain or target.type == "expression_list" else ""
        if plain and value is not None:
            made = self.function_of(value, name)
            if made is not None:
                self.bind(name, node)
                return [made]
            if value.type in _CLASSES:
                return self.klass(value, name)
        for each in name.split(",") if name else []:
            self.bind(each.strip(), node)
        before = self.prefix
        if name and value is not None and self.holder(value):
            self.prefix = f"{self.prefix}{name}."
        held = self.expr(value) if value is not None else constant(None)
        self.prefix = before
        targets = self.targets(target)
        whole = targets[0] if len(targets) == 1 else ast.Tuple(elts=targets, ctx=ast.Store())
        return [ast.Assign(targets=[whole], value=held)]

    def holder(self, value: Node) -> bool:
        """An object literal, whole or inside one call: its functions are named after the variable."""
        return self.roles.get(value.type) in ("mapping", "through", "composite")

    def function_of(self, value: Node, name: str) -> ast.FunctionDef | None:
        """A function, when that is what the value is."""
        role = self.roles.get(value.type)
        if role == "through":
            inner = value.named_children
            return self.function_of(inner[0], name) if inner else None
        if role == "lambda_":
            return self.define(value, name)
        return None

    def on_assign(self, node: Node) -> Made:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is not None and left.type == "expression_list" and len(left.named_children) == 1:
            left = left.named_children[0]
        if right is not None and right.type == "expression_list" and len(right.named_children) == 1:
            right = right.named_children[0]
        if left is None or right is None:
            return []
        operator = next((each.type for each in node.children if each.type.endswith("=")), "=")
        if operator != "=":
            return [ast.AugAssign(target=cast("ast.Name", self.stored(left)), op=ast.Add(), value=self.expr(right))]
        said = text_of(left) if self.roles.get(left.type) == "member" else ""
        if said and (self.roles.get(right.type) in ("lambda_", "mapping") or right.type in _CLASSES):
            return self._member(said, left, right)
        targets = self.targets(left)
        whole = targets[0] if len(targets) == 1 else ast.Tuple(elts=targets, ctx=ast.Store())
        # Told twice, since the name may be another function's, too: its value isn't known here.
        return [ast.Assign(targets=[whole, whole], value=self.expr(right))]

    def _member(self, said: str, left: Node, right: Node) -> Made:
        """`exports.name = function`, `Type.prototype.name = function`, `module.exports = {...}`."""
        home, _, name = said.rpartition(".")
        kept = self.prefix
        owner: int | None = None
        exported = home in _EXPORTED
        if not exported and home:
            owned = home.removesuffix(".prototype")
            self.prefix = f"{kept}{owned}." if owned != "this" else kept
            owner = next((at for at, each in enumerate(self.classes) if each["q"] == self.prefix[:-1]), None)
        whole = said in _EXPORTED
        if self.roles.get(right.type) == "mapping":
            self.prefix = self.prefix if whole else f"{self.prefix}{name}."
            value = self.expr(right)
            self.prefix = kept
            return [ast.Assign(targets=[self.expr(left)], value=value)]
        if right.type in _CLASSES:
            field = right.child_by_field_name("name")
            made: Made = list(self.klass(right, text_of(field) if field is not None else name))
        else:
            field = right.child_by_field_name("name")
            called = text_of(field) if whole and field is not None else name
            made = [self.define(right, called, owner=owner)]
        self.prefix = kept
        return [*made, ast.Assign(targets=[self.expr(left)], value=self.named(name))]

    def on_field(self, node: Node) -> Made:
        found: Made = []
        parts = [each for each in node.named_children if each.type == "variable_declarator"] or [node]
        self.pending = []
        for each in parts:
            name = each.child_by_field_name("name") or each.child_by_field_name("property")
            value = each.child_by_field_name("value")
            called = text_of(name).lstrip("#") if name is not None else ""
            if value is not None and self.roles.get(value.type) == "lambda_" and self.grammar.family == "script":
                self.pending = words_of(node)
                found.append(self.define(value, called, method=True))
                continue
            self.bind(called, node)
            if value is not None:
                self.nesting += 1  # what stands in a field's value is nobody's method
                found.append(ast.Assign(targets=[self.named(called, store=True)], value=self.expr(value)))
                self.nesting -= 1
        return found

    def on_nothing(self, node: Node) -> Made:
        if node.type != "decorator":
            return []
        self.pending.append(decorator(node))
        return [ast.Expr(value=opaque(self.parts(node)))]

    def on_klass(self, node: Node) -> Made:
        made = super().on_klass(node)
        inner = [each for each in node.children if each.type == "decorator"]
        return [*[self.at(ast.Expr(value=opaque(self.parts(each))), node) for each in inner], *made]

    def on_lambda_(self, node: Node) -> Made:
        return [ast.Expr(value=self.expr(node))]

    def as_lambda_(self, node: Node) -> ast.expr:
        """A function without a name: opaque, but what stands in it is read."""
        kept = self.prefix, self.nesting, self.results, self.gives_error, self.result_names
        self.nesting, self.results, self.gives_error, self.result_names = self.nesting + 1, 0, False, []
        body = self.body_of(node.child_by_field_name("body"))
        self.prefix, self.nesting, self.results, self.gives_error, self.result_names = kept
        made = opaque(cast("list[ast.AST]", body))
        if isinstance(made, ast.Lambda):
            given = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
            made.args = parameters(given, method=False) if given is not None else no_arguments()
        return made

    def as_mapping(self, node: Node) -> ast.expr:
        keys: list[ast.expr | None] = []
        values: list[ast.expr] = []
        above: Node | None = None
        for each in node.named_children:
            if "comment" in each.type:
                self.note(each)
                above = each
                continue
            near = above is not None and each.start_point[0] - above.end_point[0] <= 1
            self.doc = bare(text_of(above)) if above is not None and near else ""
            key = each.child_by_field_name("key") or each.child_by_field_name("name")
            name = text_of(key).strip("'\"[]") if key is not None else ""
            value = each.child_by_field_name("value")
            keys.append(constant(name))
            if each.type == "method_definition":
                values.append(opaque([self.at(self.define(each, name), each)]))
            elif value is not None and self.roles.get(value.type) == "lambda_" and name.isidentifier():
                values.append(opaque([self.at(self.define(value, name), each)]))
            elif value is not None:
                kept = self.prefix
                self.prefix = f"{kept}{name}." if self.roles.get(value.type) == "mapping" else kept
                values.append(self.expr(value))
                self.prefix = kept
            else:
                values.append(self.expr(each))
            above = None
        return ast.Dict(keys=keys, values=values)
