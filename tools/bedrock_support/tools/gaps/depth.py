"""What an expression hangs on: literals, what was given as it is, or something that was worked out."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from enum import IntEnum

from bedrock_support.tools.gaps.bodies import called, is_random, is_sleep, receiver
from bedrock_support.tools.gaps.nodes import every


class Depth(IntEnum):
    """Literals; what was given, handed on, packed or counted; what was worked out."""

    CONSTANT = 0
    GIVEN = 1
    WORKED = 2


_CLOCKS = frozenset({"strftime", "isoformat", "now", "utcnow", "today", "time", "monotonic", "perf_counter", "uuid4"})
"""Calls that give the time of day, or a new name."""
_PACKS = frozenset(
    {
        *_CLOCKS,
        *("dict", "list", "set", "tuple", "str", "bytes", "bool", "frozenset", "len", "range", "iter"),
        *("enumerate", "min", "max", "Path", "object", "type", "getattr", "round", "zeros"),
        *(
            "ones",
            "array",
            "copy",
            "deepcopy",
            "items",
            "keys",
            "values",
            "get",
            "lower",
            "strip",
            "cls",
            "mkdir",
            "makedirs",
        ),
        *("zeros_like", "ones_like", "exists", "startswith"),
    }
)
"""Calls that only give a form to what they are given, or look at whether it is there."""
_READS = frozenset({"int", "float", "Decimal", "complex", "Fraction"})
"""Calls that make a number of a text: work, but of a literal."""
_BUILT_IN = frozenset(dir(builtins))


@dataclass(slots=True)
class Values:
    """What the names of a body hold."""

    names: dict[str, Depth] = field(default_factory=dict[str, Depth])
    asks: bool = False
    """Something that isn't built in is called for what it gives, which may change something, too."""


def bind(target: ast.expr, depth: Depth, found: Values) -> None:
    for each in every(target):
        if isinstance(each, ast.Name):
            found.names[each.id] = depth


def decided_by(test: ast.expr, found: Values) -> Depth:
    """What a condition hangs on: asking whether something is there, or how long, is no work."""
    if isinstance(test, ast.UnaryOp):
        return decided_by(test.operand, found)
    if isinstance(test, ast.BoolOp):
        return max(decided_by(each, found) for each in test.values)
    if isinstance(test, ast.Compare):
        sides = [test.left, *test.comparators]
        if any(isinstance(each, ast.Constant) and each.value in (None, 0, "", False, True) for each in sides) and all(
            isinstance(each, ast.Constant | ast.Name) or called(each) == "len" for each in sides
        ):
            return max(depth_of(each, found) for each in sides)
        if isinstance(test.ops[0], ast.In | ast.NotIn) and isinstance(test.left, ast.Constant):
            return Depth.GIVEN
        return Depth.WORKED if max(depth_of(each, found) for each in sides) else Depth.CONSTANT
    return depth_of(test, found)


def depth_of(value: ast.expr, found: Values) -> Depth:
    if isinstance(value, ast.Constant) or is_random(value) or is_sleep(value):
        return Depth.CONSTANT
    if isinstance(value, ast.Name):
        return found.names.get(value.id, Depth.CONSTANT if value.id.isupper() else Depth.GIVEN)
    if isinstance(value, ast.Call):
        return _call(value, found)
    if isinstance(value, ast.Attribute):
        return max(Depth.GIVEN, depth_of(value.value, found))
    if isinstance(value, ast.Compare | ast.UnaryOp | ast.BoolOp):
        return decided_by(value, found)
    if isinstance(value, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
        return _comprehension(value, found)
    return _joined(value, found)


def _joined(value: ast.expr, found: Values) -> Depth:
    """Of what is put together from parts, or taken out of a whole."""
    if isinstance(value, ast.JoinedStr | ast.FormattedValue | ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Starred):
        return max((depth_of(each, found) for each in _parts(value)), default=Depth.CONSTANT)
    if isinstance(value, ast.Subscript):
        inner = depth_of(value.value, found)
        return inner if not inner or isinstance(value.slice, ast.Slice | ast.Constant) else Depth.WORKED
    if isinstance(value, ast.BinOp):
        sides = depth_of(value.left, found), depth_of(value.right, found)
        joins = any(_joins(each) for each in (value.left, value.right))
        return max(sides) if joins or not any(sides) else Depth.WORKED
    if isinstance(value, ast.IfExp):
        return max(decided_by(value.test, found), depth_of(value.body, found), depth_of(value.orelse, found))
    return depth_of(value.value, found) if isinstance(value, ast.NamedExpr) else Depth.WORKED


def _joins(side: ast.expr) -> bool:
    """A text that something is added to, or a number that changes nothing."""
    if isinstance(side, ast.JoinedStr | ast.List):
        return True
    return isinstance(side, ast.Constant) and (isinstance(side.value, str) or side.value in (0, 1))


def _parts(value: ast.expr) -> list[ast.expr]:
    return [each for each in ast.iter_child_nodes(value) if isinstance(each, ast.expr)]


def of_turns(through: ast.expr, found: Values) -> Depth:
    """What a loop's turns hang on; to count them is no work."""
    return Depth.CONSTANT if called(through) == "range" else depth_of(through, found)


def _comprehension(value: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp, found: Values) -> Depth:
    if any(each.ifs for each in value.generators):
        return Depth.WORKED
    for each in value.generators:
        bind(each.target, of_turns(each.iter, found), found)
    if isinstance(value, ast.DictComp):
        return depth_of(value.value, found)
    inner = depth_of(value.elt, found)
    return Depth.WORKED if inner is Depth.GIVEN and not isinstance(value.elt, ast.Name) else inner


def _call(value: ast.Call, found: Values) -> Depth:
    name = called(value)
    given = [*value.args, *(each.value for each in value.keywords)]
    depth = max((depth_of(each, found) for each in given), default=Depth.CONSTANT)
    before = receiver(value)
    if before.rpartition(".")[2] == "random" and name != "Random":
        return Depth.CONSTANT
    if name in _READS:
        return Depth.WORKED if depth else Depth.CONSTANT
    if name in _PACKS or (name[:1].isupper() and not before) or (name == "join" and not before):
        if isinstance(value.func, ast.Attribute):
            held = depth_of(value.func.value, found)
            depth = max(depth, Depth.CONSTANT if name in _CLOCKS else held)
        return depth
    found.asks |= bool(before) or name not in _BUILT_IN
    return Depth.WORKED
