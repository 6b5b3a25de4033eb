"""What the body of one function amounts to, by its statements alone."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bedrock_support.tools.gaps.nodes import every

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
    "hollow",
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
    if not isinstance(node, ast.Call):
        return False
    if called(node) == "write" and receiver(node) in ("sys.stderr", "sys.stdout"):
        return all(isinstance(each, ast.Constant | ast.JoinedStr) for each in node.args)
    if called(node) not in _LOG:
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in ("print", "pprint", "warn", "log", "echo")
    before = receiver(node).lower()
    return any(word in before for word in ("log", "warnings", "console", "click", "rich", "sys.stdout", "typer"))


def is_sleep(node: ast.expr) -> bool:
    inner = node.value if isinstance(node, ast.Await) else node
    if called(inner) == "wait" and isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        return called(inner.func.value) == "Event"  # of an event that nobody else can set
    return called(inner) in SLEEP


def is_random(node: ast.expr) -> bool:
    """The value comes from chance: some call in it draws, and every other call only shapes the draw."""
    calls = [each for each in every(node) if isinstance(each, ast.Call)]
    drawn = [each for each in calls if called(each) in RANDOM and _draws(each)]
    return bool(drawn) and all(each in drawn or called(each) in SHAPING for each in calls)


def _draws(call: ast.Call) -> bool:
    before = receiver(call).lower()
    return isinstance(call.func, ast.Name) or any(word in before for word in ("rand", "rng", "secrets", "uuid", "rnd"))


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
