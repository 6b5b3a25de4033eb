"""How well detect_implementation_gaps tells stubs in TypeScript, JavaScript, Go and Java from what only looks like one.

    python -m benchmarks.gaps_languages --trees DIR [--keep DIR] [--each 150] [--seed 7] [--only NAME,NAME]

DIR holds checkouts of released projects, one folder each; none is part of this project. Functions of them are replaced
by stubs of eleven kinds (gaps_kinds.py), at most a fifth of each file's; the labelled set is those, as many functions
left as they are, as many one-statement functions left as they are, and the look-alikes of tests/gaps_samples.py.
Functions whose own text says that work is missing aren't taken. Prints precision, recall, F1 and accuracy by language,
the calibration error in ten bins, what was missed by kind, and the share of untouched functions that is flagged.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import anyio

from bedrock_support.tools.gaps.findings import Gap
from bedrock_support.tools.gaps.options import DEFAULT_CONFIDENCE
from bedrock_support.tools.gaps.poly.kinds import BY_ENDING, family_of
from bedrock_support.tools.gaps.run import Found, find_gaps
from bedrock_support.tools.gaps.store import FactStore
from benchmarks.gaps_kinds import KINDS
from benchmarks.gaps_planting import Spot, spots
from tests.gaps_samples import LOOK_ALIKES

SKIPPED = re.compile(r"(?:^|/)(?:node_modules|vendor|dist|build|target|third_party|\.git)/")
OWN_GAP = re.compile(r"todo|fixme|not (?:yet )?implemented|unsupported|not supported|deprecated|stub|mock|no-?op", re.I)
BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled function."""

    family: str
    file: str
    name: str
    kind: str
    """Kind of stub, or `ordinary`, `small` or `look-alike`."""

    @property
    def is_gap(self) -> bool:
        return self.kind in KINDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="folder in which the planted trees are kept")
    parser.add_argument("--each", type=int, default=150, help="stubs in each language")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="", help="projects, by the names of their folders")
    parser.add_argument("--wrong", action="store_true", help="tell each wrong answer, too")
    given = parser.parse_args()
    projects = [each for each in sorted(given.trees.iterdir()) if not given.only or each.name in given.only.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        untouched(projects)
        target = given.keep or Path(scratch)
        rows = plant(projects, target, given.each, random.Random(given.seed))  # noqa: S311 - a seed, not a secret
        found = anyio.run(scan, target)
        score(rows, found, wrong=given.wrong)


async def scan(root: Path) -> Found:
    async def told(_done: float, _total: float, _said: str) -> None:
        pass

    return await find_gaps(
        root, store=FactStore(None), workers=anyio.CapacityLimiter(2), told=told, floor=0.0, focus=["stubs"]
    )


def sources(project: Path) -> list[tuple[str, Path]]:
    """Label and file of each source of a project that is in one of the languages."""
    files = ((each.relative_to(project).as_posix(), each) for each in sorted(project.rglob("*")) if each.is_file())
    return [
        (label, each)
        for label, each in files
        if BY_ENDING.get(each.suffix, "py") != "py" and not SKIPPED.search(label) and each.stat().st_size < 300_000
    ]


def untouched(projects: list[Path]) -> None:
    """How many functions of the projects as they are get flagged."""
    print("untouched project: functions, flagged at the default confidence, share")
    for project in projects:
        began = time.perf_counter()
        found = anyio.run(scan, project)
        listed = {family_of(label) for label, _ in sources(project)}
        total = sum(len(spots(each, label)) for label, each in sources(project))
        flagged = [
            each for each in found.gaps if each.confidence >= DEFAULT_CONFIDENCE and not each.file.endswith(".py")
        ]
        share = len(flagged) / max(1, total)
        print(
            f"  {project.name} ({', '.join(sorted(listed))}): {total} functions, {len(flagged)} flagged, {share:.2%}, "
            f"{found.files} files in {time.perf_counter() - began:.1f} s"
        )


def plant(projects: list[Path], target: Path, each_language: int, rng: random.Random) -> list[Row]:
    """Copies of the projects with stubs in them, and the labelled rows."""
    by_family: dict[str, list[tuple[str, str, Path]]] = {}
    for project in projects:
        shutil.copytree(project, target / project.name, dirs_exist_ok=True, symlinks=True)
        for label, _ in sources(project):
            by_family.setdefault(family_of(label), []).append((project.name, label, target / project.name / label))
    rows: list[Row] = []
    for family, files in sorted(by_family.items()):
        rng.shuffle(files)
        wanted = {"gap": each_language, "ordinary": each_language, "small": each_language}
        for project, label, file in files:
            rows += _plant_file(f"{project}/{label}", label, file, family, wanted, rng)
    for family, samples in LOOK_ALIKES.items():
        for at, (ending, names, text) in enumerate(samples):
            label = f"samples/{family}{at}/part{ending}"
            (target / label).parent.mkdir(parents=True, exist_ok=True)
            (target / label).write_text(text, encoding="utf-8")
            rows += [Row(family=family, file=label, name=name, kind="look-alike") for name in names]
    return rows


def _plant_file(
    where: str, label: str, file: Path, family: str, wanted: dict[str, int], rng: random.Random
) -> list[Row]:
    data = file.read_bytes()
    every = spots(file, label)
    names = Counter(each.name for each in every)
    own = [
        each
        for each in every
        if names[each.name] == 1
        and not OWN_GAP.search(
            data[max(0, data.rfind(b"\n", 0, each.begin) - 400) : each.end].decode("utf-8", "replace")
        )
    ]
    rng.shuffle(own)
    rows: list[Row] = []
    planted: list[tuple[Spot, bytes]] = []
    for spot in own:
        if wanted["gap"] and spot.statements >= 2 and len(planted) < max(1, len(every) // 5) and len(rows) < 8:
            kinds = list(KINDS)
            rng.shuffle(kinds)
            made = next(((kind, text) for kind in kinds if (text := KINDS[kind](spot, family, rng)) is not None), None)
            if made is not None:
                planted.append((spot, _filled(made[1], spot, data)))
                rows.append(Row(family=family, file=where, name=spot.name, kind=made[0]))
                wanted["gap"] -= 1
                continue
        kind = "small" if spot.statements <= 1 else "ordinary"
        if wanted[kind] and sum(each.kind == kind for each in rows) < 3:
            rows.append(Row(family=family, file=where, name=spot.name, kind=kind))
            wanted[kind] -= 1
    for spot, body in sorted(planted, key=lambda each: -each[0].begin):
        data = data[: spot.begin] + b"\n" + body + b"\n" + data[spot.end :]
    if planted:
        file.write_bytes(data)
    return rows


def _filled(body: str, spot: Spot, data: bytes) -> bytes:
    whole, half = data[spot.begin : spot.end], data[spot.begin : spot.half]
    return body.encode().replace(b"%BODY%", whole).replace(b"%HALF%", half)


def score(rows: list[Row], found: Found, *, wrong: bool) -> None:
    """Precision, recall, F1 and accuracy by language."""
    best: dict[tuple[str, str], Gap] = {}
    for each in found.gaps:
        key = each.file, each.symbol.rsplit(".", 1)[-1]
        if key not in best or best[key].confidence < each.confidence:
            best[key] = each
    print("language: precision, recall, F1, accuracy, rows; calibration error")
    for family in sorted({each.family for each in rows}):
        pairs = [(row, best.get((row.file, row.name))) for row in rows if row.family == family]
        sure = [(row, gap.confidence if gap else 0.0) for row, gap in pairs]
        right = sum(row.is_gap and value >= DEFAULT_CONFIDENCE for row, value in sure)
        told = sum(value >= DEFAULT_CONFIDENCE for _, value in sure)
        gaps = sum(row.is_gap for row, _ in sure)
        correct = sum(row.is_gap == (value >= DEFAULT_CONFIDENCE) for row, value in sure)
        precision, recall = right / max(1, told), right / max(1, gaps)
        both = 2 * precision * recall / max(1e-9, precision + recall)
        print(
            f"  {family}: {precision:.3f}, {recall:.3f}, {both:.3f}, {correct / len(sure):.3f}, {len(sure)}; "
            f"{calibration(sure):.3f}"
        )
        missed = Counter(row.kind for row, value in sure if row.is_gap and value < DEFAULT_CONFIDENCE)
        false = Counter(row.kind for row, value in sure if not row.is_gap and value >= DEFAULT_CONFIDENCE)
        planted = Counter(row.kind for row, _ in sure)
        print(f"    missed {dict(missed)} false {dict(false)} of {dict(planted)}")
        if wrong:
            for row, value in sure:
                if row.is_gap != (value >= DEFAULT_CONFIDENCE):
                    print(f"      {value:.2f} {row.kind} {row.file} {row.name}")


def calibration(sure: list[tuple[Row, float]]) -> float:
    """Expected calibration error (Naeini et al. 2015) in ten bins."""
    total = 0.0
    for place in range(BINS):
        inside = [(row, value) for row, value in sure if min(BINS - 1, int(value * BINS)) == place]
        if inside:
            said = sum(value for _, value in inside) / len(inside)
            true = sum(row.is_gap for row, _ in inside) / len(inside)
            total += len(inside) / len(sure) * abs(said - true)
    return total


if __name__ == "__main__":
    main()
