"""A live source is read in a thread that nobody has to wait for, and what it has by then is what counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import to_thread

from bedrock_support.tools.base import ToolContext
from bedrock_support.tools.live.asking import Budget
from bedrock_support.tools.live.names import JAEGER, LiveName, Time
from bedrock_support.tools.live.sources import LiveSources, moment_of

if TYPE_CHECKING:
    from bedrock_support.tools.causes.model import Series

T = TypeVar("T")
SECONDS, MOST_QUIET = 3600.0, 86_400.0
"""What a source is asked for when nobody says when it went wrong, up to now; and the most quiet time before that."""
QUIET_SHARE = 4.0
"""So many times the trouble's length of calm is asked for with metrics and spans: they are compared with it."""
_LINES_SHARE = 0.6
"""Share of the local time in which lines must be there."""
GRACE = 0.25
"""Seconds past its time in which a source may still hand over what it has."""


async def in_time(ctx: ToolContext, until: float, read: Callable[[Budget], T]) -> tuple[T | None, list[str]]:
    """What `read` gives by `until` (absolute seconds); else None, and a limit that says so.

    A library that hangs in a look-up or a handshake keeps its thread until its own time-outs, but not the call.
    """
    budget = Budget(until=until, now=ctx.clock.now)
    with anyio.move_on_after(max(0.0, until - ctx.clock.now()) + GRACE):
        # Its own places: a source that hangs must take none of those that tools work in.
        limiter = anyio.CapacityLimiter(1)
        return await to_thread.run_sync(partial(read, budget), abandon_on_cancel=True, limiter=limiter), []
    return None, ["a live source gave nothing before its share of the time was over"]


async def log_lines(
    ctx: ToolContext, name: LiveName, window: tuple[int, int] | None, live: LiveSources, deadline: float
) -> tuple[bytes, list[str]]:
    """Lines of a live source, with a quiet time before the window; what wasn't read and why.

    Raises:
        InputError: the settings name no such source.
    """
    live.check("path", name)
    time = _time(ctx, window, 1.0)
    until = ctx.clock.now() + (deadline - ctx.clock.now()) * _LINES_SHARE
    found, late = await in_time(ctx, until, partial(live.lines, name, time))
    lines, notes = found or (b"", [])
    return lines, [_said([name], time), *notes, *late]


@dataclass(slots=True)
class Measured:
    """What live sources gave to find a cause in."""

    series: list[Series] = field(default_factory=list["Series"])
    spans: list[Any] = field(default_factory=list[Any])
    """OTLP documents."""
    files: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    partial: bool = False
    """Something that was asked for is missing."""


async def measurements(
    ctx: ToolContext,
    names: Sequence[LiveName],
    window: tuple[float, float | None] | None,
    live: LiveSources,
    until: float,
) -> Measured:
    """Metrics and spans of live sources, one after the other, with calm before the trouble.

    Raises:
        InputError: the settings name no such source.
    """
    for name in names:
        live.check("paths", name)
    measured = Measured()
    if not names:
        return measured
    time = _time(ctx, (window[0], window[1] or ctx.clock.wall()) if window else None, QUIET_SHARE)
    measured.notes.append(_said(names, time))
    for place, name in enumerate(names):
        now = ctx.clock.now()
        share = now + (until - now) / (len(names) - place)
        found, late = await in_time(ctx, share, partial(_measure, name, time, ctx.clock.wall(), live))
        measured.files.append(name.label)
        measured.notes += late
        if found is not None:
            measured.series += found.series
            measured.spans += found.spans
            measured.notes += found.notes
        measured.partial = measured.partial or found is None or bool(found.notes)
    return measured


def _measure(name: LiveName, time: Time, wall: float, live: LiveSources, budget: Budget) -> Measured:
    if name.sort == JAEGER:
        spans = live.spans(name, time, budget)
        documents = list(spans)
        none = [] if documents or spans.notes else [f"{name.label} has no trace in this time"]
        return Measured(spans=documents, notes=[*spans.notes, *none])
    series, notes = live.series(name, time, wall, budget)
    return Measured(series=series, notes=notes)


def _time(ctx: ToolContext, window: tuple[float, float] | None, share: float) -> Time:
    now = ctx.clock.wall()
    if window is None:
        return Time(now - SECONDS * (2.0 if share > 1 else 1.0), now)
    start, end = window
    return Time(start - min(max((end - start) * share, SECONDS / 2), MOST_QUIET), end, start)


def _said(names: Sequence[LiveName], time: Time) -> str:
    asked = ", ".join(each.label for each in names)
    return f"{asked[:300]} asked for {moment_of(time.start)} to {moment_of(time.end)}"
