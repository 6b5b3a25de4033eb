"""Facts of one file in TypeScript, JavaScript, Go or Java: its tree as Python's, judged by Python's rules."""

from __future__ import annotations

import ast
import re

from bedrock_support.tools.gaps.facts import FileFacts, FunctionFacts, uses_of
from bedrock_support.tools.gaps.poly.bindings import Walker
from bedrock_support.tools.gaps.poly.define import Defined
from bedrock_support.tools.gaps.poly.languages import GRAMMARS, parser
from bedrock_support.tools.gaps.poly.lookalikes import excused
from bedrock_support.tools.gaps.poly.probes import weak_tests
from bedrock_support.tools.gaps.signals import MOST_DOC, look
from bedrock_support.tools.gaps.trivial import texts
from bedrock_support.tools.gaps.words import SAID_MISSING

_GENERATED = re.compile(rb"code generated|do not (?:edit|modify)|@generated|auto-?generated", re.IGNORECASE)
_ANNOTATED = re.compile(rb"^@(?:javax\.annotation\.(?:processing\.)?)?Generated\b", re.MULTILINE)
_HEAD = re.compile(rb"(?:\s|//[^\n]*|/\*.*?\*/|['\"]use strict['\"];?|#![^\n]*)*", re.DOTALL)
_HEAD_BYTES = 4_000
_QUIET = ("pass", "ellipsis", "constant", "echo", "log_only", "")
"""Kinds that custom may excuse; failing, pretending and hiding has no such custom."""
_LONG_LINE = 400
"""Mean bytes of a line from which a file was made by a bundler."""
_TESTS = {
    "script": re.compile(rb"\b(?:it|test|specify|fit)\b[\w.]*\("),
    "go": re.compile(rb"func Test"),
    "java": re.compile(rb"@\w*Test\b"),
}
"""What a file must hold to hold a test."""
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPECIAL = {
    "constructor": "__init__",
    "toString": "__str__",
    "String": "__str__",
    "hashCode": "__hash__",
    "equals": "__eq__",
    "toJSON": "__repr__",
    "compareTo": "__lt__",
}


def facts_of(source: bytes, language: str) -> FileFacts:
    """Facts of one file; whatever is in it, this returns."""
    found = FileFacts(functions=[], classes=[], uses={}, imported=[], names=[], tests=[], problem="")
    if b"\x00" in source[:4_096]:
        found["problem"] = "isn't text"
        return found
    if len(source) > _LONG_LINE * (source.count(b"\n") + 2):
        return found  # made by a bundler: nobody wrote it
    try:
        _fill(found, source, language)
    except (RecursionError, MemoryError):
        found["problem"] = "is nested too deeply"
    return found


def is_generated(source: bytes) -> bool:
    """The comments before the first code say that a machine wrote it, or an annotation does."""
    start = source[:_HEAD_BYTES]
    head = _HEAD.match(start)
    return _ANNOTATED.search(start) is not None or (head is not None and _GENERATED.search(head[0]) is not None)


def _fill(found: FileFacts, source: bytes, language: str) -> None:
    grammar = GRAMMARS[language]
    root = parser(language).parse(source).root_node
    walker = Walker(grammar)
    body = walker.block(root.named_children)
    tree = ast.Module(body=body, type_ignores=[])
    found["classes"] = walker.classes
    found["names"] = walker.names
    uses_of(tree, found)
    generated = is_generated(source)
    if _TESTS[grammar.family].search(source):
        found["tests"] = weak_tests(tree, walker.functions, grammar.family)
    comments = sorted(walker.comments)
    components = language in ("tsx", "js") and (b"</" in source or b"/>" in source)
    for each in walker.functions:
        fact = _function(each, comments, grammar.family)
        plain = fact["kind"] in _QUIET and excused(each, walker, components=components)
        if generated or plain:
            fact["kind"], fact["marks"] = "", []
        found["functions"].append(fact)


def _function(each: Defined, comments: list[tuple[int, str]], family: str) -> FunctionFacts:
    node = each.node
    name = node.name
    fact = FunctionFacts(
        q=each.q,
        c=each.owner,
        line=node.lineno,
        end=node.end_lineno or node.lineno,
        kind="",
        empty=each.contract,
        marks=[],
        at=node.lineno,
        size=0,
        value="",
        comment="",
        decorators=each.decorators,
    )
    if each.contract or each.work:
        return fact
    node.name = _python_name(name, each, family)
    doc = _documented(each.doc, name, family)
    if doc:
        node.body = [_doc(doc, node), *node.body]
    last = node.end_lineno or node.lineno
    seen = look(
        node, lambda _body: [said for line, said in comments if each.body_line <= line <= last], set(each.decorators)
    )
    fact["empty"] = seen.empty
    if seen.kind:
        marks = {*seen.marks, *(["nested"] if each.inner else []), *(["branched"] if each.branch else [])}
        marks |= {"method" if each.owner >= 0 else "plain_function", f"in_{family}"}
        marks |= {"says_unwritten"} if seen.kind == "not_implemented" and _unwritten(node) else set()
        fact.update(
            kind=seen.kind,
            marks=sorted(marks),
            at=seen.line,
            size=seen.size,
            value=_spoken(seen.value, family),
            comment=seen.comment,
        )
    return fact


def _unwritten(node: ast.FunctionDef) -> bool:
    """It fails in words that say the work is missing: neither a contract nor a limit is told like that."""
    errors = [each.exc for each in node.body if isinstance(each, ast.Raise)]
    return any(SAID_MISSING.search(said) for each in errors if isinstance(each, ast.Call) for said in texts(each.args))


def _python_name(name: str, each: Defined, family: str) -> str:
    """The name as Python would write it, so that words of names are found."""
    if name in _SPECIAL:
        return _SPECIAL[name]
    if family == "java" and each.q.endswith(f"{name}.{name}"):
        return "__init__"
    return _WORDS.sub("_", name).lower() if not name.isupper() else name.lower()


def _documented(doc: str, name: str, family: str) -> str:
    if family == "go" and doc.startswith(f"{name} "):
        doc = doc[len(name) + 1 :]
    return doc[:MOST_DOC].strip()


def _doc(doc: str, node: ast.FunctionDef) -> ast.Expr:
    made = ast.Expr(value=ast.Constant(value=doc))
    made.lineno = made.end_lineno = node.lineno
    made.col_offset = 0
    return made


def _spoken(value: str, family: str) -> str:
    """A constant as its own language writes it."""
    if not value:
        return ""
    empty = "nil" if family == "go" else "null"
    return re.sub(r"\bNone\b", empty, re.sub(r"\bTrue\b", "true", re.sub(r"\bFalse\b", "false", value)))


__all__ = ["facts_of", "is_generated"]
