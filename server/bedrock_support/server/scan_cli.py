"""`bedrock-support scan`: what scan_compliance finds in files, or the spans in documents of a JSON-lines file."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING

from bedrock_support.server.settings import load
from bedrock_support.tools.base import InputError
from bedrock_support.tools.paths import Place

if TYPE_CHECKING:
    from bedrock_support.server.commands import Commands
    from bedrock_support.tools.exposure.finds import Find

FOUND, USAGE_ERROR = 1, 2


def add_scan_parser(commands: Commands) -> None:
    """The command `scan`. Ends with 0 when nothing was found, 1 when something was, 2 when it couldn't be read."""
    scan = commands.add_parser("scan", help="find personal data, secrets and non-EU regions in files")
    scan.add_argument("path", nargs="*", type=Path, help="file or folder")
    scan.add_argument(
        "--jsonl", nargs=2, type=Path, metavar=("IN", "OUT"), help='rows {"id", "text"} to {"id", "spans"}'
    )
    scan.add_argument("--json", action="store_true", help="one JSON object a find")
    scan.set_defaults(run=_scan)


def _scan(arguments: argparse.Namespace) -> int:
    from bedrock_support.routing.pii import late
    from bedrock_support.routing.pii.outside import NoModel

    try:
        settings = load()
        late.names(settings.names, settings.names_model)
        if arguments.jsonl is not None:
            return _documents(*arguments.jsonl)
        if not arguments.path:
            sys.stderr.write("path: missing. Give a file or folder, or --jsonl IN OUT\n")
            return USAGE_ERROR
        return _files(arguments.path, as_json=arguments.json)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    except OSError as error:
        sys.stderr.write(f"path = {str(error.filename)!r}: {error.strerror}. Name files or folders that may be read\n")
        return USAGE_ERROR
    except NoModel as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        sys.stderr.write(f"--jsonl: a row is no object with id and text ({type(error).__name__})\n")
        return USAGE_ERROR


def _documents(source: Path, target: Path) -> int:
    from bedrock_support.routing.pii.late import find

    with source.open(encoding="utf-8") as rows, target.open("w", encoding="utf-8") as found:
        for row in rows:
            if row.strip():
                document = json.loads(row)
                spans = [[each.start, each.end, each.label] for each in find(document["text"])]
                found.write(json.dumps({"id": document["id"], "spans": spans}) + "\n")
    return 0


def _files(paths: list[Path], *, as_json: bool) -> int:
    from bedrock_support.tools.exposure.files import Scan

    count = 0
    scan = Scan()
    for path in paths:
        mode = path.stat().st_mode  # a path that isn't there is the caller's mistake
        real = path.resolve()
        if not (S_ISREG(mode) or S_ISDIR(mode)):
            raise InputError("path", str(path), "is no regular file and no folder", "Name one of these")
        for place, found in scan.walk(Place(real, real if real.is_dir() else real.parent)):
            file = path / place.label if real.is_dir() else path
            for each in found:
                count += 1
                sys.stdout.write(_line(file, each, as_json=as_json) + "\n")
    for note in scan.notes:
        sys.stderr.write(f"{note}\n")
    if not as_json:
        sys.stdout.write(f"{count} finds\n")
    return FOUND if count else 0


def _line(file: Path, found: Find, *, as_json: bool) -> str:
    if as_json:
        row = {"file": str(file), "line": found.line, "kind": found.kind, "label": found.label}
        return json.dumps(row | {"severity": found.severity, "excerpt": found.excerpt, "detail": found.detail})
    return f"{file}:{found.line}: {found.label} {found.detail or found.excerpt}"
