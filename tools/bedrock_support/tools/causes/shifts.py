"""What changed between calm and trouble, series by series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from bedrock_support.tools.causes.detectors import Detector, scale_of
from bedrock_support.tools.causes.model import RESOURCES, Data, Series, Shift, Window

FEWEST_CALM, FEWEST_TROUBLE = 5, 1
FEWEST_AWAITED = 4
SILENCE = 5.0
"""The score of a process whose measures stop."""
LEAST_SHARE = 0.005
"""Failures in all requests that a share may move by without meaning."""
_ONSET = 3.0
"""Robust standard deviations that the first value of a trouble exceeds."""


def shifts_of(
    data: Data, window: Window, detector: Detector, wanted: Callable[[Series], bool] = lambda _: True
) -> list[Shift]:
    """A shift for each series with enough values on both sides, in the order of the data."""
    calm = {(each.entity, each.metric): each for each in data.baseline}
    found = (_shift(series, calm, window, detector) for series in data.series if wanted(series))
    return [shift for shift in found if shift is not None]


def _shift(series: Series, apart: Mapping[tuple[str, str], Series], window: Window, detector: Detector) -> Shift | None:
    before = series.between(window.before, window.start)
    if (given := apart.get((series.entity, series.metric))) is not None:
        before = list(given.values)
    during = series.between(window.start, window.end)
    if (silence := _silence(series, window)) is not None:
        return silence
    if len(before) < FEWEST_CALM or len(during) < FEWEST_TROUBLE:
        return None
    top, least = ratio(series, before)
    bad, worse = ([top - value for value in before], [top - value for value in during]) if top else (before, during)
    score, sign = detector.score(bad, worse, least), 1.0
    if series.worse == "both":
        down = detector.score([-value for value in bad], [-value for value in worse], least)
        score, sign = max(score, down), -1.0 if down > score else 1.0
    scale, middle = scale_of(bad, least), median(before)
    return Shift(
        series=series,
        score=score,
        before=middle,
        during=median(during),
        effect=(median(during) - middle) / scale,
        onset=_onset(series, window, middle, scale, -sign if top else sign),
        samples=(len(before), len(during)),
    )


def _silence(series: Series, window: Window) -> Shift | None:
    """A process's own measures that stopped with the trouble: whoever was measured is gone, or the agent is."""
    if series.kind not in RESOURCES:
        return None
    known = [when for when in series.times if window.before <= when < window.start]
    if len(known) < FEWEST_CALM:
        return None
    step = (known[-1] - known[0]) / (len(known) - 1)
    awaited = (window.end - window.start) / step if step > 0 else 0.0
    heard = sum(window.start <= when < window.end for when in series.times)
    if awaited < FEWEST_AWAITED or heard > awaited * 0.25 or window.start - known[-1] > 2 * step:
        return None
    last = series.values[series.times.index(known[-1])]
    return Shift(
        series=series,
        score=SILENCE,
        before=last,
        during=last,
        effect=0.0,
        onset=known[-1] + step,
        samples=(len(known), heard),
        silent=True,
    )


def ratio(series: Series, before: Sequence[float]) -> tuple[float, float]:
    """The value of full availability (0: not an availability), and the smallest spread that is trusted.

    Availability is judged by what is missing of it: from 100 % to 96 % is little of the value and much of the failures.
    """
    highest = max(abs(value) for value in before)
    if series.kind == "availability":
        top = 1.0 if highest <= 1.0 else 100.0 if highest <= 100.0 else highest
        return top, top * LEAST_SHARE
    return 0.0, LEAST_SHARE if series.kind == "errors" and highest <= 1.0 else 0.0


def _onset(series: Series, window: Window, middle: float, scale: float, sign: float) -> float | None:
    for when, value in zip(series.times, series.values, strict=True):
        if window.start <= when < window.end and sign * (value - middle) > _ONSET * scale:
            return when
    return None
