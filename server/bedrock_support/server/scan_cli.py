"""`bedrock-support scan`: personal data and secrets in files, or the finds in documents of a JSON-lines file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedrock_support.routing.pii.span import Span
    from bedrock_support.server.commands import Commands

FOUND, USAGE_ERROR = 1, 2
MOST_BYTES = 5_000_000
"""Of one file; the rest is not read, and said so."""
MOST_FILES = 10_000
_SKIPPED = frozenset({".git", ".venv", "node_modules", "__pycache__", ".tox", "dist", "build"})


def add_scan_parser(commands: Commands) -> None:
    """The command `scan`. Ends with 0 when nothing was found, 1 when something was, 2 when it couldn't be read."""
    scan = commands.add_parser("scan", help="find personal data and secrets in files")
    scan.add_argument("path", nargs="*", type=Path, help="file or folder")
    scan.add_argument(
        "--jsonl", nargs=2, type=Path, metavar=("IN", "OUT"), help='rows {"id", "text"} to {"id", "spans"}'
    )
    scan.add_argument("--json", action="store_true", help="one JSON object a find")
    scan.set_defaults(run=_scan)


def _scan(arguments: argparse.Namespace) -> int:
    try:
        if arguments.jsonl is not None:
            return _documents(*arguments.jsonl)
        if not arguments.path:
            sys.stderr.write("path: missing. Give a file or folder, or --jsonl IN OUT\n")
            return USAGE_ERROR
        return _files(arguments.path, as_json=arguments.json)
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return USAGE_ERROR
    except (ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"--jsonl: a row is no object with id and text ({type(error).__name__})\n")
        return USAGE_ERROR


def _documents(source: Path, target: Path) -> int:
    from bedrock_support.routing.pii.finder import find

    with source.open(encoding="utf-8") as rows, target.open("w", encoding="utf-8") as found:
        for row in rows:
            if row.strip():
                document = json.loads(row)
                spans = [[each.start, each.end, each.label] for each in find(document["text"])]
                found.write(json.dumps({"id": document["id"], "spans": spans}) + "\n")
    return 0


def _files(paths: list[Path], *, as_json: bool) -> int:
    from bedrock_support.routing.pii.finder import find

    count = 0
    for file in _each(paths):
        text = _text(file)
        for each in find(text) if text else ():
            count += 1
            sys.stdout.write(_line(file, text, each, as_json=as_json) + "\n")
    if not as_json:
        sys.stdout.write(f"{count} finds\n")
    return FOUND if count else 0


def _each(paths: list[Path]) -> Iterator[Path]:
    number = 0
    for path in paths:
        if not path.is_dir():
            path.stat()  # a path that isn't there is the caller's mistake
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(set(folders) - _SKIPPED)
            for name in sorted(names):
                file = Path(folder, name)
                if file.is_file() and not file.is_symlink():
                    number += 1
                    if number > MOST_FILES:
                        sys.stderr.write(f"{path}: more than {MOST_FILES} files; the rest was not read\n")
                        return
                    yield file


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    if b"\0" in data[:4096]:
        return ""
    if len(data) > MOST_BYTES:
        sys.stderr.write(f"{file}: only the first {MOST_BYTES} bytes were read\n")
    return data[:MOST_BYTES].decode("utf-8", errors="replace")


def _line(file: Path, text: str, found: Span, *, as_json: bool) -> str:
    number = text.count("\n", 0, found.start) + 1
    shown = masked(text[found.start : found.end])
    if as_json:
        return json.dumps({"file": str(file), "line": number, "label": found.label, "masked": shown})
    return f"{file}:{number}: {found.label} {shown}"


def masked(value: str) -> str:
    """Enough of a value to find it again, and no more: a quarter of it, four characters at most."""
    kept = min(4, len(value) // 4)
    return value[:kept].replace("\n", " ") + "…"
