"""A report held against the database's own rows, which are read without the product's code."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from bedrock_support.server.rollout.report import FIGURE, Cell, Report, moment

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def rows(path: Path, run: str = "r-1") -> dict[str, dict[str, Any]]:
    """The database's own rows by the ids that a report uses, read without the product's code."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        found: dict[str, dict[str, Any]] = {"R": dict(db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone())}
        for letter, table in (("T", "transitions"), ("E", "evidence")):
            found |= {f"{letter}{row['id']}": dict(row) for row in db.execute(f"SELECT * FROM {table}")}  # noqa: S608
    return found


def figures_not_found(cell: Cell, stored: dict[str, dict[str, Any]]) -> list[str]:
    """Figures of a cell that its sources don't bear out."""
    sources = [stored[each] for each in cell.sources]
    times = [row[name] for row in sources for name in ("at", "started", "ended") if row.get(name) is not None]
    rest = cell.text
    for each in MOMENT.findall(cell.text):
        if any(moment(at) == each for at in times):
            rest = rest.replace(each, "")
    if len(times) == 2 and rest == f"{times[1] - times[0]:.2f} s":
        rest = ""
    whole = " ".join(str(value) for row in sources for value in row.values())
    return sorted(set(NUMBER.findall(rest)) - set(NUMBER.findall(whole)))


def figures(report: Report) -> list[Cell]:
    """Every cell and note in which a figure stands."""
    cells = [cell for part in report.sections for row in part.rows for cell in row]
    cells += [note for part in report.sections for note in part.notes]
    return [cell for cell in cells if FIGURE.search(cell.text)]


def untraced(report: Report, stored: dict[str, dict[str, Any]]) -> list[tuple[Cell, list[str]]]:
    """Cells with figures that have no source, or that their sources don't bear out."""
    found: list[tuple[Cell, list[str]]] = []
    for cell in figures(report):
        missing = figures_not_found(cell, stored) if cell.sources else ["no source"]
        if missing:
            found.append((cell, missing))
    return found
