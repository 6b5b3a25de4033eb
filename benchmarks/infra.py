"""audit_infrastructure against labelled templates, and beside cfn-lint and checkov where they are installed.

    python benchmarks/infra.py

Asks: recall at least that of the engines together, and 40 % fewer findings that say the same thing of a resource.
Labels are ours (infra_templates.py, infra_more.py): recall on them says that each check works in each format, not how
many problems of other people's templates are found. An engine's finding counts when its rule is one of a label's kind
(tools/.../infra/rules.py), which is kinder to nobody: other rules of it would not be counted for us either.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bedrock_support.tools.infra.declared import read_declared
from bedrock_support.tools.infra.engines import CFN_LINT, CHECKOV, find_engine, run_engines
from bedrock_support.tools.infra.merge import merged
from bedrock_support.tools.infra.model import Problem
from bedrock_support.tools.infra.run import check_estate
from bedrock_support.tools.infra.sources import read_sources
from benchmarks.calibrating import calibration_error
from benchmarks.infra_more import OTHERS
from benchmarks.infra_templates import CLOUDFORMATION, Case

FEWER = 0.4
CASES = [*CLOUDFORMATION, *OTHERS]
KINDS = {kind for case in CASES for _, kind in case.labels}
Found = set[tuple[str, str, str]]


def plant(case: Case, root: Path) -> None:
    """The case's files under `root`."""
    for name, text in case.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


async def look(case: Case, root: Path) -> tuple[list[Problem], list[Problem]]:
    """Our own findings and the engines'."""
    declared, _ = read_declared(root, lambda: None)
    ours = check_estate(declared, read_sources(root, lambda: None))
    theirs, notes = await run_engines(root, declared, 120, anyio.CapacityLimiter(2))
    for note in notes:
        print(f"  {case.name}: {note}")
    return ours, theirs


def labelled(case: Case, problems: list[Problem]) -> Found:
    """Findings of the labelled kinds."""
    return {(case.name, each.resource, each.kind) for each in problems if each.kind in KINDS}


def repeats(problems: list[Problem]) -> int:
    """Findings that say of a resource what another said already."""
    counts = Counter(
        (each.file, each.resource, each.kind) for each in problems if each.kind not in ("other", "invalid_template")
    )
    return sum(count - 1 for count in counts.values())


def main() -> int:
    """Print the figures; 0 when what is asked for is reached."""
    engines = [name for name in (CFN_LINT, CHECKOV) if find_engine(name)]
    print(f"engines: {', '.join(engines) or 'none installed'}")
    truth = {(case.name, *label) for case in CASES for label in case.labels}
    own: Found = set()
    union: Found = set()
    sure: list[tuple[float, bool]] = []
    before = after = said = shown = false = 0
    started = time.perf_counter()
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            plant(case, root)
            ours, theirs = anyio.run(partial(look, case, root))
        own |= labelled(case, ours)
        sure += [(each.confidence, (each.resource, each.kind) in case.labels) for each in ours if each.kind in KINDS]
        union |= labelled(case, theirs)
        together = merged([*ours, *theirs])
        said, shown = said + len(ours) + len(theirs), shown + len(together)
        before, after = before + repeats([*ours, *theirs]), after + repeats(together)
        clean = [
            each
            for each in ours
            if each.severity in ("critical", "high") and (each.resource, each.kind) not in case.labels
        ]
        false += len(clean)
        for each in clean:
            print(f"  not labelled: {case.name} {each.resource} {each.kind}")
    for missed in sorted(truth - own):
        print(f"  missed: {' '.join(missed)}")
    recall, theirs_recall = len(truth & own) / len(truth), len(truth & union) / len(truth)
    fewer = 1 - after / before if before else 1.0
    print(f"{len(CASES)} trees, {len(truth)} labels, {time.perf_counter() - started:.1f} s")
    print(f"recall: ours {recall:.3f}, engines together {theirs_recall:.3f}")
    print(f"calibration error of ours: {calibration_error(sure):.3f} over {len(sure)} findings of the labelled kinds")
    print(f"high or critical and not labelled: {false}")
    print(f"findings: {said} said, {shown} shown; repeats {before} -> {after} ({fewer:.0%} fewer)")
    fine = recall >= theirs_recall and fewer >= FEWER and bool(engines)
    print("PASS" if fine else "FAIL" if engines else "FAIL: no engine to compare with")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
