"""Patches that follow from findings with certainty: each is derived anew from the files, not from what was told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from anyio import CapacityLimiter

from bedrock_support.tools.gaps.options import DEFAULT_CONFIDENCE
from bedrock_support.tools.gaps.run import find_gaps
from bedrock_support.tools.gaps.scan import Told
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.remedy.diffs import diff_of, lines_of
from bedrock_support.tools.remedy.given import Wanted
from bedrock_support.tools.specs.tasks import untick
from bedrock_support.tools.specs.verify import verify

_TICKED = re.compile(r"^\s*(?:[-*+]|\d+\.)\s+\[[xX]\]")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
# Of a row that begins otherwise nothing is derived, so that the tree needn't be read for it.
_SETTING_ROW = re.compile(r"^\s*\|\s*[`*]*[A-Z][A-Z0-9]*_[A-Z0-9_]+[`*]*\s*\|")
_DOCUMENTS = (".md", ".rst", ".txt")
UNTICK = "take back the tick: the code doesn't bear it out"
UNSAY = "take the row out: no code reads the setting (or make the code read it)"


async def derived(
    root: Path,
    findings: Sequence[Wanted],
    texts: Mapping[str, str],
    *,
    store: FactStore,
    workers: CapacityLimiter,
    told: Told,
    expired: Callable[[], bool],
) -> dict[str, tuple[str, str]]:
    """File -> what its patch does, and the patch. Only what the checks still find now is mended."""
    ticked = {each.path for each in findings if _line(texts, each, _TICKED)}
    rows = {each.path for each in findings if each.path.endswith(_DOCUMENTS) and _line(texts, each, _SETTING_ROW)}
    found: dict[str, tuple[str, str]] = {}
    if ticked:
        checked = await verify(root, None, store, workers, told)
        wrong = {(each.task.file, each.task.line) for each in checked.failing if each.task.ticked}
        for path in ticked:
            lines = {each.line for each in findings if (each.path, each.line) in wrong and each.path == path}
            if patch := diff_of(path, texts[path], untick(texts[path], lines)):
                found[path] = (UNTICK, patch)
    if rows:
        gone = await find_gaps(
            root,
            store=store,
            workers=workers,
            told=told,
            floor=DEFAULT_CONFIDENCE,
            focus=["docs"],
            expired=expired,
        )
        unread = {(each.file, each.line, each.symbol) for each in gone.gaps if each.kind == "unread_setting"}
        for path in rows:
            lines = {each.line for each in findings if each.path == path}
            sure = {(line, symbol) for file, line, symbol in unread if file == path and line in lines}
            if patch := diff_of(path, texts[path], without_rows(texts[path], sure)):
                found[path] = (UNSAY, patch)
    return found


def without_rows(text: str, claims: set[tuple[int, str]]) -> str:
    """The text without the table rows whose first cell is nothing but the setting named for their line (from 1)."""
    lines = lines_of(text)
    drop = {line for line, symbol in claims if 0 < line <= len(lines) and _first_cell(lines[line - 1]) == symbol}
    return "".join(each for number, each in enumerate(lines, 1) if number not in drop)


def _first_cell(line: str) -> str:
    return line.strip().strip("|").partition("|")[0].strip().strip("`*") if _ROW.match(line) else ""


def _line(texts: Mapping[str, str], finding: Wanted, pattern: re.Pattern[str]) -> bool:
    lines = lines_of(texts.get(finding.path, ""))
    return 0 < finding.line <= len(lines) and pattern.match(lines[finding.line - 1]) is not None
