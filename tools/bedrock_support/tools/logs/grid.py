"""The time axis of a log: buckets of equal width that counts fall into, by the clock or by line number."""

from __future__ import annotations

from dataclasses import dataclass

from bedrock_support.tools.logs.times import shown

NO_TIME = -1
"""Bucket of lines that can't be placed in time."""
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 604_800, 2_592_000)
_BUCKETS = 120
_IN_WINDOW = 10


@dataclass(frozen=True, slots=True)
class Grid:
    """Buckets named by their start: seconds since the epoch, or a line number counted through all files."""

    timed: bool
    start: int
    stop: int
    width: int
    window: tuple[int, int] | None = None
    """The caller's window, [start, stop) in seconds; buckets never straddle its ends."""

    def bucket(self, at: int) -> int:
        """Start of the bucket that holds second (or line) `at`."""
        if at < self.start - self.width or at >= self.stop + self.width:
            return NO_TIME
        if self.window is None:
            return at - at % self.width
        first, last = self.window
        if at < first:
            return first - -(-(first - at) // self.width) * self.width
        if at >= last:
            return last + (at - last) // self.width * self.width
        step = self.window_width
        return first + (at - first) // step * step

    @property
    def window_width(self) -> int:
        """Width of the buckets inside the caller's window."""
        if self.window is None:
            return self.width
        return max(1, -(-(self.window[1] - self.window[0]) // _IN_WINDOW))

    def end_of(self, bucket: int) -> int:
        """Where a bucket ends."""
        if self.window and self.window[0] <= bucket < self.window[1]:
            return min(self.window[1], bucket + self.window_width)
        return bucket + self.width

    def axis(self) -> list[int]:
        """All buckets in order, empty ones too."""
        found: list[int] = []
        at = self.bucket(self.start)
        while at < self.stop:
            found.append(at)
            at = self.end_of(at)
            if self.window and found[-1] < self.window[0] < at:
                at = self.window[0]
        return found

    def label(self, bucket: int) -> str:
        """A bucket's start in words."""
        return shown(bucket) if self.timed else f"line {bucket + 1}"

    def span(self, first: int, last: int) -> str:
        """The stretch from one bucket's start to another's end in words."""
        end = self.end_of(last)
        if not self.timed:
            return f"lines {first + 1}-{min(end, self.stop)}"
        return f"{shown(first)[:10]} {shown(first, whole=False)}-{shown(end, whole=False)}"


def timed_grid(first: int, last: int, window: tuple[int, int] | None) -> Grid:
    """A grid over [first, last] seconds, coarse enough for about 120 buckets."""
    width = next((width for width in _WIDTHS if (last - first) / width <= _BUCKETS), _WIDTHS[-1])
    return Grid(True, first, last + 1, width, window)


def counted_grid(lines: int) -> Grid:
    """A grid over line numbers, for logs without stamps."""
    return Grid(False, 0, lines, max(1, -(-lines // _BUCKETS)))
