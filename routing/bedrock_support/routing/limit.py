"""AdaptiveLimit: how many calls a route carries at once, learnt from how its answers slow down."""

from __future__ import annotations

from bedrock_support.routing.clock import Clock

LEAST = 4
SMOOTHING = 0.2
TOLERANCE = 1.5
"""Slowness that is taken for chance and not for load, as Gradient2's tolerance of round-trip time."""
HEADROOM = 4.0
"""Places added with each answer that came in its usual time, as Gradient2's queue size."""
CUT = 0.7
"""What is left of the limit after the other side asked for less, or failed under load."""
CUT_EVERY = 1.0
"""Seconds between two cuts: one burst of refusals is one sign."""
GRAIN = 0.02
"""Seconds under which nothing is called slow: a model takes longer, and what is left is how finely we can measure."""


class AdaptiveLimit:
    """Netflix's Gradient2, fed with slowness (seconds over expected seconds) instead of round-trip time.

    A model's answer takes as long as it is; only against what this kind of call usually takes does time tell load.
    Of that time only the part counts that the other side may have taken: were our own queueing counted too, a busy
    process would take away its own places, wait the more, and keep less under way than its throughput needs
    (Little's law: places = calls a second times the seconds that each holds its place).
    """

    def __init__(self, most: int, clock: Clock, least: int = LEAST) -> None:
        self._most = float(most)
        self._least = float(min(least, most))
        self._clock = clock
        self._value = self._most
        self._slowness = 1.0
        self._cut_at = float("-inf")

    @property
    def value(self) -> int:
        return int(self._value)

    def answered(self, seconds: float, expected: float, inflight: int, ours: float = 0.0) -> None:
        """An answer took `seconds` where `expected` is usual, with `inflight` calls under way, itself included.

        `ours` are the seconds of it in which this process kept the answer waiting.
        """
        slowness = max(0.0, seconds - ours) / max(expected, GRAIN)
        self._slowness += SMOOTHING * (min(10.0, max(0.1, slowness)) - self._slowness)
        gradient = min(1.0, max(0.5, TOLERANCE / self._slowness))
        wanted = self._value * gradient + HEADROOM
        if wanted > self._value and inflight < self._value / 2:
            return  # not in use: nothing was learnt about a higher limit
        self._set(self._value + SMOOTHING * (wanted - self._value))

    def dropped(self) -> None:
        """The other side was overloaded: throttled, timed out, cut off."""
        now = self._clock.now()
        if now - self._cut_at >= CUT_EVERY:
            self._cut_at = now
            self._set(self._value * CUT)

    def _set(self, value: float) -> None:
        self._value = min(self._most, max(self._least, value))
