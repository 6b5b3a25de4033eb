"""Promises that the body doesn't bear out: a deed without a trace, a question answered without looking."""

from __future__ import annotations

import ast
import re

from bedrock_support.tools.gaps.bodies import Function, Seen
from bedrock_support.tools.gaps.deeds import promised
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.substance import Depth, Substance, substance

UNMET = frozenset({"change_unmet", "find_unmet", "check_unmet"})
TOLD = frozenset({"change_told", "find_told", "check_told"})
_JUDGED = ("pass", "ellipsis", "not_implemented", "swallowed", "dead_flag", "unreachable")
"""Kinds that say by themselves that nothing was done."""
_WORD = re.compile(r"[a-z]{4,}")
_FILLERS = frozenset(
    {
        *("return", "returns", "with", "from", "that", "this", "when", "where", "which", "whether", "into"),
        *("each", "every", "their", "other", "only", "also", "they", "them", "then"),
    }
)
_STEM = 5
"""Letters of a word by which it is known again."""


def unmet(seen: Seen, node: Function, body: list[ast.stmt], doc: str, params: list[str]) -> None:
    """Adds the promises that aren't borne out to a body's signals; one that seemed ordinary is `hollow` by them."""
    if not body or node.name.startswith("__") or seen.kind in _JUDGED:
        return
    if seen.kind is not None and not doc:  # its kind says more than a name
        return
    wanted = promised(node.name, doc)
    if not (wanted - {"means"} or doc):
        return
    found = substance(node, body, params)
    if found is None or found.trace:
        return
    marks = _missing(wanted, found, params)
    if not marks and not (found.thrown and found.answer < Depth.WORKED):
        return
    marks |= {"worked_out"} if found.answer is Depth.WORKED else set()
    marks |= {"means_told"} if "means" in wanted else set()
    marks |= {"thrown_away"} if found.thrown else set()
    marks |= {"idle_loop"} if found.idle_loop else set()
    marks |= {"claims_more"} if found.claims else set()
    marks |= {"resets_only"} if found.resets else set()
    marks |= {"given_back"} if found.answers and found.answer is Depth.GIVEN else set()
    marks.add("unmet")
    marks.add("doc_borne" if _borne(doc, body) else "doc_unborne" if doc else "doc_silent")
    seen.marks |= marks
    if seen.kind is None:
        seen.kind, seen.line = "hollow", body[-1].lineno


def _missing(wanted: set[str], found: Substance, params: list[str]) -> set[str]:
    """Which promises aren't kept. Own state, or all that was given, looked at by a condition answers a question."""
    looks = found.answer is Depth.GIVEN and found.read.issuperset(params)
    marks: set[str] = set()
    for sort in ("change", "find", "check"):
        if sort == "check" and (found.refuses or looks):
            continue
        if found.asks if sort == "change" else found.answer is Depth.WORKED:
            continue
        if sort == "find" and looks and not params:
            continue
        if sort == "find" and not (found.answers or found.thrown or found.idle_loop):
            continue
        if f"told_{sort}" in wanted:
            marks |= {f"{sort}_unmet", f"{sort}_told"}
        elif sort in wanted:
            marks.add(f"{sort}_unmet")
    return marks


def _borne(doc: str, body: list[ast.stmt]) -> bool:
    """Some word of what the docstring says is met again in the code (not in its texts)."""
    said = {word[:_STEM] for word in _WORD.findall(doc.lower()) if word not in _FILLERS}
    used: set[str] = set()
    for part in body:
        for each in every(part):
            name = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
            used |= {word[:_STEM] for word in _WORD.findall(name.lower())}
    return bool(said & used)
