"""ProbePolicy: when to look at a route that isn't chosen. Probes are few, and go where they may change a decision.

Only the replay runs it so far: in a server it would send real requests twice, which nobody can switch on yet.
"""

from __future__ import annotations

import math

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.estimate import Estimate, Weights
from bedrock_support.routing.learning.learner import RouteLearner

LOAN, PER_CALL, REPAID, PER_CALL_THEN = 30.0, 0.12, 1000, 0.15
"""Probes to begin with, what each of the first thousand decisions earns, and each later one: from the thousandth on
never more than 15 % of the calls, at any rate."""
MOST = 30.0
"""Probes that may be saved up."""
RESERVED = 8.0
"""Probes that only trouble may spend, once the loan is repaid; before, a quarter of them."""
TROUBLED, PROMISING = 0.5, 0.1
"""Seconds between probes of a route in trouble, and once it looks better: recovery is found by few, proved by many."""
LONG, RATHER = 2.0, 2.5
"""A class that usually takes so many times as long as the channel's quickest is probed so much more seldom in trouble:
the quick one tells sooner."""
NEW_CALLS, NEW = 8, 0.25
"""A class with fewer calls is probed every so many seconds."""
EPSILON = 0.01
"""Regret that doesn't matter, as a share of a success."""
PER_SECOND = 1000.0 * Weights().ms
SPREAD, MEMORY = 0.7, 150.0
"""Standard deviation of a log-latency, and the calls that are remembered, where doubt is reckoned."""
WORTH, PAUSE = 2.5, 0.2
"""Probes of a class for each decision about it that is likely wrong, and the least seconds between two."""
NEAR, SELDOM = 0.04, 6.0
"""A class within that gap in utility is probed every so many seconds at least, whatever the numbers say."""
IDLE = 3.0
"""Seconds after which a route that nobody takes is looked at."""


class ProbePolicy:
    """Deterministic: nothing is drawn. For one thread."""

    def __init__(self, learner: RouteLearner, clock: Clock) -> None:
        self._learner = learner
        self._clock = clock
        self._tokens = LOAN
        self._decisions = 0
        self._last: dict[str, float] = {}
        self._last_class: dict[tuple[str, str], float] = {}
        self._debt: dict[tuple[str, str], float] = {}
        self._usual: dict[str, dict[str, float]] = {}

    def decided(self) -> None:
        """A decision was made: it earns a part of a probe."""
        self._decisions += 1
        earned = PER_CALL if self._decisions <= REPAID else PER_CALL_THEN
        self._tokens = min(MOST, self._tokens + earned)

    def due(self, channel: str, op_class: str, *, chosen: Estimate, other: Estimate) -> bool:
        """Whether the channel, which was not chosen, should be probed now with an operation of that class.

        Args:
            chosen: what was expected of the route that was chosen.
            other: what was expected of the channel.
        """
        if self._tokens < 1.0:
            return False
        now = self._clock.now()
        since = now - self._last.get(channel, float("-inf"))
        since_class = now - self._last_class.get((channel, op_class), float("-inf"))
        calls = self._learner.calls(channel, op_class)
        if other.flagged and (calls >= 5 or self._learner.class_alone(channel, op_class)):
            wait = PROMISING if self._learner.promising(channel) else TROUBLED
            if self._learner.class_alone(channel, op_class):
                return since_class > wait
            return since > wait * (RATHER if self._long(channel, op_class) else 1.0)
        self._usual.setdefault(channel, {})[op_class] = other.seconds
        if self._tokens < (RESERVED if self._decisions > REPAID else RESERVED / 4):
            return False
        if calls < NEW_CALLS:
            return since_class > NEW
        if since > IDLE or (since_class > SELDOM and chosen.utility - other.utility < NEAR):
            return True
        key = channel, op_class
        debt = self._debt[key] = min(1.5, self._debt.get(key, 0.0) + WORTH * doubt(chosen, other))
        return debt >= 1.0 and since_class > PAUSE

    def _long(self, channel: str, op_class: str) -> bool:
        usual = self._usual.get(channel, {})
        return usual.get(op_class, 0.0) > LONG * min(usual.values(), default=0.0)

    def probed(self, channel: str, op_class: str) -> None:
        """A probe was started."""
        self._tokens -= 1.0
        now = self._clock.now()
        self._last[channel] = now
        self._last_class[channel, op_class] = now
        self._debt[channel, op_class] = 0.0
        if len(self._last_class) > 4096:
            for each in (self._last, self._last_class, self._debt, self._usual):
                each.clear()


def doubt(chosen: Estimate, other: Estimate) -> float:
    """Probability that the other is better by more than what doesn't matter, as far as the number of calls tells."""
    gap = chosen.utility - other.utility + EPSILON
    variance = 0.0
    for each in (chosen, other):
        lateness = SPREAD * PER_SECOND * each.seconds
        n = min(MEMORY, each.samples + 2.0)
        variance += (lateness * lateness + each.p_success * (1.0 - each.p_success)) / n
    return 0.5 * math.erfc(gap / math.sqrt(2.0 * variance + 1e-9))
