"""Where it went wrong: the bad window of a log, a quiet one to compare with, and what differs between them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.grid import NO_TIME, Grid
from bedrock_support.tools.logs.severity import MEDIUM

Change = Literal["new", "gone", "burst", "steady"]

WEIGHTS = (0.15, 0.3, 1.5, 4.0, 8.0)
"""How much a surprise counts, by severity from info to critical."""
_LOUDEST = 400
"""Templates whose course in time is looked at, worst and most frequent first."""
_THRESHOLD = 3.0
_SHOULDER = 0.3
_ONSET = 1.0
_QUIET_LINES = 20
"""With fewer lines to compare with, nothing is called new or gone."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The chosen stretches, as buckets in order; both empty when nothing stands out."""

    bad: tuple[int, ...]
    quiet: tuple[int, ...]
    how: str
    comparable: bool
    coverage: Mapping[int, float]
    """Share of each bucket's lines that was read; those not named were read in full."""

    def seen(self, buckets: Sequence[int]) -> float:
        """Buckets' worth of time that was read."""
        return sum(self.coverage.get(bucket, 1.0) for bucket in buckets)


def choose(analysis: Analysis) -> Windows:
    """Take the caller's window, or the stretch with the most surprise in it."""
    grid, coverage = analysis.grid, _coverage(analysis)
    axis = [bucket for bucket in grid.axis() if coverage.get(bucket, 1.0) > 0]
    if grid.window:
        bad = tuple(bucket for bucket in axis if grid.window[0] <= bucket < grid.window[1])
        how = "the caller named it"
    else:
        bad = _surprising(analysis, axis, coverage)
        how = "the stretch where errors and never-seen lines surprise most against the rest of the log"
    if not bad:
        return Windows((), (), "nothing stands out against the rest of the log", False, coverage)
    quiet = tuple(bucket for bucket in axis if bucket < bad[0])
    side = "before"
    if sum(analysis.totals[bucket] for bucket in quiet) < _QUIET_LINES:
        after = tuple(bucket for bucket in axis if bucket > bad[-1])
        if sum(analysis.totals[bucket] for bucket in after) >= _QUIET_LINES:
            quiet, side = after, "after"
    comparable = sum(analysis.totals[bucket] for bucket in quiet) >= _QUIET_LINES
    return Windows(bad, quiet, f"{how}; compared with everything {side} it" if quiet else how, comparable, coverage)


def change(counts: Mapping[int, int], windows: Windows) -> tuple[Change, int, int]:
    """How something that was counted by bucket differs between the windows: what, quiet lines, bad lines."""
    bad = sum(counts.get(bucket, 0) for bucket in windows.bad)
    quiet = sum(counts.get(bucket, 0) for bucket in windows.quiet)
    if not windows.comparable:
        return "steady", quiet, bad
    if bad and not quiet:
        return "new", quiet, bad
    expected = quiet / max(1e-9, windows.seen(windows.quiet)) * windows.seen(windows.bad)
    if expected >= 6 and not bad:
        return "gone", quiet, bad
    # Counts of independent events scatter by their root; four of it is no accident, three times as many is no trifle.
    if bad >= 5 and bad > 3 * expected and bad - expected > 4 * math.sqrt(expected + 1):
        return "burst", quiet, bad
    return "steady", quiet, bad


def by_template(analysis: Analysis) -> dict[int, dict[int, int]]:
    """Template -> bucket -> lines."""
    found: dict[int, dict[int, int]] = {}
    for (number, bucket), count in analysis.counts.items():
        if bucket != NO_TIME:
            found.setdefault(number, {})[bucket] = count
    return found


def _surprising(analysis: Analysis, axis: list[int], coverage: Mapping[int, float]) -> tuple[int, ...]:
    if len(axis) < 3:
        return ()
    scores = dict.fromkeys(axis, 0.0)
    series = by_template(analysis)
    templates = analysis.miner.templates
    loudest = sorted(series, key=lambda number: (-templates[number].severity, -templates[number].count, number))
    late = axis[max(1, len(axis) // 10)]
    for number in loudest[:_LOUDEST]:
        _add_surprise(scores, series[number], axis, coverage, WEIGHTS[templates[number].severity])
        first = min(series[number])
        if first >= late and first in scores and templates[number].severity >= MEDIUM:
            scores[first] += WEIGHTS[templates[number].severity] / 2
    for group in analysis.traces.groups.values():
        _add_surprise(scores, group.counts, axis, coverage, WEIGHTS[3])
    return _around_peak(axis, scores)


def _add_surprise(
    scores: dict[int, float], counts: Mapping[int, int], axis: list[int], coverage: Mapping[int, float], weight: float
) -> None:
    values = [counts.get(bucket, 0) / coverage.get(bucket, 1.0) for bucket in axis]
    ordered = sorted(values)
    # The lower quartile, not the median: a failure may fill more than half of the log.
    usual = ordered[len(ordered) // 4]
    scatter = ordered[len(ordered) // 2] - usual
    unit = math.sqrt(usual + 1) + 2 * scatter
    for bucket, value in zip(axis, values, strict=True):
        surprise = (value - usual) / unit - 1.5
        if surprise > 0:
            scores[bucket] += weight * math.log1p(surprise)


def _around_peak(axis: list[int], scores: Mapping[int, float]) -> tuple[int, ...]:
    peak = max(range(len(axis)), key=lambda at: (scores[axis[at]], -at))
    if scores[axis[peak]] < _THRESHOLD:
        return ()
    floor = scores[axis[peak]] * _SHOULDER
    first = last = peak
    for step in (-1, 1):
        at, gap = peak + step, 0
        while 0 <= at < len(axis) and gap < 2:
            gap = 0 if scores[axis[at]] >= floor else gap + 1
            if not gap:
                first, last = min(first, at), max(last, at)
            at += step
    # The first lines of a failure are few, and they are the ones that tell why.
    if first and scores[axis[first - 1]] >= _ONSET:
        first -= 1
    return tuple(axis[first : last + 1]) if last - first + 1 < len(axis) else ()


def _coverage(analysis: Analysis) -> dict[int, float]:
    """Where blocks were skipped: the share of each bucket that was read, from the stamps at which blocks begin."""
    plan = analysis.plan
    if plan is None or len(analysis.read) == len(plan.blocks):
        return {}
    missing: Counter[int] = Counter()
    for at, block in enumerate(plan.blocks):
        if at not in analysis.read:
            for bucket in (buckets := _spanned(analysis, plan.grid, at)):
                missing[bucket] += max(1, block.lines // len(buckets))
    return {bucket: analysis.totals[bucket] / (analysis.totals[bucket] + lost) for bucket, lost in missing.items()}


def _spanned(analysis: Analysis, grid: Grid, at: int) -> list[int]:
    plan = analysis.plan
    assert plan is not None  # noqa: S101 - called for a finished plan
    block = plan.blocks[at]
    if not grid.timed:
        base = plan.bases[block.source] + block.first_line - 1
        return sorted({grid.bucket(line) for line in range(base, base + max(1, block.lines), max(1, grid.width // 2))})
    first = plan.stamps[at]
    following = plan.blocks[at + 1].source == block.source if at + 1 < len(plan.blocks) else False
    last = plan.stamps[at + 1] if following else grid.stop - 1
    if first is None:
        return [NO_TIME]
    step = max(1, min(grid.width, grid.window_width) // 2)
    return sorted({grid.bucket(second) for second in range(first, max(first, last or first) + 1, step)})
