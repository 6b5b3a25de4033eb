"""One analysis from opening to closing, in worker threads, with progress, cancellation and a budget."""

from __future__ import annotations

from collections.abc import Iterator

from anyio import CancelScope, from_thread, to_thread

from bedrock_support.tools.base import InputError, ToolContext
from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.findings import Report
from bedrock_support.tools.logs.sources import Source, from_text, open_place
from bedrock_support.tools.logs.times import shown

_SLICE_SECONDS = 0.25
_SLICE_BLOCKS = 1_000
"""So many steps at most, should the clock stand still."""
_AT_ONCE = 65_536
"""Characters of a pasted log that are ready at once: going to a thread and back would take longer."""
_REPORT_SHARE = 0.9
"""Share of the budget for reading; the rest is for drawing conclusions."""


class Session:
    """Holds the open files of one call."""

    def __init__(self, ctx: ToolContext, deadline: float) -> None:
        self._ctx = ctx
        begun = ctx.clock.now()
        self._deadline = begun + (deadline - begun) * _REPORT_SHARE
        self._sources: list[Source] = []
        self._notes: list[str] = []
        self._analysis: Analysis | None = None
        self.partial = False

    async def open(self, path: str | None, text: str | None) -> None:
        """Open what the caller named.

        Raises:
            InputError: it can't be read as a log.
        """
        if text is not None and len(text) <= _AT_ONCE:
            self._open(path, text)
        else:
            await to_thread.run_sync(self._open, path, text, limiter=self._ctx.workers)

    def _open(self, path: str | None, text: str | None) -> None:
        if text is not None:
            self._sources = [from_text(text, self._ctx.clock.wall())]
            return
        half = self._ctx.clock.now() + (self._deadline - self._ctx.clock.now()) / 2
        self._sources, self._notes = open_place(path or "", self._ctx.roots, lambda: self._expired(half))

    def hold(self, label: str, lines: bytes, notes: list[str], *, partial: bool) -> None:
        """Take lines that were read elsewhere, all of them or a part, instead of opening anything."""
        self.partial = partial
        self._sources = [Source(label, len(lines), self._ctx.clock.wall(), text=lines)]
        self._notes = notes

    def _expired(self, until: float) -> bool:
        from_thread.check_cancelled()
        return self._ctx.clock.now() >= until

    async def analyse(self, window: tuple[int, int] | None, max_findings: int) -> Report:
        """Read as much as the budget allows and draw conclusions."""
        reference = max(source.modified for source in self._sources)
        analysis = self._analysis = Analysis(self._sources, reference, window)
        steps = analysis.steps(self._ctx.clock.now, self._deadline, from_thread.check_cancelled)
        total = sum(source.size for source in self._sources)
        await self._ctx.progress(0, total, "Indexing the log")

        def part() -> int | Report:
            done = self._slice(steps)
            return self._report(analysis, window, max_findings) if done is None else done

        while not isinstance(done := await to_thread.run_sync(part, limiter=self._ctx.workers), Report):
            await self._ctx.progress(done, total, f"Reading {done / 1e6:.0f} of {total / 1e6:.0f} MB")
        await self._ctx.progress(total, total, "Analysed")
        return done

    def _slice(self, steps: Iterator[tuple[int, int]]) -> int | None:
        """Work for a quarter of a second; bytes done, None at the end."""
        until = self._ctx.clock.now() + _SLICE_SECONDS
        done = None
        for _ in range(_SLICE_BLOCKS):
            step = next(steps, None)
            if step is None:
                return None
            done = step[0]
            if self._ctx.clock.now() >= until:
                break
        return done

    def _report(self, analysis: Analysis, window: tuple[int, int] | None, max_findings: int) -> Report:
        if not analysis.miner.templates:
            label = self._sources[0].label
            raise InputError("path", label, "the log has no line that says anything", "Name a log with lines in it")
        if window:
            self._refuse_empty(analysis, window)
        report = Report(analysis, max_findings)
        self.partial = self.partial or any(each.read < 1 for each in report.files)
        return report

    def _refuse_empty(self, analysis: Analysis, window: tuple[int, int]) -> None:
        value = f"{shown(window[0])} to {shown(window[1])}"
        grid = analysis.grid
        if not grid.timed:
            mend = "Leave window out; windows are then found by line number"
            raise InputError("window", value, "the log's lines have no times", mend)
        if not any(window[0] <= bucket < window[1] for bucket, count in analysis.totals.items() if count):
            mend = f"The log spans {shown(grid.start)} to {shown(grid.stop)} (times without a zone read as UTC)"
            raise InputError("window", value, "no line lies in it", mend)

    def limits(self, report: Report) -> list[str]:
        """What was not looked at, and what was assumed."""
        analysis = self._analysis
        assert analysis is not None  # noqa: S101 - analyse has set it
        found = [*self._notes, *(note for source in self._sources for note in source.notes)]
        for each in report.files:
            if each.read < 1:
                megabytes = f"{each.bytes * each.read / 1e6:.1f} of {each.bytes / 1e6:.1f} MB"
                found.append(
                    f"read {each.read:.0%} of {each.path} ({megabytes}) before the time ran out: its ends, evenly "
                    "spread parts and where trouble began; counts are of what was read"
                )
        if analysis.plan and not analysis.plan.whole:
            found.append("the time ran out while lines were counted: nothing behind that point was looked at")
        found += self._assumed(analysis)
        if report.left_out:
            found.append(f"{report.left_out} findings of lower rank left out; raise max_findings to see them")
        return found

    def _assumed(self, analysis: Analysis) -> list[str]:
        found: list[str] = []
        if not analysis.grid.timed:
            found.append("no times were found in the lines: windows are by line number")
        if analysis.stamps.yearless:
            found.append("times without a year: taken as the latest such date before the file's last change")
        if analysis.stamps.zoneless:
            found.append("times without a zone: taken as UTC")
        if analysis.miner.overflowed:
            found.append(
                f"too many different lines: beyond {len(analysis.miner.templates)} templates they count as 'other'"
            )
        if analysis.traces.lost:
            found.append(f"too many different stack traces: {analysis.traces.lost} not grouped")
        found += [f"{each.label} changed while it was read" for each in self._sources if each.changed()]
        return found

    async def aclose(self) -> None:
        """Let go of every file, cancelled or not."""
        if any(source.is_file for source in self._sources):
            with CancelScope(shield=True):
                await to_thread.run_sync(self._close)

    def _close(self) -> None:
        for source in self._sources:
            source.close()
