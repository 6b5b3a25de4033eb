"""When the trouble was: given by the caller, or found where the most symptoms leave what was usual before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from statistics import median

from bedrock_support.tools.causes.detectors import quantile, scale_of
from bedrock_support.tools.causes.model import SYMPTOMS, Data, Series, Window
from bedrock_support.tools.causes.shifts import ratio

STEPS = 240
CALM = 0.3
"""Of the whole time, its first part is taken as calm when nobody says when the trouble was."""
FEWEST = 5
_LOUD, _MOST = 4.0, 8.0
"""Robust standard deviations from which a step counts, and above which it counts no more."""


def given_window(data: Data, start: float, end: float | None) -> Window:
    """The caller's times, as far as there are values; calm is what lies before, at most twenty times as long."""
    first, last = _bounds(data.series)
    until = last if end is None else max(start, min(end, last))
    before = max(first, start - max(20 * (until - start), 60.0))
    return Window(before=before, start=start, end=until, found=False, source="given")


def found_window(data: Data, entity: str | None = None) -> Window | None:
    """The stretch in which symptoms deviate most, by the maximum sum of a range; None if nothing deviates."""
    series = [each for each in data.series if each.kind in SYMPTOMS and (entity is None or each.entity == entity)]
    series = series or list(data.series)
    if not series:
        return None
    first, last = _bounds(series)
    if last <= first:
        return None
    width = (last - first) / min(STEPS, max(len(set(each.times)) for each in series))
    steps = max(1, round((last - first) / width))
    calm = {(each.entity, each.metric): each.values for each in data.baseline}
    total, heard = [0.0] * steps, 0
    for each in series:
        loud = _loudness(each, calm.get((each.entity, each.metric)), first, width, steps)
        if loud is not None:
            heard += 1
            total = [one + other for one, other in zip(total, loud, strict=True)]
    if not heard or max(total) < 0.5:
        return None
    quiet = total[: max(1, int(CALM * steps))] if not data.baseline else [0.0]
    least = min(max(sum(quiet) / len(quiet) * 2, 0.25 * max(total)), 0.9 * max(total))
    low, high = _stretch([each - least for each in total])
    start, end = first + low * width, first + (high + 1) * width
    return Window(before=first, start=start, end=end, found=True, source=f"found in {heard} series")


def _bounds(series: Sequence[Series]) -> tuple[float, float]:
    filled = [each for each in series if each.times]
    if not filled:
        return 0.0, 0.0
    return min(each.times[0] for each in filled), max(each.times[-1] for each in filled) + 1e-6


def _loudness(
    series: Series, apart: Sequence[float] | None, first: float, width: float, steps: int
) -> list[float] | None:
    """For each step how far the series is from usual, 0 to 1."""
    cut = bisect_right(series.times, first + CALM * steps * width)
    before = apart if apart is not None and len(apart) >= FEWEST else series.values[:cut]
    if len(before) < FEWEST:
        return None
    top, least = ratio(series, before)
    usual = [top - value for value in before] if top else before
    middle, scale = median(usual), max(scale_of(usual, least), _tail(usual) / 3)
    sums, counts = [0.0] * steps, [0] * steps
    for when, value in zip(series.times, series.values, strict=True):
        place = min(steps - 1, max(0, int((when - first) / width)))
        far = ((top - value if top else value) - middle) / scale
        far = abs(far) if series.worse == "both" else far
        sums[place] += min(max(far - _LOUD, 0.0), _MOST) / _MOST
        counts[place] += 1
    loud, latest = [0.0] * steps, 0.0
    for place in range(steps):
        # Between two values of a coarse series the last one still holds.
        latest = sums[place] / counts[place] if counts[place] else latest
        loud[place] = latest
    return loud


def _tail(values: Sequence[float]) -> float:
    """How far calm values go at most: calm spikes are usual, too."""
    middle = median(values)
    return quantile(sorted(abs(value - middle) for value in values), 0.98)


def _stretch(values: Sequence[float]) -> tuple[int, int]:
    """First and last place of the range with the highest sum (Kadane)."""
    best, low, high = values[0], 0, 0
    running, since = 0.0, 0
    for place, value in enumerate(values):
        if running <= 0:
            running, since = 0.0, place
        running += value
        if running > best:
            best, low, high = running, since, place
    return low, high
