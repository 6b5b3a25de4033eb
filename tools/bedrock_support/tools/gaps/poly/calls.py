"""Calls that mean the same under other names: logs, draws, sleeps, empty and constant containers."""

from __future__ import annotations

import ast
import re
from typing import cast

LOAD = ast.Load()
_DRAWS = re.compile(
    r"^(?:random(?:UUID|Int|Bytes)?|nextInt|nextDouble|nextLong|nextBoolean|nextFloat|nextGaussian|[iI]ntn?|Int63n?|Int31n?"
    r"|IntN|Float64|Float32|Perm|uuid|v4|getRandomValues)$"
)
_CHANCE = re.compile(r"rand|math$|uuid|crypto|rng|rnd", re.IGNORECASE)
_SHAPES = {"floor", "ceil", "round", "trunc", "toFixed", "toString", "valueOf", "parseInt", "Number", "String", "abs"}
_LOGS = {
    "println": "print",
    "print": "print",
    "printf": "print",
    "Println": "info",
    "Printf": "info",
    "Print": "info",
    "Info": "info",
    "Infof": "info",
    "Infow": "info",
    "Debug": "debug",
    "Debugf": "debug",
    "Warn": "warn",
    "Warnf": "warn",
    "Warning": "warn",
    "Error": "error",
    "Errorf": "error",
    "Errorw": "error",
    "trace": "debug",
    "fine": "debug",
    "severe": "error",
    "success": "info",
    "verbose": "info",
}
_TELLS = re.compile(r"log|console|System\.(?:out|err)|\bfmt$|klog|glog|zap|slog", re.IGNORECASE)
_WRAPS = {
    "resolve",
    "of",
    "ofNullable",
    "just",
    "completedFuture",
    "ok",
    "freeze",
    "unmodifiableList",
    "next",
    "succeeded",
}
_WRAPPERS = {
    "Promise",
    "Optional",
    "Mono",
    "CompletableFuture",
    "ResponseEntity",
    "Object",
    "Collections",
    "OptionalInt",
    "Uni",
    "Future",
}
_EMPTY_CALLS = {"emptyList", "emptyMap", "emptySet", "empty", "noneOf"}
_LISTS = {"List", "Arrays", "Set", "Stream", "Collections", "ImmutableList", "ImmutableSet", "Flux"}
_CONTAINERS = {"ArrayList", "LinkedList", "Vector", "Array", "HashSet", "LinkedHashSet", "TreeSet", "Set", "WeakSet"}
_MAPS = {"HashMap", "LinkedHashMap", "TreeMap", "ConcurrentHashMap", "Map", "WeakMap", "Object"}
MISSING_ERRORS = re.compile(r"^(?:Err)?(?:Not_?Implemented|Un_?implemented|NotYetImplemented|TODO)\w*$", re.IGNORECASE)


def dotted(node: ast.expr) -> str:
    """Names before and with the last one of what is called, as far as it is made of names."""
    parts: list[str] = []
    at: ast.expr = node
    while isinstance(at, ast.Attribute | ast.Call):
        if isinstance(at, ast.Attribute):
            parts.append(at.attr)
            at = at.value
        else:
            at = at.func
    parts.append(at.id if isinstance(at, ast.Name) else "")
    return ".".join(reversed(parts))


def _named(name: str, line: int) -> ast.Name:
    return ast.Name(id=name, ctx=LOAD, lineno=line)


def spoken(func: ast.expr, args: list[ast.expr], family: str, *, new: bool = False) -> ast.expr:
    """A call, told as the Python call or literal that stands for it."""
    whole = dotted(func)
    before, _, last = whole.rpartition(".")
    line = getattr(func, "lineno", 1)
    if new:
        return _made(func, args, last)
    if (found := _literal(before, last, args, family)) is not None:
        return found
    if last in ("setTimeout", "sleep", "Sleep", "delay", "sleepSync", "After", "usleep", "parkNanos") and (
        last != "setTimeout" or _idle(args)
    ):
        return ast.Call(func=_named("sleep", line), args=args, keywords=[])
    if _DRAWS.match(last) and (_CHANCE.search(before) or (not before and last in ("uuid", "v4", "randomUUID"))):
        return ast.Call(func=_named("random", line), args=args, keywords=[])
    if last in _SHAPES and isinstance(func, ast.Attribute):
        inner = args if before.endswith("Math") or before == "math" else [func.value, *args]
        return ast.Call(func=_named("int", line), args=inner, keywords=[])
    if last in _LOGS and _TELLS.search(before) and (before != "fmt" or last.startswith("Print")):
        name = _LOGS[last]
        if before.startswith(("System.", "fmt")) or before == "self":
            return ast.Call(func=_named("print", line), args=args, keywords=[])
        return ast.Call(
            func=ast.Attribute(value=_named(f"{before}_log", line), attr=name, ctx=LOAD), args=args, keywords=[]
        )
    if last == "printStackTrace":
        return ast.Call(func=_named("print", line), args=[], keywords=[])
    return ast.Call(func=func, args=args, keywords=[])


def _made(func: ast.expr, args: list[ast.expr], last: str) -> ast.expr:
    if last in _CONTAINERS and not args:
        return ast.List(elts=[], ctx=LOAD)
    if last in _MAPS and not args:
        return ast.Dict(keys=[], values=[])
    if last == "Promise" and len(args) == 1 and (value := _delayed(args[0])) is not None:
        return value
    if last == "Random":
        return ast.Call(func=ast.Name(id="Random", ctx=LOAD, lineno=1), args=args, keywords=[])
    return ast.Call(func=func, args=args, keywords=[])


def _literal(before: str, last: str, args: list[ast.expr], family: str) -> ast.expr | None:
    """Calls that only hold what they are given."""
    home = before.rsplit(".", 1)[-1]
    if last in _EMPTY_CALLS and (home in _WRAPPERS | _LISTS or home in ("Map", "EnumSet")) and not args:
        if home in ("Optional", "Mono", "OptionalInt"):
            return ast.Constant(value=None)
        return ast.Dict(keys=[], values=[]) if last == "emptyMap" else ast.List(elts=[], ctx=LOAD)
    if home == "Map" and last == "of":
        return ast.Dict(keys=cast("list[ast.expr | None]", args[::2])[: len(args) // 2], values=args[1::2])
    if home in _LISTS and last in ("of", "asList", "just"):
        return ast.List(elts=args, ctx=LOAD)
    if home in _WRAPPERS and last in _WRAPS and len(args) <= 1:
        return args[0] if args else ast.Constant(value=None)
    if family == "go" and not before and last == "make":
        return ast.List(elts=[], ctx=LOAD)
    if family == "go" and not before and last in ("int", "string", "float64", "int64", "uint64", "byte") and args:
        return args[0] if isinstance(args[0], ast.Constant) else None
    return None


def _statements(node: ast.expr) -> list[ast.stmt] | None:
    """The statements of a function given as a value."""
    if isinstance(node, ast.Lambda) and isinstance(node.body, ast.Module):
        return node.body.body
    return None


def _idle(args: list[ast.expr]) -> bool:
    """A timer whose function only calls back: waiting, and nothing else."""
    if not args:
        return False
    if isinstance(args[0], ast.Name):
        return True
    body = _statements(args[0])
    if body is None:
        return False
    return all(
        isinstance(each, ast.Expr | ast.Return)
        and isinstance(each.value, ast.Call)
        and isinstance(each.value.func, ast.Name)
        and each.value.func.id in ("resolve", "res", "r", "done", "reject")
        for each in body
    )


def _delayed(given: ast.expr) -> ast.expr | None:
    """A promise that only waits, as a sleep; one that resolves at once, as its value."""
    body = _statements(given)
    if body is None or len(body) != 1 or not isinstance(body[0], ast.Expr | ast.Return):
        return None
    call = body[0].value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return None
    if call.func.id == "sleep":
        return call
    return (call.args[0] if call.args else ast.Constant(value=None)) if call.func.id == "resolve" else None
