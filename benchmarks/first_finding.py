"""Time to the first useful finding of detect_implementation_gaps and triage_incident, cold, on whole code bases.

Run: python -m benchmarks.first_finding [seconds]
On this repository and on three large installed packages, copied to a folder of their own: the gap check of the whole
tree with an empty store, and the triage of a generated 20 MB log whose stack traces point into that tree. The caller
says that it waits 5 s; without a model. The first finding comes with the whole answer, so that is what is timed; an
answer may be a part, and says so. PASS: each answer has a finding, and within 5 s.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import anyio

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import ToolContext
from bedrock_support.tools.detect import GapsInput, detect_gaps
from bedrock_support.tools.envelope import Envelope
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.triage import TRIAGE, TriageInput
from benchmarks.triage_log import lines, no_model, no_progress

BAR = 5.0
PACKAGES = ("moto", "pygments", "hypothesis")
_SKIPPED = shutil.ignore_patterns(".git", ".venv", "__pycache__", "node_modules", "*.so")
_LOG_MEGABYTES = 20


def trees(folder: Path) -> Iterator[tuple[str, Path]]:
    """Copies of this repository and of the packages."""
    here = Path(__file__).resolve().parents[1]
    site = Path(sysconfig.get_paths()["purelib"])
    for source in [here, *(site / name for name in PACKAGES)]:
        name = "this repository" if source == here else source.name
        target = folder / source.name
        shutil.copytree(source, target, ignore=_SKIPPED)
        yield name, target


def log_for(tree: Path) -> Path:
    """A log beside the code, with stack traces that end in its largest file."""
    largest = max(tree.rglob("*.py"), key=lambda each: each.stat().st_size).relative_to(tree)
    trace = f'Traceback (most recent call last):\n  File "/srv/{largest}", line 7, in run\n    go()\nKeyError: 7\n'
    path = tree / "incident.log"
    with path.open("w", encoding="utf-8") as file:
        for line in lines(_LOG_MEGABYTES):
            file.write(line)
            if "order failed" in line:
                file.write(trace)
    return path


def context(root: Path, seconds: float) -> ToolContext:
    """What one standard call is given."""
    clock = SystemClock()
    rule = shipped().rules[OperationClass.STANDARD]
    now = clock.now()
    return ToolContext(
        call_id="benchmark",
        roots=(root,),
        clock=clock,
        op_class=OperationClass.STANDARD,
        rule=rule,
        started=now,
        deadline=now + seconds,
        workers=anyio.CapacityLimiter(2),
        progress=no_progress,
        judge=no_model,
    )


def timed(name: str, what: str, run: Iterator[Envelope], bar: float) -> bool:
    """Run once, print, and tell whether it held the bar."""
    begun = time.perf_counter()
    result = next(run)
    took = time.perf_counter() - begun
    first = result.findings[0].title[:60] if result.findings else "no finding"
    print(f"{name:<18}{what:<8}{took:6.2f} s  {result.status:<9}{len(result.findings):3} findings, first: {first}")
    return bool(result.findings) and took <= bar


def main() -> int:
    """Measure, print, judge."""
    bar = float(sys.argv[1]) if len(sys.argv) > 1 else BAR
    held: list[bool] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        for name, tree in trees(folder):
            tool = detect_gaps(FactStore(folder / f"{tree.name}.facts"))
            gaps = (anyio.run(tool.run, context(root, bar), GapsInput()) for root in (tree,))
            held.append(timed(name, "gaps", gaps, bar))
            log = log_for(tree)
            triage = (anyio.run(TRIAGE.run, context(root, bar), TriageInput(path=log.name)) for root in (tree,))
            held.append(timed(name, "triage", triage, bar))
    print("PASS" if all(held) else "FAIL", f"(asked: a finding within {bar:g} s, each time)")
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
