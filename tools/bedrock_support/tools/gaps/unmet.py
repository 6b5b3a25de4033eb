"""Promises that the body doesn't bear out: a deed without a trace, a question answered without looking."""

from __future__ import annotations

import ast
import re

from bedrock_support.tools.gaps.bodies import Function, Seen
from bedrock_support.tools.gaps.deeds import gives_text, promised
from bedrock_support.tools.gaps.depth import Depth
from bedrock_support.tools.gaps.hurried import hurried
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.substance import Substance, substance

TOLD = frozenset({"change_told", "find_told", "check_told"})
_JUDGED = ("pass", "ellipsis", "not_implemented", "dead_flag", "unreachable")
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
_SHORT = 40
"""Lines up to which a body's parameters are looked for."""


def unmet(seen: Seen, node: Function, body: list[ast.stmt], doc: str, params: list[str]) -> None:
    """Adds the promises that aren't borne out to a body's signals; one that seemed ordinary is `hollow` by them."""
    if not body or node.name.startswith("__") or seen.kind in _JUDGED:
        return
    if seen.kind is not None and not doc:  # its kind says more than a name
        return
    if not doc and not promised(node.name, ""):
        return
    found = substance(node, body, params)
    if found is None and not doc:
        return
    if found is not None and (found.raises or (found.spoken and gives_text(node.name))):
        return
    wanted = promised(node.name, doc) if found is not None or seen.kind is None else set[str]()
    missing = _missing(wanted, found, params, told=bool(doc)) if found is not None else set[str]()
    left = hurried(body, params, doc)
    left |= _ignored(node, body, doc, params) if seen.kind is None or missing else set()
    if not missing and not left and not (found is not None and found.answer < Depth.WORKED and _made_up(found, doc)):
        return
    marks = missing | left | (_shown(found) if found is not None else {"leaves_trace"})
    marks |= {"means_told"} if "means" in wanted else set()
    marks |= {"self_unread"} if found is not None and _selfless(node, found) else set()
    marks |= {"unmet"} if missing or not left else {"unmet_only_ignores"}
    marks.add("doc_borne" if _borne(doc, body) else "doc_unborne" if doc else "doc_silent")
    seen.marks |= marks
    if seen.kind is None:
        seen.kind, seen.line = "hollow", body[-1].lineno


def _made_up(found: Substance, doc: str) -> bool:
    """Made-up work gives itself away, whatever was promised."""
    return found.thrown or bool(doc and (found.idle_loop or found.alike or found.canned))


def _shown(found: Substance) -> set[str]:
    """What the body shows of how it was made up."""
    told = {
        "worked_out": found.answer is Depth.WORKED,
        "answer_constant": found.answers and found.answer is Depth.CONSTANT,
        "given_back": found.answers and found.answer is Depth.GIVEN,
        "answers_nothing": not found.answers,
        "thrown_away": found.thrown,
        "idle_loop": found.idle_loop,
        "turns_alike": found.alike,
        "claims_more": found.claims,
        "answer_canned": found.canned,
        "answer_spoken": found.spoken,
        "answer_tabled": found.tabled,
        "resets_only": found.resets,
        "only_looks": found.looks and not found.asks,
        "answer_counted": found.counts,
        "asks_nobody": not found.looks and not found.asks,
    }
    return {mark for mark, holds in told.items() if holds}


def _missing(wanted: set[str], found: Substance, params: list[str], *, told: bool) -> set[str]:
    """Which promises aren't kept. Own state, or all that was given, looked at by a condition answers a question.

    `told`: there is a docstring; a name alone is broken by literals only.
    """
    looks = found.answer is Depth.GIVEN and found.read.issuperset(params)
    worked = found.answer is Depth.WORKED
    marks: set[str] = set()
    for sort in ("change", "find", "check"):
        if sort == "check" and (found.refuses or looks):
            continue
        if sort == "change" and found.resets and not found.answers:
            continue
        if (found.asks or (worked and not found.counts and "either" in wanted)) if sort == "change" else worked:
            continue
        if sort == "find" and ((looks and not params and not found.spoken) or found.refuses):
            continue
        if f"told_{sort}" in wanted:
            marks |= {f"{sort}_unmet", f"{sort}_told"}
        elif sort in wanted and (told or found.claims or found.thrown):
            marks.add(f"{sort}_unmet")
    own = looks and not params and not found.claims
    if "figure" in wanted and found.answers and not own and not found.refuses and (not worked or found.tabled):
        marks.add("figure_unmet")
    return marks


def _ignored(node: Function, body: list[ast.stmt], doc: str, params: list[str]) -> set[str]:
    """Parameters that a short, documented body never reads."""
    if not doc or not params or (node.end_lineno or node.lineno) - node.lineno > _SHORT:
        return set()
    starred = {each.arg for each in (node.args.vararg, node.args.kwarg) if each is not None}
    asked = [each for each in params if each not in starred and not each.startswith("_")]
    read = {each.id for part in body for each in every(part) if isinstance(each, ast.Name)} if asked else set[str]()
    unread = [each for each in asked if each not in read]
    if not unread:
        return set()
    said = {word[:_STEM] for word in _WORD.findall(doc.lower())}
    told = any(word[:_STEM] in said for each in unread for word in _WORD.findall(each.lower()))
    return {"ignores", "ignores_told"} if told else {"ignores"}


def _selfless(node: Function, found: Substance) -> bool:
    """A method that doesn't look at its object."""
    first = node.args.args[0].arg if node.args.args else ""
    return first in ("self", "cls") and first not in found.read


def _borne(doc: str, body: list[ast.stmt]) -> bool:
    """Some word of what the docstring says is met again in the code (not in its texts)."""
    said = {word[:_STEM] for word in _WORD.findall(doc.lower()) if word not in _FILLERS}
    used: set[str] = set()
    for part in body:
        for each in every(part):
            name = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
            used |= {word[:_STEM] for word in _WORD.findall(name.lower())}
    return bool(said & used)
