"""How candidates are worded: titles, subjects, roles, and what would prove them wrong."""

from __future__ import annotations

import hashlib
import re

from bedrock_support.tools.logs.candidates import Candidate
from bedrock_support.tools.logs.trace_finder import TraceGroup
from bedrock_support.tools.logs.variants import Template

# What a stamp and a process id leave at the head of a template.
_LEFT_OVER = re.compile(r"\A(?:UTC|GMT|CES?T)?\s{0,4}(?:\[<\*>\]:?\s{0,4})?")


def template_id(text: str) -> str:
    """A template's name: the same for the same words, whatever else the log says."""
    return "T" + hashlib.sha256(text.encode()).hexdigest()[:8]


def cut(text: str, limit: int) -> str:
    """Text of at most `limit` characters, without control characters."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def role_of(each: Candidate) -> str:
    """What a candidate is in the timeline."""
    if each.trigger:
        return "change"
    return "first error" if each.first_error else each.change if each.change != "steady" else "error"


def subject_of(each: Candidate) -> str:
    """What a candidate is about, in the log's own words."""
    if isinstance(each.subject, Template):
        return _LEFT_OVER.sub("", each.subject.text)
    trace = each.subject.trace
    where = f" at {trace.frame.file.rsplit('/', 1)[-1]}:{trace.frame.line}" if trace.frame else ""
    return f"{trace.kind}{where}" + (f": {trace.message}" if trace.message else "")


def title_of(each: Candidate) -> str:
    """The title of its finding."""
    text = cut(subject_of(each), 120)
    if each.trigger:
        return f"Change just before the first error: {text}"
    if isinstance(each.subject, TraceGroup):
        return f"{each.subject.trace.language} stack trace: {text}"
    if each.change == "gone":
        return f"Stopped: {text}"
    return f"{each.subject.label.capitalize()}: {text}" if each.subject.label else text


def disproof_of(each: Candidate) -> str:
    """What one would see if it were wrong."""
    if each.trigger:
        return "The same errors before this line, or the same change elsewhere without errors after it"
    if each.change == "gone":
        return "The work was stopped on purpose, or its log goes elsewhere now"
    if each.change in ("new", "burst"):
        return "The same rate of these lines in a time known to be healthy"
    return "It goes on at the same rate after the problem is mended"
