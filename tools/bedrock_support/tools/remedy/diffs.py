"""Unified diffs: made from two texts, and read from anybody with what they may not do refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from pathlib import PurePosixPath

MOST_PATCH = 60_000
"""Characters of one patch."""
_HEADER = re.compile(r"^(?:---|\+\+\+) (?P<name>[^\t\n]+)", re.MULTILINE)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
# Everything else that git reads in a patch changes more than lines: modes, links, names, binary content.
_LINE = re.compile(r"^(?:diff --git |index [0-9a-f]+\.\.|--- |\+\+\+ |@@ -)")


def diff_of(label: str, before: str, after: str) -> str:
    """The diff that turns `before` into `after`; empty when they are the same."""
    lines = difflib.unified_diff(lines_of(before), lines_of(after), f"a/{label}", f"b/{label}", n=3)
    parts = [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(parts)


def lines_of(text: str) -> list[str]:
    """The lines with their ends, as git splits them: at line feeds alone."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def files_of(patch: str) -> list[str]:
    """The files that a patch changes, without their a/ and b/, as the patch names them."""
    names = (_stripped(match["name"].strip()) for match in _HEADER.finditer(_headers(patch)))
    return list(dict.fromkeys(names))


def objection(patch: str, allowed: Collection[str]) -> str | None:
    """Why a patch may not be used: it does more than change lines of the allowed files. None when it may."""
    if len(patch) > MOST_PATCH:
        return f"is longer than {MOST_PATCH} characters"
    if "\0" in patch or "\r" in patch.replace("\r\n", "\n"):
        return "has control characters"
    headers = _headers(patch)
    if odd := next((line for line in headers.split("\n") if line.strip() and not _LINE.match(line)), None):
        return f"does more than change lines: {odd[:80]}"
    touched = files_of(patch)
    if not touched:
        return "is no unified diff"
    if "/dev/null" in touched:
        return "makes or deletes a file"
    for name in touched:
        parts = PurePosixPath(name).parts
        if name.startswith(("/", '"')) or ".." in parts or ".git" in parts or name not in allowed:
            return f"touches {name[:120]}, which no finding is about"
    return None


def _headers(patch: str) -> str:
    """The lines outside hunks. Hunks are counted out, so that a line of content can't pass for a header."""
    found: list[str] = []
    old = new = 0
    for line in patch.split("\n"):
        if old > 0 or new > 0:
            old -= line[:1] in (" ", "-", "")
            new -= line[:1] in (" ", "+", "")
            continue
        if line.startswith("\\"):
            continue
        found.append(line)
        if hunk := _HUNK.match(line):
            old, new = (int(hunk[at]) if hunk[at] is not None else 1 for at in (2, 4))
    return "\n".join(found)


def _stripped(name: str) -> str:
    return name[2:] if name.startswith(("a/", "b/")) else name
