"""ruff, pylint and vulture on a tree, their messages taken as findings about the function that each lies in."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OTHERS = {
    "ruff": [
        "ruff",
        "check",
        "--isolated",
        "--exit-zero",
        "--output-format=json",
        "--select=PIE790,S110,S112,B027,FIX,ARG,F841,ERA,PLR6301",
        "--preview",
    ],
    "pylint": [
        "pylint",
        "--disable=all",
        "--enable=W0107,W0511,W0101,W0718,W0702,W0613",
        "--output-format=json",
        "--recursive=y",
        "--jobs=2",
        "--exit-zero",
    ],
    "vulture": ["vulture", "--min-confidence=60"],
}
"""The rules that come closest to gaps, unused arguments among them: without those each finds far less."""
VERSIONS = ("ruff==0.14.6", "pylint==4.0.3", "vulture==2.14")


def environment_of(place: Path, python: str) -> Path:
    """An environment of their own; the path of its scripts."""
    subprocess.run([python, "-m", "venv", str(place)], check=True)
    subprocess.run([str(place / "bin/pip"), "install", "--quiet", *VERSIONS], check=True)
    return place / "bin"


def findings_of(name: str, scripts: Path, trees: Path, root: str) -> list[dict[str, Any]]:
    """What the program says of a tree, in the scorer's form."""
    command = [str(scripts / OTHERS[name][0]), *OTHERS[name][1:], "."]
    done = subprocess.run(command, cwd=trees / root, capture_output=True, text=True, check=False)
    functions: dict[str, list[tuple[int, int, str]]] = {}
    found: dict[tuple[str, str], None] = {}
    for file, line in _places(name, done.stdout, trees / root):
        spans = functions.setdefault(file, _functions(trees / root / file))
        inside = [span for span in spans if span[0] <= line <= span[1]]
        if inside:
            found[file, max(inside)[2]] = None
    return [{"root": root, "file": file, "symbol": symbol} for file, symbol in found]


def _places(name: str, said: str, base: Path) -> Iterator[tuple[str, int]]:
    if name == "vulture":
        for match in re.finditer(r"^(\S+?\.py):(\d+): unused (?!import)", said, re.MULTILINE):
            yield str(Path(match[1])), int(match[2])
        return
    for each in json.loads(said or "[]"):
        file = each["filename"] if name == "ruff" else each["path"]
        path = Path(file)
        yield (
            str(path.relative_to(base.resolve()) if path.is_absolute() else path),
            (each["location"]["row"] if name == "ruff" else each["line"]),
        )


def _functions(path: Path) -> list[tuple[int, int, str]]:
    """First line, last line and qualified name of every function of a file."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    found: list[tuple[int, int, str]] = []
    pending: list[tuple[ast.AST, str]] = [(tree, "")]
    while pending:
        node, prefix = pending.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}{child.name}"
                if not isinstance(child, ast.ClassDef):
                    found.append((child.lineno, child.end_lineno or child.lineno, name))
                pending.append((child, f"{name}."))
            else:
                pending.append((child, prefix))
    return found
