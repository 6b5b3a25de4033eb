"""A body without work, by its statements: what it returns, what it pretends, what it refuses."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from bedrock_support.tools.gaps.bodies import SHAPING, Kind, called, is_log, is_random, is_sleep
from bedrock_support.tools.gaps.literals import is_constant
from bedrock_support.tools.gaps.nodes import every, expressions_in
from bedrock_support.tools.gaps.values import looks_canned
from bedrock_support.tools.gaps.words import SAID_MISSING, SAID_UNSUPPORTED

ADDS = frozenset({"append", "add", "extend", "insert", "update", "setdefault"})
"""Methods that put something into a container."""
_DEPTH = 4

_BARE = {"Exception", "BaseException", "AssertionError"}
"""Errors that say nothing of what went wrong."""


def not_implemented(node: ast.stmt) -> bool:
    """Raises NotImplementedError, an error of no sort of its own, or any whose text says that the work is missing."""
    if isinstance(node, ast.Assert):
        return isinstance(node.test, ast.Constant) and not node.test.value
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    exc = node.exc
    name = called(exc) or (exc.id if isinstance(exc, ast.Name) else exc.attr if isinstance(exc, ast.Attribute) else "")
    if name in ("NotImplementedError", "NotImplemented", "NotImplementedException"):
        return True
    if name in _BARE and isinstance(exc, ast.Call) and all(isinstance(each, ast.Constant) for each in exc.args):
        return True
    return _says_missing(node)


def _said(node: ast.stmt) -> list[str]:
    """What an error that is raised, or a failed assertion, says."""
    if isinstance(node, ast.Assert):
        return texts([node.msg]) if node.msg is not None else []
    exc = node.exc if isinstance(node, ast.Raise) else None
    return texts(exc.args) if isinstance(exc, ast.Call) else []


def _says_missing(node: ast.stmt) -> bool:
    return any(SAID_MISSING.search(text) for text in _said(node))


def declares(node: ast.stmt) -> bool:
    """The error's text declares a limit or a contract."""
    return any(SAID_UNSUPPORTED.search(text) and not SAID_MISSING.search(text) for text in _said(node))


def texts(nodes: list[ast.expr]) -> list[str]:
    """String literals directly among the expressions, f-strings by their fixed parts."""
    found = [each.value for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    for each in nodes:
        if isinstance(each, ast.JoinedStr):
            found += [
                part.value for part in each.values if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
    return found


@dataclass(slots=True)
class Trivial:
    """A body without work: what it returns and what it pretends."""

    returned: list[ast.expr] = field(default_factory=list[ast.expr])
    known: dict[str, ast.expr] = field(default_factory=dict[str, ast.expr])
    drawn: set[str] = field(default_factory=set[str])
    """Names of what chance gave."""
    given: dict[str, str] = field(default_factory=dict[str, str])
    """Other names of parameters."""
    said: list[str] = field(default_factory=list[str])
    logs: bool = False
    sleeps: bool = False
    chance: bool = False
    echoes: str = ""
    raises: bool = False
    declared: bool = False
    """What it raises declares a limit or a contract."""
    unwritten: bool = False
    """Its error says that the work is missing."""
    refuses: bool = False
    """Returns NotImplemented, as only special methods may."""
    ellipsis: bool = False
    deletes: bool = False
    explicit: bool = False
    """Has `pass` or a return, more than a docstring."""

    def kind(self) -> Kind:
        if self.raises or self.refuses:
            return "not_implemented"
        if self.chance or self.sleeps:
            return "simulated"
        if self.echoes:
            return "echo"
        if self.logs:
            return "log_only"
        if self.returned and not all(isinstance(each, ast.Constant) and each.value is None for each in self.returned):
            return "constant"
        return "ellipsis" if self.ellipsis else "pass"


def trivial(body: list[ast.stmt], params: list[str]) -> Trivial | None:
    """The statements as a body without work, or None when they do some."""
    found = Trivial()
    return found if _all_nothing(body, found, params, 0) else None


def _all_nothing(body: list[ast.stmt], found: Trivial, params: list[str], depth: int) -> bool:
    return depth < _DEPTH and all(_nothing(each, found, params, depth) for each in body)


def _nothing(each: ast.stmt, found: Trivial, params: list[str], depth: int) -> bool:
    """Whether the statement does no work; what it shows is noted in `found`."""
    if isinstance(each, ast.Expr):
        return _quiet(each.value, found) or _adds(each.value, found)
    if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None:
        targets: list[ast.expr] = list(each.targets) if isinstance(each, ast.Assign) else [each.target]
        return _keeps(targets, each.value, found, params)
    if isinstance(each, ast.Return):
        found.explicit = True
        return _answers(each.value, found, params)
    if isinstance(each, ast.For) and all(isinstance(one, ast.Pass | ast.Continue) for one in each.body):
        return isinstance(each.iter, ast.Name | ast.Attribute) and not each.orelse
    if isinstance(each, ast.For):  # goes through literals and does nothing with them
        found.known |= {one.id: ast.Constant(0) for one in every(each.target) if isinstance(one, ast.Name)}
        return is_constant(each.iter, found.known) and _all_nothing(
            [*each.body, *each.orelse], found, params, depth + 1
        )
    if isinstance(each, ast.If):  # chance decides what is claimed
        if not _by_chance(each.test, found):
            return False
        found.chance = True
        return _all_nothing([*each.body, *each.orelse], found, params, depth + 1)
    if isinstance(each, ast.Delete):
        found.deletes = True
        return all(isinstance(target, ast.Name) for target in each.targets)
    if not_implemented(each):
        found.raises = True
        found.declared |= declares(each)
        found.unwritten |= _says_missing(each)
        return True
    found.explicit |= isinstance(each, ast.Pass)
    return isinstance(each, ast.Pass | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal)


def _by_chance(value: ast.expr, found: Trivial) -> bool:
    """It hangs on chance, and on nothing else but literals."""
    if is_random(value):
        return not any(isinstance(each, ast.Name) and each.id in found.given for each in every(value))
    names = {each.id for each in every(value) if isinstance(each, ast.Name)} - SHAPING
    calls = [each for each in every(value) if isinstance(each, ast.Call) and called(each) not in SHAPING]
    return not calls and bool(names & found.drawn) and names <= found.drawn | found.known.keys()


def _quiet(value: ast.expr, found: Trivial) -> bool:
    if isinstance(value, ast.Constant):
        found.ellipsis |= value.value is ...
        return True
    if isinstance(value, ast.Name):  # a bare mention, as linters are told that a name is used
        return True
    if is_sleep(value):
        found.sleeps = True
        return True
    if is_log(value):
        found.logs = True
        found.said += texts(value.args) if isinstance(value, ast.Call) else []
        return True
    return False


def _adds(value: ast.expr, found: Trivial) -> bool:
    """A literal put into a container that was made here."""
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and called(value) in ADDS):
        return False
    holder = value.func.value
    given = [*value.args, *(each.value for each in value.keywords)]
    if not (isinstance(holder, ast.Name) and holder.id in found.known):
        return False
    if not all(is_constant(each, found.known, dated=True) for each in given):
        return False
    held = found.known[holder.id]
    elements = held.elts if isinstance(held, ast.List | ast.Tuple | ast.Set) else []
    found.known[holder.id] = ast.List(elts=[*elements, *given], ctx=ast.Load())
    return True


def _keeps(targets: list[ast.expr], value: ast.expr, found: Trivial, params: list[str]) -> bool:
    names = [each.id for each in targets if isinstance(each, ast.Name)]
    if len(names) != len(targets):
        return len(targets) == 1 and _fills(targets[0], value, found)
    if is_random(value):
        found.drawn.update(names)
        return True
    if isinstance(value, ast.Call) and called(value) == "getLogger":
        return True
    if isinstance(value, ast.Name) and value.id in params:
        found.given.update(dict.fromkeys(names, value.id))
        return True
    if is_constant(value, found.known, dated=True, objects=True):
        found.known.update(dict.fromkeys(names, value))
        return True
    return False


def _fills(target: ast.expr, value: ast.expr, found: Trivial) -> bool:
    """A literal under a literal key of a dictionary that was made here."""
    if not (isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)):
        return False
    held = found.known.get(target.value.id)
    if held is None or not isinstance(target.slice, ast.Constant) or not is_constant(value, found.known, dated=True):
        return False
    keys, values = (held.keys, held.values) if isinstance(held, ast.Dict) else ([], [])
    found.known[target.value.id] = ast.Dict(keys=[*keys, target.slice], values=[*values, value])
    return True


def _answers(value: ast.expr | None, found: Trivial, params: list[str]) -> bool:
    if value is None:
        found.returned.append(ast.Constant(value=None))
        return True
    if echoed := _echoed(value, found, params):
        found.echoes = echoed
        return True
    if (isinstance(value, ast.Name) and value.id in found.drawn) or is_random(value):
        found.chance = True
        return True
    if is_sleep(value):
        found.sleeps = True
        return True
    if isinstance(value, ast.Name) and value.id == "NotImplemented":
        found.refuses = True
        return True
    container = isinstance(value, ast.Dict | ast.List | ast.Tuple)
    if is_constant(value, found.known, dated=container, objects=True):
        found.returned.append(found.known.get(value.id, value) if isinstance(value, ast.Name) else value)
        return True
    names = {each.id for each in every(value) if isinstance(each, ast.Name)} - SHAPING
    if names and names <= found.drawn | found.known.keys():
        found.chance |= bool(names & found.drawn)
        found.returned.append(value)
        return True
    if container and _draws_in(value):
        found.chance = True
        return True
    return False


def _draws_in(value: ast.expr) -> bool:
    """A container of literals and of what chance gives."""
    return all(is_constant(each, dated=True) or is_random(each) for each in expressions_in(value))


def _echoed(value: ast.expr, found: Trivial, params: list[str]) -> str:
    """The parameter that is given back: bare, under another name, with a default, or in a canned wrapping."""
    if isinstance(value, ast.Name):
        return value.id if value.id in params else found.given.get(value.id, "")
    if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or) and is_constant(value.values[-1]):
        first = value.values[0]
        return _echoed(first, found, params) if isinstance(first, ast.Name) and len(value.values) == 2 else ""
    if isinstance(value, ast.Dict | ast.List | ast.Tuple):
        parts = _leaves(value)
    elif isinstance(value, ast.JoinedStr):
        parts = [each.value if isinstance(each, ast.FormattedValue) else each for each in value.values]
    else:
        return ""
    echoes = [name for each in parts if isinstance(each, ast.Name) and (name := _echoed(each, found, params))]
    rest = [each for each in parts if not isinstance(each, ast.Name)]
    canned = [each for each in rest if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if len(set(echoes)) != 1 or not all(is_constant(each) for each in rest) or not any(map(looks_canned, canned)):
        return ""
    return echoes[0]


def _leaves(value: ast.expr) -> list[ast.expr]:
    """What a container of containers holds in the end."""
    found: list[ast.expr] = []
    pending: list[ast.expr] = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, ast.Dict):
            pending += each.values
        elif isinstance(each, ast.List | ast.Tuple):
            pending += each.elts
        else:
            found.append(each)
    return found
