"""How well detect_implementation_gaps and verify_spec find planted gaps, beside ruff, pylint and vulture.

    python benchmarks/gaps.py --scorer GAPBENCH.py --stubs STUBS.jsonl --specs SPECS.jsonl [--trees DIR] [--others]

The scorer builds the edited packages and scores what was found; it and the labelled files aren't part of this project.
Their places may be given by GAPBENCH_SCORER, GAPBENCH_STUBS and GAPBENCH_SPECS. Our side goes through the MCP tools
of a server in a process of its own. --others runs ruff, pylint and vulture in an environment made for them, on the same
trees. Prints precision, recall, F1 and accuracy, the share of untouched look-alikes that were flagged, the expected
calibration error in ten bins, and seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that it runs as a script, too

from bedrock_support.tools.gaps.options import DEFAULT_CONFIDENCE
from benchmarks.gaps_others import OTHERS, environment_of, findings_of
from tests.rig import connect, environment, told

BINS = 10
Row = dict[str, Any]


def main() -> None:
    given = _arguments()
    stubs, specs = _rows(given.stubs), _rows(given.specs)
    with tempfile.TemporaryDirectory() as scratch:
        trees = given.trees or Path(scratch) / "trees"
        for each in (given.stubs, given.specs):
            _run([given.python, given.scorer, "build", each, trees])
        began = time.perf_counter()
        found = anyio.run(_gaps, trees, sorted({row["root"] for row in stubs}))
        seconds = time.perf_counter() - began
        print(f"detect_implementation_gaps, confidence >= {DEFAULT_CONFIDENCE} ({seconds:.1f} s)")
        _score(given, given.stubs, [each for each in found if each["confidence"] >= DEFAULT_CONFIDENCE], Path(scratch))
        _calibration(stubs, found)
        began = time.perf_counter()
        tasks = anyio.run(_tasks, trees, sorted({row["root"] for row in specs}))
        print(f"verify_spec ({time.perf_counter() - began:.1f} s)")
        _score(given, given.specs, tasks, Path(scratch))
        if given.others:
            _others(given, trees, stubs, Path(scratch))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("scorer", "stubs", "specs"):
        default = os.environ.get(f"GAPBENCH_{name.upper()}")
        parser.add_argument(f"--{name}", type=Path, default=default and Path(default), required=default is None)
    parser.add_argument("--trees", type=Path, help="folder in which the edited packages are kept for the next run")
    parser.add_argument("--python", default="python3", help="interpreter with pip, for the scorer")
    parser.add_argument("--others", action="store_true", help="ruff, pylint and vulture too")
    return parser.parse_args()


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _run(command: Iterable[object]) -> str:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stderr}")
    return done.stdout


async def _gaps(trees: Path, roots: list[str]) -> list[Row]:
    """Everything the tool reports, of any confidence, page by page."""
    found: list[Row] = []
    env = environment(BEDROCK_SUPPORT_CACHE="off")
    async with connect("stdio", "2026-07-28", root=trees, env=env) as client:
        for root in roots:
            offset, total = 0, 1
            while offset < total:
                arguments = {"path": root, "min_confidence": 0, "limit": 100, "offset": offset, "focus": ["stubs"]}
                page = told(await client.call_tool("detect_implementation_gaps", arguments))
                total = page["total"]
                found += [{**each, "root": root} for each in page["gaps"]]
                offset += max(1, len(page["gaps"]))
    return found


async def _tasks(trees: Path, roots: list[str]) -> list[Row]:
    """Symbols of ticked tasks that the tool doesn't find done."""
    found: list[Row] = []
    env = environment(BEDROCK_SUPPORT_CACHE="off")
    async with connect("stdio", "2026-07-28", root=trees, env=env) as client:
        for root in roots:
            offset, total = 0, 1
            while offset < total:
                page = told(await client.call_tool("verify_spec", {"path": root, "limit": 100, "offset": offset}))
                total = sum(count for verdict, count in page["counts"].items() if verdict != "open")
                wrong = [task for task in page["tasks"] if task["verdict"] in ("missing", "partial")]
                found += [{"root": root, "file": "", "symbol": name} for task in wrong for name in task["symbols"]]
                offset += max(1, len(page["tasks"]))
    return found


def _score(given: argparse.Namespace, labels: Path, found: list[Row], scratch: Path) -> None:
    out = scratch / "findings.jsonl"
    out.write_text("".join(json.dumps(each) + "\n" for each in found), encoding="utf-8")
    print(_run([given.python, given.scorer, "score", labels, out]))


def _calibration(rows: list[Row], found: list[Row]) -> None:
    """Expected calibration error (Naeini et al. 2015): over every labelled row, and over those that are reported."""
    sure = {(each["root"], each["file"], each["symbol"]): float(each["confidence"]) for each in found}
    pairs = [(sure.get((row["root"], row["file"], row["qualname"]), 0.0), bool(row["label"])) for row in rows]
    reported = [each for each in pairs if each[0] >= DEFAULT_CONFIDENCE]
    print(
        f"calibration error: {_error(pairs):.3f} of all {len(pairs)} rows, "
        f"{_error(reported):.3f} of {len(reported)} reported\n"
    )


def _error(pairs: list[tuple[float, bool]]) -> float:
    total = 0.0
    for place in range(BINS):
        inside = [each for each in pairs if min(BINS - 1, int(each[0] * BINS)) == place]
        if inside:
            said = sum(each[0] for each in inside) / len(inside)
            true = sum(each[1] for each in inside) / len(inside)
            total += len(inside) / len(pairs) * abs(said - true)
    return total


def _others(given: argparse.Namespace, trees: Path, rows: list[Row], scratch: Path) -> None:
    python = environment_of(scratch / "others", given.python)
    for name in OTHERS:
        began = time.perf_counter()
        found = [
            each for root in sorted({row["root"] for row in rows}) for each in findings_of(name, python, trees, root)
        ]
        print(f"{name} ({time.perf_counter() - began:.1f} s)")
        _score(given, given.stubs, found, scratch)


if __name__ == "__main__":
    main()
