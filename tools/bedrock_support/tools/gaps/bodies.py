"""What the body of one function amounts to, by its statements alone."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bedrock_support.tools.gaps.values import is_constant
from bedrock_support.tools.gaps.words import SAID_MISSING, SAID_UNSUPPORTED

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Kind: TypeAlias = Literal[
    "pass",
    "ellipsis",
    "not_implemented",
    "constant",
    "simulated",
    "echo",
    "swallowed",
    "dead_flag",
    "unreachable",
    "half_done",
    "log_only",
    "marked",
]
RANDOM = {
    "random",
    "randint",
    "uniform",
    "choice",
    "choices",
    "randrange",
    "gauss",
    "sample",
    "shuffle",
    "random_sample",
    "rand",
    "randn",
    "normalvariate",
    "betavariate",
    "triangular",
    "getrandbits",
    "randbits",
    "randbelow",
    "normal",
    "integers",
    "expovariate",
    "token_hex",
    "uuid4",
}
SHAPING = {
    "round",
    "int",
    "float",
    "str",
    "bool",
    "abs",
    "max",
    "min",
    "range",
    "len",
    "Random",
    "SystemRandom",
    "default_rng",
}
"""Calls that only give a draw its form."""
SLEEP = {"sleep", "delay", "usleep"}
_LOG = {
    "debug",
    "info",
    "warning",
    "warn",
    "error",
    "exception",
    "critical",
    "log",
    "print",
    "pprint",
    "echo",
    "basicConfig",
}


def called(node: ast.AST) -> str:
    """Last name of what a call calls, empty for anything else."""
    func = node.func if isinstance(node, ast.Call) else None
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def receiver(node: ast.Call) -> str:
    """Dotted text before the last name of what is called, as far as it is made of names."""
    parts: list[str] = []
    at: ast.expr = node.func
    while isinstance(at, ast.Attribute):
        at = at.value
        parts.append(at.attr if isinstance(at, ast.Attribute) else at.id if isinstance(at, ast.Name) else called(at))
    return ".".join(reversed(parts))


def is_log(node: ast.expr) -> bool:
    """A call that only tells: print, or a method of something called a logger, console or warnings."""
    if not isinstance(node, ast.Call) or called(node) not in _LOG:
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in ("print", "pprint", "warn", "log", "echo")
    before = receiver(node).lower()
    return any(word in before for word in ("log", "warnings", "console", "click", "rich", "sys.stdout", "typer"))


def is_sleep(node: ast.expr) -> bool:
    inner = node.value if isinstance(node, ast.Await) else node
    return called(inner) in SLEEP


def is_random(node: ast.expr) -> bool:
    """The value comes from chance: some call in it draws, and every other call only shapes the draw."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    drawn = [each for each in calls if called(each) in RANDOM and _draws(each)]
    return bool(drawn) and all(each in drawn or called(each) in SHAPING for each in calls)


def _draws(call: ast.Call) -> bool:
    before = receiver(call).lower()
    return isinstance(call.func, ast.Name) or any(word in before for word in ("rand", "rng", "secrets", "uuid", "rnd"))


def not_implemented(node: ast.stmt) -> bool:
    """Raises NotImplementedError, or any error whose text says that the work is missing."""
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    exc = node.exc
    name = called(exc) or (exc.id if isinstance(exc, ast.Name) else exc.attr if isinstance(exc, ast.Attribute) else "")
    if name in ("NotImplementedError", "NotImplemented", "NotImplementedException"):
        return True
    return isinstance(exc, ast.Call) and any(SAID_MISSING.search(text) for text in texts(exc.args))


def _declares(node: ast.Raise) -> bool:
    said = texts(node.exc.args) if isinstance(node.exc, ast.Call) else []
    return any(SAID_UNSUPPORTED.search(text) and not SAID_MISSING.search(text) for text in said)


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
    said: list[str] = field(default_factory=list[str])
    logs: bool = False
    sleeps: bool = False
    chance: bool = False
    echoes: str = ""
    raises: bool = False
    declared: bool = False
    """What it raises declares a limit or a contract."""
    ellipsis: bool = False
    deletes: bool = False
    explicit: bool = False
    """Has `pass` or a return, more than a docstring."""

    def kind(self) -> Kind:
        if self.raises:
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
    random_names: set[str] = set()
    for each in body:
        if not _nothing(each, found, params, random_names):
            return None
    return found


def _nothing(each: ast.stmt, found: Trivial, params: list[str], random_names: set[str]) -> bool:
    """Whether the statement does no work; what it shows is noted in `found`."""
    if isinstance(each, ast.Expr):
        return _quiet(each.value, found)
    if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None:
        targets: list[ast.expr] = list(each.targets) if isinstance(each, ast.Assign) else [each.target]
        return _keeps(targets, each.value, found, random_names)
    if isinstance(each, ast.Return):
        found.explicit = True
        return _answers(each.value, found, params, random_names)
    if isinstance(each, ast.Delete):
        found.deletes = True
        return all(isinstance(target, ast.Name) for target in each.targets)
    if not_implemented(each):
        found.raises = True
        found.declared |= isinstance(each, ast.Raise) and _declares(each)
        return True
    found.explicit |= isinstance(each, ast.Pass)
    return isinstance(each, ast.Pass | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal)


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


def _keeps(targets: list[ast.expr], value: ast.expr, found: Trivial, random_names: set[str]) -> bool:
    names = [each.id for each in targets if isinstance(each, ast.Name)]
    if len(names) != len(targets):
        return False
    if is_random(value):
        random_names.update(names)
        return True
    if isinstance(value, ast.Call) and called(value) == "getLogger":
        return True
    if is_constant(value, found.known):
        found.known.update(dict.fromkeys(names, value))
        return True
    return False


def _answers(value: ast.expr | None, found: Trivial, params: list[str], random_names: set[str]) -> bool:
    if value is None:
        found.returned.append(ast.Constant(value=None))
        return True
    if isinstance(value, ast.Name) and value.id in params:
        found.echoes = value.id
        return True
    if (isinstance(value, ast.Name) and value.id in random_names) or is_random(value):
        found.chance = True
        return True
    if is_sleep(value):
        found.sleeps = True
        return True
    if is_constant(value, found.known):
        found.returned.append(found.known.get(value.id, value) if isinstance(value, ast.Name) else value)
        return True
    mixed = [each.id for each in ast.walk(value) if isinstance(each, ast.Name) and each.id not in SHAPING]
    if mixed and set(mixed) <= random_names | set(found.known):
        found.chance |= bool(set(mixed) & random_names)
        found.returned.append(value)
        return True
    return False


@dataclass(slots=True)
class Seen:
    """A function's shape: what kind of gap it might be, and the signals for and against."""

    kind: Kind | None
    line: int
    marks: set[str] = field(default_factory=set[str])
    size: int = 0
    value: str = ""
    """Source of the returned constant, cut."""
    comment: str = ""
    """The comment that defers the work, cut."""
    empty: bool = False
    """No work at all in the body."""
