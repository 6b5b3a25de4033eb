"""What a body answers: how deep it goes, and what gives away that it was made up.

The answer's depth is the most of what is returned and of the conditions that choose it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from bedrock_support.tools.gaps.bodies import called
from bedrock_support.tools.gaps.depth import Depth, Values, depth_of, says_something
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.values import is_empty, looks_canned


@dataclass(slots=True)
class Substance(Values):
    """What a body comes to."""

    answer: Depth = Depth.CONSTANT
    """Most of what is returned or yielded, and of what decides between returns."""
    answers: bool = False
    """Something is returned or yielded."""
    trace: bool = False
    """A call that may change something, or a change of what outlives the function."""
    resets: bool = False
    """A change of what outlives it, by literals alone."""
    refuses: bool = False
    """It raises errors, on looking at more than whether something is there."""
    raises: bool = False
    """It raises an error whatever comes."""
    thrown: bool = False
    """Something is worked out and nobody takes it."""
    idle_loop: bool = False
    """A loop whose turns do nothing, or only count."""
    alike: bool = False
    """A loop that never looks at what it goes through."""
    canned: bool = False
    """An answer that looks like sample data."""
    spoken: bool = False
    """An answer that is nothing but a text with values put in."""
    tabled: bool = False
    """An answer out of a table of literals."""
    claims: bool = False
    """Literals among what it answers, beside what was given: success, a state, figures."""
    made: set[str] = field(default_factory=set[str])
    """Names of what was made here."""
    texts: set[str] = field(default_factory=set[str])
    """Names of texts with values put in."""
    counted: dict[str, bool] = field(default_factory=dict[str, bool])
    """Names that were given a number, and whether they are only counted up since."""
    counts: bool = False
    """An answer that is only counted."""
    worked: set[str] = field(default_factory=set[str])
    """Names that more than literals were given to."""
    read: set[str] = field(default_factory=set[str])


def take_answer(value: ast.expr | None, found: Substance, chosen: Depth) -> None:
    """Notes one thing that is returned or yielded; `chosen`: what decides that it is."""
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        found.answer = max(found.answer, chosen)
        return
    found.answers = True
    found.answer = max(found.answer, chosen, depth_of(value, found))
    found.claims |= _claims(value)
    found.canned |= looks_canned(value) and not any(isinstance(each, ast.JoinedStr) for each in every(value))
    found.spoken |= _spoken(value, found)
    found.counts |= isinstance(value, ast.Name) and found.counted.get(value.id, False)
    found.tabled |= called(value) == "get" and isinstance(value, ast.Call) and _table(value, found)


def _spoken(value: ast.expr, found: Substance) -> bool:
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and not value.args:
        value = value.func.value
    return isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Name) and value.id in found.texts)


def _table(value: ast.Call, found: Substance) -> bool:
    holder = value.func.value if isinstance(value.func, ast.Attribute) else None
    if isinstance(holder, ast.Name):
        return holder.id in found.made and found.names.get(holder.id) is Depth.CONSTANT
    return isinstance(holder, ast.Dict)


def _claims(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        parts = [*value.args, *(each.value for each in value.keywords)]
    elif isinstance(value, ast.Dict):
        parts = value.values
    else:
        parts = [*value.elts] if isinstance(value, ast.List | ast.Tuple) else [value]
    return says_something(parts)


def is_bare(value: ast.expr) -> bool:
    """An empty container."""
    if isinstance(value, ast.Call):
        return not value.args and not value.keywords and called(value) in ("list", "dict", "set")
    return is_empty(value) and not isinstance(value, ast.Constant)
