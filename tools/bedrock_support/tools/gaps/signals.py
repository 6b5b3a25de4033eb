"""What one function shows by itself: the shape of its body and the signals around it, as names."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from bedrock_support.tools.gaps import values, words
from bedrock_support.tools.gaps.bodies import Function, Kind, Seen
from bedrock_support.tools.gaps.half import half_done
from bedrock_support.tools.gaps.literals import is_constant
from bedrock_support.tools.gaps.nodes import every
from bedrock_support.tools.gaps.trivial import Trivial, trivial
from bedrock_support.tools.gaps.unmet import unmet
from bedrock_support.tools.gaps.wounds import Wound, constants, dead_flag, swallowed, unreachable

_COMMENT = re.compile(r"(?:^|\s)#+\s?(.*)$")
_BOOLEAN_DOC = re.compile(
    r"\b(?:whether|true if|true when|true iff|if true|false if|returns? true|returns? false|boolean)\b", re.I
)
_USUAL_DUNDERS = (
    "__init__",
    "__exit__",
    "__enter__",
    "__repr__",
    "__str__",
    "__del__",
    "__aexit__",
    "__aenter__",
    "__call__",
)
MOST_DOC, MOST_COMMENT = 4_000, 300
SHORT_DOC, LONG_DOC = 40, 160
"""Characters of a docstring that say little, and much."""


def look(node: Function, told: Callable[[list[ast.stmt]], list[str]], decorators: set[str]) -> Seen:
    """Judge the shape of one function's body; cheap for the many that are ordinary.

    `told` gives the comments of a body, when they are needed.
    """
    body, doc = split(node)
    doc = doc[:MOST_DOC]
    params = parameters(node)
    plain = trivial(body, params)
    seen = Seen(kind=None, line=node.lineno, empty=plain is not None)
    if plain is not None:
        special = node.name.startswith("__") and node.name.endswith("__")
        if plain.declared or (plain.refuses and special) or (node.name == "__init__" and _sink(node, plain)):
            return seen
        _plain(seen, plain, node, params)
        if plain.kind() == "echo" and len(params) == 1 and decorators & {"property", "cached_property"}:
            return seen
    elif not _wounded(seen, body, params):
        half_done(seen, node, body, params, told(body))
    unmet(seen, node, body, doc, params)
    if seen.kind is None:
        return seen
    claims = plain is not None and any(not values.is_empty(each) for each in plain.returned)
    _around(seen, node, doc, params, told(body), told_alone=claims and seen.kind == "log_only")
    return seen


def split(node: Function) -> tuple[list[ast.stmt], str]:
    """The body without its docstring, and the docstring."""
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return node.body[1:], first.value.value
    return node.body, ""


def parameters(node: Function) -> list[str]:
    """Names of the parameters but self and cls, in order."""
    args = node.args
    found = [each.arg for each in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    found += [each.arg for each in (args.vararg, args.kwarg) if each is not None]
    return found[1:] if found[:1] in (["self"], ["cls"], ["mcs"], ["klass"]) else found


def _plain(seen: Seen, plain: Trivial, node: Function, params: list[str]) -> None:
    seen.kind = plain.kind()
    if seen.kind == "simulated":
        doc = (ast.get_docstring(node, clean=False) or "")[:MOST_DOC]
        seen.marks.add("chance_named" if words.says_randomness(f"{node.name} {doc}") else "chance_unsaid")
        seen.marks |= {"sleeps"} if plain.sleeps else set()
        seen.marks |= {"draws"} if plain.chance else set()
    seen.marks |= {"deletes"} if plain.deletes else set()
    seen.marks |= {"logs"} if plain.logs else set()
    seen.marks |= {"said_unwritten"} if plain.unwritten else set()
    seen.marks |= {"says_missing"} if any(words.SAID_MISSING.search(each) for each in plain.said) else set()
    if any(words.STAND_IN_NAME.search(name) for name in plain.known):
        seen.marks.add("stand_in_name")
    elif plain.known:
        seen.marks.add("kept_constant")
    seen.marks |= {"doc_only"} if not plain.explicit and not plain.ellipsis and not plain.returned else set()
    if plain.echoes:
        seen.marks.add("echo_of_first" if plain.echoes == params[0] else "echo_of_later")
        _echo_type(seen, node, plain.echoes)
    if plain.returned and seen.kind in ("constant", "pass", "log_only"):
        _value(seen, node, plain.returned[-1])
    elif seen.kind in ("pass", "ellipsis"):
        fit = values.none_fits(values.annotation_names(node.returns))
        seen.marks.add({None: "annotation_open", True: "annotation_fits", False: "annotation_clash"}[fit])


def _sink(node: Function, plain: Trivial) -> bool:
    """A constructor that takes nothing or anything, and keeps none of it: it promises nothing."""
    named = len(node.args.posonlyargs) + len(node.args.args) + len(node.args.kwonlyargs)
    return named <= 1 and plain.kind() in ("pass", "ellipsis")


def _echo_type(seen: Seen, node: Function, name: str) -> None:
    args = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    given = next((each.annotation for each in args if each.arg == name), None)
    if given is None or node.returns is None:
        seen.marks.add("annotation_open")
        return
    left, right = values.annotation_names(given), values.annotation_names(node.returns)
    if left and right and not left & right and "Any" not in left | right and "object" not in right:
        seen.marks.add("annotation_clash")
    else:
        seen.marks.add("annotation_fits")


def _value(seen: Seen, node: Function, value: ast.expr) -> None:
    kind = values.type_of(value)
    seen.value = ast.unparse(value)[:80] if is_constant(value) else ""
    group = {"none": "none", "bool": "bool", "int": "number", "float": "number", "str": "text", "bytes": "text"}.get(
        kind, "container"
    )
    seen.marks.add(f"value_{group}")
    seen.marks |= {"value_empty"} if values.is_empty(value) and group != "none" else set()
    seen.marks |= {"value_canned"} if values.looks_canned(value) else set()
    names = values.annotation_names(node.returns)
    fit = values.fits(kind, names)
    seen.marks.add({None: "annotation_open", True: "annotation_fits", False: "annotation_clash"}[fit])
    if fit is None and kind == "none" and names is not None and "None" not in names:
        seen.marks.add("annotation_clash")
    seen.marks |= {"literal_promised"} if names and "Literal" in names else set()
    predicate = words.PREDICATE.search(node.name) is not None
    if predicate:
        seen.marks.add("predicate_answers" if group == "bool" else "predicate_no_bool")
    doc = (ast.get_docstring(node, clean=False) or "")[:MOST_DOC].lower()
    if doc and (seen.value.lower().strip("'\"") in doc if group != "none" else False):
        seen.marks.add("value_in_doc")
    if _BOOLEAN_DOC.search(doc):
        seen.marks.add("doc_boolean" if group == "bool" else "doc_boolean_no_bool")


def _wounded(seen: Seen, body: list[ast.stmt], params: list[str]) -> bool:
    found: tuple[Kind, Wound] | None = None
    flagged = dead_flag(body, params)
    parked = unreachable(body, constants(body))
    hidden = swallowed(body)
    if flagged is not None:
        found = "dead_flag", flagged
    elif parked is not None:
        found = "unreachable", parked
    elif hidden is not None:
        found = "swallowed", hidden
    if found is None:
        return False
    seen.kind, seen.size = found[0], found[1].size
    seen.line = found[1].line
    seen.marks |= found[1].marks
    return True


def _around(seen: Seen, node: Function, doc: str, params: list[str], comments: list[str], *, told_alone: bool) -> None:
    """Signals that every kind shares: promise of name and docstring, comments, parameters left unread.

    `told_alone`: its logs are all that reads its parameters, and it claims a result: nothing was made of them.
    """
    marks = seen.marks
    marks.add(
        "doc_none"
        if not doc
        else "doc_short"
        if len(doc.strip()) < SHORT_DOC
        else "doc_long"
        if len(doc) > LONG_DOC
        else "doc_some"
    )
    if doc:
        excused = excuses(doc, "doc")
        marks |= excused
        if not excused:
            marks |= {"doc_long_plain"} if len(doc) > LONG_DOC else {"doc_plain"}
            marks |= {"doc_promises_plain"} if words.PROMISE.search(doc) else set()
        marks |= {"doc_promises"} if words.PROMISE.search(doc) else set()
        marks |= {"doc_returns"} if words.RETURNS.search(doc) else set()
        opening = words.first_word(doc.strip().split(" ", 1)[0])
        marks |= {"doc_acts"} if opening in words.ACTION or opening.removesuffix("s") in words.ACTION else set()
        marks |= {"doc_defers"} if words.SAID_MISSING.search(doc) or words.STRONG_MARKER.search(doc) else set()
    told = " ".join(comments)
    marker = next((each for each in comments if words.MARKER.search(each)), "")
    if marker:
        seen.comment = marker.strip()[:120]
        marks.add("marker_strong" if words.STRONG_MARKER.search(marker) else "marker")
    elif told and seen.empty:
        marks |= excuses(told, "comment") or {"comment_other"}
    name = node.name
    if name.startswith("__") and name.endswith("__"):
        marks.add("name_dunder")
        marks |= {f"name_{name.strip('_')}"} if name in _USUAL_DUNDERS else set()
    marks |= {"name_noop"} if words.NOOP_NAME.search(name) else set()
    marks |= {"name_acts"} if words.first_word(name) in words.ACTION else set()
    marks |= {"name_hook"} if words.HOOK.search(name) else set()
    marks |= {"name_predicate"} if words.PREDICATE.search(name) else set()
    marks |= {"name_identity"} if words.IDENTITY.search(name) else set()
    marks |= {"name_private"} if name.startswith("_") and not name.startswith("__") else set()
    read = [part for part in node.body if not (told_alone and isinstance(part, ast.Expr))]
    loaded = {each.id for part in read for each in every(part) if isinstance(each, ast.Name)}
    starred = {each.arg for each in (node.args.vararg, node.args.kwarg) if each is not None}
    marks |= {"takes_anything"} if starred else set()
    params = [each for each in params if each not in starred]
    unread = [each for each in params if each not in loaded and not each.startswith("_")]
    marks.add(f"params_{min(len(params), 3)}")
    marks |= {"init_takes_nothing"} if name == "__init__" and not params else set()
    if params:
        share = len(unread) / len(params)
        marks.add(
            "unread_all" if share == 1 else "unread_most" if share >= 0.5 else "unread_some" if share else "unread_none"
        )
        marks |= {"unread_many"} if len(unread) >= 3 else set()
        marks |= {"unread_two"} if len(unread) == 2 else set()
    marks |= {"is_async"} if isinstance(node, ast.AsyncFunctionDef) else set()


def excuses(text: str, where: str) -> set[str]:
    """Which sorts of excuse the words give."""
    kinds = (("nothing", words.NOTHING), ("hooked", words.HOOKED), ("excused", words.EXCUSED))
    return {f"{where}_{name}" for name, pattern in kinds if pattern.search(text)}


def comments_of(node: Function, lines: list[str], body: list[ast.stmt]) -> list[str]:
    """Comments of the body, with those that stand after its last statement."""
    start = body[0].lineno - 1 if body else node.end_lineno or node.lineno
    doc_end = node.body[0].end_lineno if body is not node.body and node.body else node.lineno
    start = max(node.lineno, min(start, doc_end or start))
    end = node.end_lineno or node.lineno
    found = [
        match.group(1)
        for line in lines[start - 1 if body is node.body else start : end]
        if "#" in line and (match := _COMMENT.search(line[:2_000]))
    ]
    for line in lines[end : end + 10]:
        stripped = line.strip()
        if stripped and not (stripped.startswith("#") and len(line) - len(line.lstrip()) > node.col_offset):
            break
        if stripped:
            found.append(stripped.lstrip("# ")[:MOST_COMMENT])
    return found
