"""What an expression hangs on: literals, what was given as it is, or something that was worked out."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from bedrock_support.tools.gaps.bodies import called, is_random, is_sleep, receiver
from bedrock_support.tools.gaps.nodes import every, expressions_in
from bedrock_support.tools.gaps.words import first_word


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
        *("enumerate", "min", "max", "Path", "object", "type", "getattr", "round", "copy", "deepcopy"),
        *("items", "keys", "values", "lower", "strip", "exists", "mkdir", "makedirs"),
        *("zeros", "ones", "array", "zeros_like", "ones_like"),
    }
)
"""Calls that only give a form to what they are given, or look at whether it is there."""
_FORMS = frozenset(
    {"encode", "decode", "upper", "title", "capitalize", "rstrip", "lstrip", "trim", "toString", "format"}
)
"""Methods that only give a text another form."""
_FOLDS = frozenset(
    {"sum", "sorted", "any", "all", "abs", "pow", "reversed", "zip", "bin", "hex", "chr", "ord", "slice"}
)
"""Built-in calls that make literals of literals."""
QUERIES = frozenset(
    {
        *("get", "list", "find", "exists", "all", "is", "has", "keys", "values", "items", "glob", "rglob", "iterdir"),
        *("filter", "split", "join", "format", "strftime", "encode", "decode", "strip", "lower", "upper", "replace"),
        *("json", "dumps", "stringify", "marshal", "hexdigest", "digest", "sha256", "md5", "b64encode", "token"),
        *("urandom", "resolve", "index", "copy", "next", "iter", "super", "isinstance", "errorf", "sprintf", "first"),
        *("to", "size", "names", "contains", "match", "search", "fullmatch", "sub", "new", "timedelta", "now"),
    }
)
"""First words of calls that tell something or make a value, and change nothing."""
_READS = frozenset({"int", "float", "Decimal", "complex", "Fraction"})
"""Calls that make a number of a text: work, but of a literal."""
_STAND_INS = frozenset({"Mock", "MagicMock", "AsyncMock", "SimpleNamespace", "Namespace"})
_MUCH_TEXT = 80
"""Characters."""
_BUILT_IN = frozenset(dir(builtins))


@dataclass(slots=True)
class Values:
    """What the names of a body hold."""

    names: dict[str, Depth] = field(default_factory=dict[str, Depth])
    asks: bool = False
    """Something that isn't built in is called for what it gives, which may change something, too."""
    looks: bool = False
    """Something is called that by its name only tells."""
    figures: set[str] = field(default_factory=set[str])
    """Names that a literal was given to, once."""
    bare: set[str] = field(default_factory=set[str])
    """Names of containers that nothing has been put into."""


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
        return _together(sides, found)
    return depth_of(test, found)


def _together(sides: list[ast.expr], found: Values) -> Depth:
    """Of values held against each other or reckoned with: nothing is worked out of a figure that was made up here."""
    depth = max(depth_of(each, found) for each in sides)
    if depth is not Depth.GIVEN:
        return depth
    return (
        Depth.GIVEN if any(isinstance(each, ast.Name) and each.id in found.figures for each in sides) else Depth.WORKED
    )


def is_clock(value: ast.expr) -> bool:
    """A call that gives the time of day."""
    return called(value) in _CLOCKS and called(value) != "uuid4"


def depth_of(value: ast.expr, found: Values) -> Depth:
    if isinstance(value, ast.Constant | ast.Lambda):
        return Depth.CONSTANT
    if isinstance(value, ast.Name):
        return found.names.get(value.id, Depth.CONSTANT if value.id.isupper() else Depth.GIVEN)
    if isinstance(value, ast.Attribute):
        return Depth.CONSTANT if value.attr.isupper() else max(Depth.GIVEN, depth_of(value.value, found))
    if is_random(value) or is_sleep(value):
        return Depth.CONSTANT
    if isinstance(value, ast.Call):
        return _call(value, found)
    if isinstance(value, ast.Compare | ast.UnaryOp | ast.BoolOp):
        return decided_by(value, found)
    if isinstance(value, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
        return _comprehension(value, found)
    return depth_of(value.value, found) if isinstance(value, ast.Await) else _joined(value, found)


def _joined(value: ast.expr, found: Values) -> Depth:
    """Of what is put together from parts, or taken out of a whole."""
    if isinstance(value, ast.JoinedStr) and _written(value):
        return Depth.WORKED
    if isinstance(value, ast.JoinedStr | ast.FormattedValue | ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Starred):
        return max((depth_of(each, found) for each in expressions_in(value)), default=Depth.CONSTANT)
    if isinstance(value, ast.Subscript):
        return _part(value, found)
    if isinstance(value, ast.BinOp):
        if any(_joins(each) for each in (value.left, value.right)):
            return max(depth_of(value.left, found), depth_of(value.right, found))
        return _together([value.left, value.right], found)
    if isinstance(value, ast.IfExp):
        return max(decided_by(value.test, found), depth_of(value.body, found), depth_of(value.orelse, found))
    return depth_of(value.value, found) if isinstance(value, ast.NamedExpr) else Depth.WORKED


def _written(value: ast.JoinedStr) -> bool:
    """So much text around its values that the text is the work."""
    said = [each.value for each in value.values if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return sum(map(len, said)) > _MUCH_TEXT


def _part(value: ast.Subscript, found: Values) -> Depth:
    """Of what is taken out of a whole: by what was given is a look-up, by a literal it is handed on."""
    inner = depth_of(value.value, found)
    if isinstance(value.slice, ast.Slice):
        ends = [each for each in (value.slice.lower, value.slice.upper) if each is not None]
        return max(inner, Depth.WORKED if inner and any(depth_of(each, found) for each in ends) else inner)
    return Depth.WORKED if depth_of(value.slice, found) else inner


def _joins(side: ast.expr) -> bool:
    """A text that something is added to, or a number that changes nothing."""
    if isinstance(side, ast.JoinedStr | ast.List):
        return True
    return isinstance(side, ast.Constant) and (isinstance(side.value, str) or side.value in (0, 1))


def of_turns(through: ast.expr, found: Values) -> Depth:
    """What a loop's turns hang on; to count them is no work."""
    return Depth.CONSTANT if called(through) == "range" else depth_of(through, found)


def says_something(given: Iterable[ast.expr]) -> bool:
    """Literals that say something are among what is given."""
    return any(isinstance(each, ast.Constant) and each.value not in (None, "", 0, False) for each in given)


def _comprehension(value: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp, found: Values) -> Depth:
    chosen = Depth.CONSTANT
    for each in value.generators:
        if isinstance(each.iter, ast.Name) and each.iter.id in found.bare:
            return Depth.CONSTANT  # there are no turns
        through = of_turns(each.iter, found)
        bind(each.target, through, found)
        chosen = Depth.WORKED if each.ifs or through is Depth.WORKED else chosen
    if isinstance(value, ast.DictComp):
        return max(chosen, depth_of(value.value, found))
    inner = depth_of(value.elt, found)
    return Depth.WORKED if inner is Depth.GIVEN and not isinstance(value.elt, ast.Name) else max(chosen, inner)


def _call(value: ast.Call, found: Values) -> Depth:
    name, before = called(value), receiver(value)
    if found.bare and name not in _BUILT_IN:  # it may put something in
        found.bare -= {each.id for each in value.args if isinstance(each, ast.Name)}
    given = [*value.args, *(each.value for each in value.keywords)]
    depths = [depth_of(each, found) for each in given]
    depth = max(depths, default=Depth.CONSTANT)
    if before.rpartition(".")[2] == "random" and name != "Random":
        return Depth.CONSTANT
    if name in _READS or (name in ("min", "max") and not before and len(depths) > 1 and all(depths)):
        return Depth.WORKED if depth else Depth.CONSTANT
    if _is_class(name) and not before and name not in _PACKS | _STAND_INS and not says_something(given):
        found.asks = True  # a class makes something of what it is given
        return Depth.WORKED
    formed = _formed(value, depth, found)
    if formed is None and (before or name not in _BUILT_IN):
        if isinstance(value.func, ast.Attribute):
            depth_of(value.func.value, found)  # calls in a chain
        asked = first_word(name) not in QUERIES
        found.asks |= asked
        found.looks |= not asked
    return Depth.WORKED if formed is None else formed


def _is_class(name: str) -> bool:
    return name[:1].isupper() and "_" not in name and not name.isupper()


def _formed(value: ast.Call, depth: Depth, found: Values) -> Depth | None:
    """Of a call that only gives another form to what is given, whose depth is `depth`; None where it does more."""
    name, before = called(value), receiver(value)
    if name in _PACKS or (_is_class(name) and not before) or (name == "join" and not before):
        if isinstance(value.func, ast.Attribute):
            held = depth_of(value.func.value, found)
            return max(depth, Depth.CONSTANT if name in _CLOCKS else held)
        return depth
    if name in _FOLDS and not before and not depth:
        return Depth.CONSTANT
    if name in _FORMS and isinstance(value.func, ast.Attribute) and not depth:
        return depth_of(value.func.value, found)
    return None
