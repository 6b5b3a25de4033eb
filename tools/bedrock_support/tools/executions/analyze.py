"""Over all files of a path: steps to their runs, runs to findings, failures to clusters."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bedrock_support.tools.base import InputError
from bedrock_support.tools.executions.lines import Tally, read_lines
from bedrock_support.tools.executions.model import Cluster, Found, RunFacts, Step
from bedrock_support.tools.executions.reader import Reader
from bedrock_support.tools.executions.watch import Watch
from bedrock_support.tools.paths import Place, open_regular

ENDINGS = (".jsonl", ".ndjson", ".json", ".log")
MOST_FILES = 1_000
MOST_BYTES = 512_000_000
"""Read in one analysis."""
MOST_RUNS = 256
"""Runs that are open at once; the one untouched longest is ended when there are more."""
MOST_TOLD = 2_000
"""Runs, and findings, that are kept."""
MOST_CLUSTERS = 1_000


@dataclass(slots=True)
class Report:
    """What was found in all runs."""

    tally: Tally = field(default_factory=Tally)
    runs: list[RunFacts] = field(default_factory=list[RunFacts])
    found: list[Found] = field(default_factory=list[Found])
    clusters: list[Cluster] = field(default_factory=list[Cluster])
    """Failures that occur twice or more, the most frequent first."""
    notes: list[str] = field(default_factory=list[str])
    partial: bool = False
    dropped: int = 0
    """Runs and findings beyond what is kept."""
    ended_early: int = 0


@dataclass(slots=True)
class _Failures:
    first: Step
    count: int = 0
    runs: set[str] = field(default_factory=set[str])


class Analysis:
    """Collects steps of any number of runs, in any order among the runs."""

    def __init__(self) -> None:
        self.report = Report()
        self._open: OrderedDict[str, Watch] = OrderedDict()
        self._failures: dict[tuple[str, str], _Failures] = {}

    def see(self, step: Step) -> None:
        """Take in a step."""
        watch = self._open.get(step.run)
        if watch is None:
            if len(self._open) >= MOST_RUNS:
                self.report.ended_early += 1
                self._end(self._open.popitem(last=False)[1])
            watch = self._open[step.run] = Watch(step.run, step.file)
        self._open.move_to_end(step.run)
        watch.see(step)
        if step.ok is False:
            known = self._failures.get((step.traits.tool, step.error))
            if known is None:
                if len(self._failures) >= MOST_CLUSTERS:
                    return
                known = self._failures[step.traits.tool, step.error] = _Failures(step)
            known.count += 1
            if len(known.runs) < MOST_TOLD:
                known.runs.add(step.run)

    def end_of_file(self, shared: bool) -> None:
        """Runs don't go on in the next file unless files are `shared` between runs, as a spool's are."""
        while not shared and self._open:
            self._end(self._open.popitem(last=False)[1])

    def finish(self) -> Report:
        """Everything found."""
        self.end_of_file(shared=False)
        clusters = [
            Cluster(tool=tool, error=error, count=each.count, runs=len(each.runs), first=each.first)
            for (tool, error), each in self._failures.items()
            if each.count > 1
        ]
        self.report.clusters = sorted(clusters, key=lambda each: (-each.count, each.tool, each.error))
        order = {"high": 0, "medium": 1, "low": 2}
        self.report.found.sort(key=lambda each: (order[each.severity], -each.confidence, -each.tokens))
        return self.report

    def _end(self, watch: Watch) -> None:
        facts, found = watch.end()
        for kept, more in ((self.report.runs, [facts]), (self.report.found, found)):
            room = max(0, MOST_TOLD - len(kept))
            kept.extend(more[:room])  # type: ignore[arg-type]
            self.report.dropped += max(0, len(more) - room)


def analyze(place: Place, focus: str | None, expired: Callable[[], bool]) -> Report:
    """Analyze a file, or the record files of a folder in the order of their names. Blocks: call off the loop.

    Args:
        place: A confined path.
        focus: Only runs whose id or file has this in it; None: all.
        expired: Whether the time is over.

    Raises:
        InputError: the path can't be opened, or nothing in it is a record of an agent.
    """
    analysis = Analysis()
    report = analysis.report
    left = MOST_BYTES
    for path, label in _files(place, report):
        if expired() or left <= 0:
            report.partial = True
            report.notes.append(f"{label} and what follows it wasn't read: {'time' if left > 0 else 'size'} is over")
            break
        try:
            handle = open_regular("path", Place(path, place.root))
        except InputError as error:
            if not place.is_folder:
                raise
            report.notes.append(f"{label}: {error.problem}")
            continue
        report.tally.files += 1
        before = report.tally.size
        _read(analysis, handle, label, left, focus, expired)
        left -= report.tally.size - before
    return analysis.finish()


def _read(
    analysis: Analysis, handle: int, label: str, left: int, focus: str | None, expired: Callable[[], bool]
) -> None:
    tally = analysis.report.tally
    reader = Reader(label, tally)
    for line in read_lines(handle, tally, left):
        for step in reader.steps(line):
            if focus is None or focus in step.run or focus in label:
                analysis.see(step)
        if line.number % 500 == 0 and expired():
            analysis.report.partial = True
            analysis.report.notes.append(f"{label} was read to line {line.number}: time is over")
            break
    for step in reader.rest():
        if focus is None or focus in step.run or focus in label:
            analysis.see(step)
    analysis.end_of_file(shared="hook spool" in tally.forms or "spans" in tally.forms)


def _files(place: Place, report: Report) -> list[tuple[Path, str]]:
    if not place.is_folder:
        return [(place.path, place.label)]
    found: list[tuple[Path, str]] = []
    for folder, names, files in os.walk(place.path):
        names[:] = sorted(name for name in names if name not in {".git", "node_modules", ".venv"})[:500]
        for name in sorted(files):
            path = Path(folder, name)
            if not name.endswith(ENDINGS) or path.is_symlink() or not path.is_file():
                continue
            if len(found) >= MOST_FILES:
                report.partial = True
                report.notes.append(f"More than {MOST_FILES} files: the rest wasn't read")
                return found
            found.append((path, Place(path, place.root).label))
    return found
