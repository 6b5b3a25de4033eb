"""Stubs in twenty-one forms planted in Python packages, and what the gap check makes of them and of all the rest.

    python -m benchmarks.gaps_forms --trees DIR [--seed 7] [--each 26]

DIR holds unpacked releases, one folder each. Bodies of functions of five to sixty statements are replaced, each form in
several wordings; signature and docstring stay. Prints how many of each form are found at the default confidence, and
how many untouched functions outside tests are flagged. Whoever reads those will find real gaps among them.
"""

from __future__ import annotations

import argparse
import ast
import random
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import anyio

from bedrock_support.tools.gaps.context import is_test
from bedrock_support.tools.gaps.options import DEFAULT_CONFIDENCE
from bedrock_support.tools.gaps.run import Found, find_gaps
from bedrock_support.tools.gaps.store import FactStore
from benchmarks.gaps_bodies import FORMS, Form, Spot

_LEFT_OUT = ("test", "example", "doc", "setup.py", "bench", "tutorial", "script", "compat")
FEWEST, MOST = 5, 60
"""Statements of a body that may be replaced."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A stub in a file of the copy."""

    file: str
    symbol: str
    form: str


def spots(root: Path, fewest: int = FEWEST) -> list[tuple[str, str, Spot]]:
    """File, qualified name and spot of every function that may be replaced."""
    found: list[tuple[str, str, Spot]] = []
    for path in sorted(root.rglob("*.py")):
        label = path.relative_to(root).as_posix()
        if any(word in label.lower() for word in _LEFT_OUT):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        try:
            pending: list[tuple[ast.AST, str]] = [(ast.parse(text), "")]
        except SyntaxError:
            continue
        lines = text.split("\n")
        while pending:
            node, prefix = pending.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.ClassDef):
                    pending.append((child, f"{prefix}{child.name}."))
                elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                    spot = _spot(child, lines, fewest)
                    found += [(label, prefix + child.name, spot)] if spot is not None else []
    return found


def _spot(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str], fewest: int) -> Spot | None:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    inside = [each for part in body for each in ast.walk(part)]
    count = sum(isinstance(each, ast.stmt) for each in inside)
    special = node.name.startswith("__") or any(isinstance(each, ast.Yield | ast.YieldFrom) for each in inside)
    declared = any(word in ast.unparse(each) for each in node.decorator_list for word in ("abstract", "overload"))
    if not fewest <= count <= MOST or special or declared or body[0].lineno <= node.lineno:
        return None
    start, end = body[0].lineno - 1, node.end_lineno or node.lineno
    raw = "\n".join(lines[start:end])
    if '"""' in raw or "'''" in raw or "\\\n" in raw:  # what may not be moved by a few columns
        return None
    third = body[max(1, len(body) // 3) - 1].end_lineno or start + 1
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return Spot(
        name=node.name,
        params=tuple(each for each in names if each not in ("self", "cls")),
        body=dedent(raw),
        head=dedent("\n".join(lines[start:third])),
        parts=len(body),
        documented=body is not node.body,
        answers=any(isinstance(each, ast.Return) and each.value is not None for each in inside),
        start=start,
        end=end,
        column=body[0].col_offset,
        returns=ast.unparse(node.returns) if node.returns is not None else "",
        method="self" in names,
        doc=ast.get_docstring(node, clean=False) or "",
    )


def edited(
    root: Path, listed: list[tuple[str, str, Spot]], most: int, chance: random.Random, table: dict[str, Form]
) -> tuple[dict[str, str], list[Planted]]:
    """So many of the spots with a body out of the table, forms in turn: the changed files, and what is in them."""
    chance.shuffle(listed)
    forms = sorted(table)
    planted: list[Planted] = []
    edits: dict[str, list[tuple[Spot, str]]] = {}
    for label, symbol, spot in listed:
        if len(planted) >= most:
            break
        for turn in range(len(forms)):
            form = forms[(len(planted) + turn) % len(forms)]
            new = table[form](spot, chance)
            if new is not None:
                planted.append(Planted(label, symbol, form))
                edits.setdefault(label, []).append((spot, new))
                break
    texts: dict[str, str] = {}
    for label, changes in edits.items():
        lines = (root / label).read_text(encoding="utf-8", errors="replace").split("\n")
        for spot, new in sorted(changes, key=lambda each: -each[0].start):
            lines[spot.start : spot.end] = indent(new, " " * spot.column).split("\n") if new else []
        text = "\n".join(lines)
        with suppress(SyntaxError):
            ast.parse(text)
            texts[label] = text
    return texts, [each for each in planted if each.file in texts]


def plant(root: Path, each: int, chance: random.Random) -> list[Planted]:
    """Replace so many bodies under `root`, forms in turn."""
    texts, planted = edited(root, spots(root), each, chance, FORMS)
    for label, text in texts.items():
        (root / label).write_text(text, encoding="utf-8")
    return planted


async def look(root: Path) -> Found:
    async def silent(done: float, total: float, message: str) -> None:
        """Nobody watches."""

    return await find_gaps(
        root,
        store=FactStore(None),
        workers=anyio.CapacityLimiter(2),
        told=silent,
        floor=DEFAULT_CONFIDENCE,
        focus=["stubs"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--each", type=int, default=26, help="stubs in each release")
    given = parser.parse_args()
    chance = random.Random(given.seed)  # noqa: S311 - draws what is replaced, guards nothing
    hits, totals, flagged = Counter[str](), Counter[str](), 0
    for tree in sorted(each for each in given.trees.iterdir() if each.is_dir()):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder).resolve() / tree.name
            shutil.copytree(tree, copy)
            planted = plant(copy, given.each, chance)
            found = {(each.file, each.symbol) for each in anyio.run(look, copy).gaps}
        there = {(each.file, each.symbol) for each in planted}
        totals.update(each.form for each in planted)
        hits.update(each.form for each in planted if (each.file, each.symbol) in found)
        strange = [each for each in found - there if not is_test(each[0])]
        flagged += len(strange)
        print(f"{tree.name}: {len(there & found)} of {len(there)} found, {len(strange)} others flagged")
    for form in sorted(totals):
        print(f"  {form:16} {hits[form]} of {totals[form]}")
    print(f"found {hits.total()} of {totals.total()} ({hits.total() / totals.total():.1%}); {flagged} others flagged")


if __name__ == "__main__":
    main()
