"""What one Python file contributes: its functions' shapes, its classes, and how names are used in it. Plain JSON."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple, TypedDict

from bedrock_support.tools.gaps.asserts import weak_tests
from bedrock_support.tools.gaps.bodies import Function, called
from bedrock_support.tools.gaps.nodes import below, statements_in
from bedrock_support.tools.gaps.signals import comments_of, excuses, look

_GENERATED = re.compile(
    rb"(?:#[^\n]*\n)*?#[^\n]*(?:\bgenerated (?:by|from|with)\b|do not edit\b|@generated\b)", re.IGNORECASE
)
"""A comment at the very top says that a machine wrote the file."""
_HEAD_BYTES = 2_000


class FunctionFacts(TypedDict):
    """One function or method."""

    q: str
    """Qualified name inside the file."""
    c: int
    """Index of its class in the file, -1 for none."""
    line: int
    end: int
    kind: str
    """Kind of gap that it may be, empty for an ordinary body."""
    empty: bool
    marks: list[str]
    at: int
    """Line of the telling statement."""
    size: int
    value: str
    comment: str
    decorators: list[str]


class ClassFacts(TypedDict):
    q: str
    bases: list[str]
    """Last names of the bases."""
    hints: list[str]
    """For each base the last part of the module that it comes from, as far as the text says."""
    decorators: list[str]
    marks: list[str]
    """What its docstring says of empty bodies."""
    line: int
    hollow: bool
    """Nothing in it but a docstring, and no base that would bring something."""


class FileFacts(TypedDict):
    functions: list[FunctionFacts]
    classes: list[ClassFacts]
    uses: dict[str, list[int]]
    """Name -> times that a call's result is used, is thrown away, and that the name is passed on without a call. Keys:
    `f`, `.method`, `3#method` for self.method in class 3, `^method` for super().method."""
    imported: list[str]
    """Names that are imported inside a branch."""
    names: list[tuple[str, int, str]]
    """Names bound outside functions: qualified name, line, and `=` or where it is imported from (`module:name`)."""
    tests: list[tuple[str, int, int, str, float]]
    """Tests that can't fail: name, line, telling line, kind, confidence."""
    problem: str
    """Why the file couldn't be read as Python, empty if it could."""


def facts_of(source: bytes) -> FileFacts:
    """Facts of one file; whatever is in it, this returns."""
    found = FileFacts(functions=[], classes=[], uses={}, imported=[], names=[], tests=[], problem="")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        text = (
            source.decode("utf-8", "replace")
            if source[:3] != b"\xef\xbb\xbf"
            else source[3:].decode("utf-8", "replace")
        )
        _definitions(tree, text.splitlines(), found)
        if _GENERATED.match(source[:_HEAD_BYTES]):
            for each in found["functions"]:
                each["kind"], each["marks"] = "", []
        uses_of(tree, found)
        found["tests"] = weak_tests(tree) if b"def test" in source else []
    except (SyntaxError, ValueError) as error:
        found["problem"] = f"isn't Python that this version can read: {str(error)[:120]}"
    except (RecursionError, MemoryError):
        found["problem"] = "is nested too deeply"
    return found


class _Place(NamedTuple):
    """Where a statement stands."""

    prefix: str
    owner: int
    inner: bool
    branch: bool


def _definitions(tree: ast.Module, lines: list[str], found: FileFacts) -> None:
    origins, aliases = _origins(tree), _aliases(tree)
    pending: list[tuple[ast.AST, _Place]] = [(tree, _Place("", -1, False, False))]
    while pending:
        node, place = pending.pop()
        for child in statements_in(node):
            if isinstance(child, ast.ClassDef):
                found["classes"].append(_class(child, place.prefix, origins, aliases))
                at = len(found["classes"]) - 1
                pending.append((child, place._replace(prefix=f"{place.prefix}{child.name}.", owner=at)))
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                found["functions"].append(_function(child, place, lines))
                pending.append((child, _Place(f"{place.prefix}{child.name}.", -1, True, False)))
            elif isinstance(child, ast.ImportFrom | ast.Import | ast.Assign | ast.AnnAssign):
                if not place.inner:
                    _bind(child, place, found)
            elif isinstance(child, ast.If) and _last(child.test) == "TYPE_CHECKING":
                otherwise = ast.If(test=child.test, body=child.orelse, orelse=[])
                pending.append((otherwise, place._replace(branch=True)))
            else:
                branch = place.branch or isinstance(child, ast.If | ast.Try | ast.ExceptHandler)
                pending.append((child, place._replace(branch=branch)))


def _class(node: ast.ClassDef, prefix: str, origins: dict[str, str], aliases: dict[str, str]) -> ClassFacts:
    return ClassFacts(
        q=prefix + node.name,
        bases=[aliases.get(name, name) for base in node.bases if (name := _last(base))],
        hints=[_home(base, origins) for base in node.bases if _last(base)],
        decorators=[_last(each) for each in node.decorator_list],
        line=node.lineno,
        hollow=_hollow(node),
        marks=sorted(excuses(ast.get_docstring(node, clean=False) or "", "class")),
    )


def _bind(node: ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign, place: _Place, found: FileFacts) -> None:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        found["names"] += [(place.prefix + name, node.lineno, "=") for name in _targets(node)]
        return
    found["names"] += _bound_imports(node, place.prefix)
    if place.branch:
        found["imported"] += [each.asname or each.name for each in node.names]


def _function(node: Function, place: _Place, lines: list[str]) -> FunctionFacts:
    decorators = [_last(each) for each in node.decorator_list]
    seen = look(node, lambda body: comments_of(node, lines, body), set(decorators))
    marks = seen.marks
    if seen.kind:
        marks |= {"nested"} if place.inner else set()
        marks |= {"branched"} if place.branch else set()
        marks.add("method" if place.owner >= 0 else "plain_function")
    return FunctionFacts(
        q=place.prefix + node.name,
        c=place.owner,
        line=node.lineno,
        end=node.end_lineno or node.lineno,
        kind=seen.kind or "",
        empty=seen.empty,
        marks=sorted(marks) if seen.kind else [],
        at=seen.line,
        size=seen.size,
        value=seen.value,
        comment=seen.comment,
        decorators=decorators,
    )


def _last(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    flat = [part for each in targets for part in (each.elts if isinstance(each, ast.Tuple) else [each])]
    # `name = decorate(name)` changes what something else has defined.
    used = (
        {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
        if node.value is not None
        else set[str]()
    )
    return [each.id for each in flat if isinstance(each, ast.Name) and each.id not in used]


def _bound_imports(node: ast.Import | ast.ImportFrom, prefix: str) -> list[tuple[str, int, str]]:
    if isinstance(node, ast.ImportFrom):
        home = "." * node.level + (node.module or "")
        return [(prefix + (each.asname or each.name), node.lineno, f"{home}:{each.name}") for each in node.names]
    return [(prefix + (each.asname or each.name), node.lineno, f"{each.name}:") for each in node.names]


def _hollow(node: ast.ClassDef) -> bool:
    body = [each for each in node.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    if any(isinstance(each, ast.Return) for each in body):  # not even valid where it stands
        return True
    return (
        not node.bases
        and not node.keywords
        and not node.decorator_list
        and all(isinstance(each, ast.Pass) for each in body)
    )


def _origins(tree: ast.Module) -> dict[str, str]:
    """Imported name -> last part of the module that it comes from."""
    found: dict[str, str] = {}
    for each in tree.body:
        if isinstance(each, ast.ImportFrom):
            home = (each.module or "").rsplit(".", 1)[-1]
            found.update({name.asname or name.name: home for name in each.names})
    return found


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What names that imports gave anew are called at home."""
    return {
        name.asname: name.name
        for each in tree.body
        if isinstance(each, ast.ImportFrom)
        for name in each.names
        if name.asname and name.asname != name.name
    }


def _home(node: ast.expr, origins: dict[str, str]) -> str:
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    if isinstance(node, ast.Attribute):
        return _last(node.value)
    return origins.get(node.id, "") if isinstance(node, ast.Name) else ""


def uses_of(tree: ast.Module, found: FileFacts) -> None:
    """Count how each name of the tree is used; its classes are in `found` already."""
    uses = found["uses"]
    index = {each["q"]: at for at, each in enumerate(found["classes"])}
    scopes: list[tuple[list[ast.AST], str, int]] = [(below(tree), "", -1)]
    while scopes:
        nodes, prefix, owner = scopes.pop()
        while nodes:
            node = nodes.pop()
            if type(node) in _SMALL:
                nodes += _small(node, uses, owner)
            elif isinstance(node, ast.Call):
                _count(uses, node.func, owner, 0)
                nodes += _inside(node)
            elif isinstance(node, ast.Expr):
                thrown = node.value.value if isinstance(node.value, ast.Await) else node.value
                if isinstance(thrown, ast.Call):
                    _count(uses, thrown.func, owner, 1)
                    nodes += _inside(thrown)
                else:
                    nodes.append(node.value)
            elif isinstance(node, ast.ClassDef):
                inner = f"{prefix}{node.name}."
                scopes.append((below(node), inner, index.get(inner[:-1], owner)))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                scopes.append((below(node), f"{prefix}{node.name}.", owner))
            else:
                nodes += below(node)


_SMALL = frozenset({ast.Constant, ast.Name, ast.Attribute})
"""What most nodes of a tree are."""


def _small(node: ast.AST, uses: dict[str, list[int]], owner: int) -> list[ast.AST]:
    """Counts a name or an attribute; gives what is inside it."""
    if not isinstance(node, ast.Name | ast.Attribute):
        return []
    if isinstance(node.ctx, ast.Load):
        _count(uses, node, owner, 2)
    return [node.value] if isinstance(node, ast.Attribute) else []


def _inside(call: ast.Call) -> Iterator[ast.AST]:
    """What is inside a call but the name that it calls."""
    if isinstance(call.func, ast.Attribute):
        yield call.func.value
    elif not isinstance(call.func, ast.Name):
        yield call.func
    yield from call.args
    yield from call.keywords


def _count(uses: dict[str, list[int]], func: ast.expr, owner: int, how: int) -> None:
    if isinstance(func, ast.Name):
        key = func.id
    elif isinstance(func, ast.Attribute):
        value = func.value
        if isinstance(value, ast.Name) and value.id in ("self", "cls") and owner >= 0:
            key = f"{owner}#{func.attr}"
        elif isinstance(value, ast.Call) and called(value) == "super":
            key = f"^{func.attr}"
        else:
            key = f".{func.attr}"
    else:
        return
    uses.setdefault(key, [0, 0, 0])[how] += 1


__all__ = ["ClassFacts", "FileFacts", "FunctionFacts", "facts_of", "uses_of"]
