"""OTLP JSON lines, as our span file and the collector's file exporter write them, read as a stream."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bedrock_support.telemetry.efficiency.figures import Figures
from bedrock_support.telemetry.efficiency.join import Joiner
from bedrock_support.telemetry.efficiency.otlp_json import UNREADABLE, records
from bedrock_support.telemetry.efficiency.record import DecisionRecord

LONGEST = 32 * 1024 * 1024
"""Bytes of one line; a batch of 512 spans has about half a million."""


class FileReading:
    """The decisions of some files, and what was wrong with the files."""

    def __init__(
        self,
        paths: Iterable[Path],
        opened: Callable[[Path], int] | None = None,
        go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """`opened` gives a descriptor for a path; `go_on` is asked before each line, and False ends the reading."""
        self._paths = list(dict.fromkeys(paths))
        self._opened = opened or _opened
        self._go_on = go_on
        self._stopped = False
        self._joiner = Joiner()
        self.unreadable = 0
        """Lines that are no OTLP JSON."""

    def __iter__(self) -> Iterator[DecisionRecord]:
        """Once only. Blocks.

        Raises:
            OSError: a file cannot be read.
        """
        for path in self._paths:
            for line in self._lines(path):
                if not self._go_on():
                    self._stopped = True
                    break
                try:
                    yield from records(line, self._joiner)
                except UNREADABLE:
                    self.unreadable += 1
        yield from self._joiner.rest()

    def limits(self) -> list[str]:
        """What to know beside the figures, once all was read."""
        limits = joining_limits(self._joiner)
        if self.unreadable:
            limits.append(f"{self.unreadable} lines are no OTLP JSON and were passed over")
        if self._stopped:
            limits.append("the time ran out before all was read")
        return limits

    def _lines(self, path: Path) -> Iterator[bytes]:
        with os.fdopen(self._opened(path), "rb", buffering=1024 * 1024) as file:
            while line := file.readline(LONGEST):
                if len(line) < LONGEST or line.endswith(b"\n"):
                    yield line
                    continue
                self.unreadable += 1
                while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                    pass


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def joining_limits(joiner: Joiner) -> list[str]:
    """What is missing of decisions, in words."""
    limits: list[str] = []
    if joiner.unended:
        limits.append(f"{joiner.unended} decisions have no outcome: their outcome counts as unknown")
    if joiner.undecided:
        limits.append(f"{joiner.undecided} outcomes have no decision and are in no figure")
    return limits


def figures_of(records: Iterable[DecisionRecord], since: float | None) -> Figures:
    """The records from a moment on (Unix seconds), added up."""
    found = Figures()
    for each in records:
        if since is None or each.at >= since:
            found.add(each)
    return found
