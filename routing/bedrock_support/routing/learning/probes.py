"""ProbePolicy: when to look at a route that isn't chosen. Probes are few, and go where they may change a decision.

Only the replay runs it so far: in a server it would send real requests twice, which nobody can switch on yet.
"""

from __future__ import annotations

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.learning.learner import RouteLearner

PER_CALL, PER_SECOND, MOST = 0.12, 0.2, 16.0
"""Probes earned by each decision and by time, and how many may be saved up."""
PER_PAUSE = 0.03
"""What the time between two decisions earns at most: with PER_CALL that is 15 % of the calls at any rate."""
RESERVED = 8.0
"""Probes that only trouble may spend."""
TROUBLED, PROMISING = 0.6, 0.1
"""Seconds between probes of a route in trouble, and once it looks better: recovery is found by few, proved by many."""
NEW_CALLS, NEW = 8, 0.25
"""A class with fewer calls is probed every so many seconds."""
NEAR, NEAR_FIRST, NEAR_EACH, NEAR_MOST = 0.04, 0.4, 0.06, 6.0
"""Within that gap in utility the class is probed, the more seldom the more is known of it."""
IDLE = 3.0
"""Seconds after which a route that nobody takes is looked at."""


class ProbePolicy:
    """Deterministic: nothing is drawn. For one thread."""

    def __init__(self, learner: RouteLearner, clock: Clock, *, per_second: float = PER_SECOND) -> None:
        self._learner = learner
        self._clock = clock
        self._per_second = per_second
        self._tokens = MOST
        self._earned_at: float | None = None
        self._last: dict[str, float] = {}
        self._last_class: dict[tuple[str, str], float] = {}

    def decided(self) -> None:
        """A decision was made: it earns a part of a probe."""
        now = self._clock.now()
        passed = now - self._earned_at if self._earned_at is not None else 0.0
        self._earned_at = now
        self._tokens = min(MOST, self._tokens + PER_CALL + min(PER_PAUSE, self._per_second * passed))

    def due(self, channel: str, op_class: str, *, behind: float, flagged: bool) -> bool:
        """Whether the channel should be probed now with an operation of that class.

        Args:
            behind: utility by which it trails the chosen one.
            flagged: its estimate says that something is unusual.
        """
        if self._tokens < 1.0:
            return False
        now = self._clock.now()
        since = now - self._last.get(channel, float("-inf"))
        since_class = now - self._last_class.get((channel, op_class), float("-inf"))
        calls = self._learner.calls(channel, op_class)
        if flagged and (calls >= 5 or self._learner.class_alone(channel, op_class)):
            wait = PROMISING if self._learner.promising(channel) else TROUBLED
            return (since_class if self._learner.class_alone(channel, op_class) else since) > wait
        if self._tokens < RESERVED:
            return False
        if calls < NEW_CALLS:
            return since_class > NEW
        if behind < NEAR:
            return since_class > min(NEAR_MOST, NEAR_FIRST + NEAR_EACH * calls)
        return since > IDLE

    def probed(self, channel: str, op_class: str) -> None:
        """A probe was started."""
        self._tokens -= 1.0
        now = self._clock.now()
        self._last[channel] = now
        self._last_class[channel, op_class] = now
        if len(self._last_class) > 4096:
            self._last.clear()
            self._last_class.clear()
