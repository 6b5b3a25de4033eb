"""What calls say of a channel's slowness and failures, those in flight included, and of one class's beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bedrock_support.routing.learning.buckets import Evidence, Item, summed
from bedrock_support.routing.learning.levels import BELOW, EXTRA, OK, SLOWNESS, extra_prior, slowness_prior, step
from bedrock_support.routing.learning.usual import BINS, Usual, bin_of

KNOWN = 5
"""Calls of a class before its latencies mean anything."""
CLASS_JUMP, CLASS_BACK, CLASS_WANDER = 0.002, 0.02, 0.001
"""Chances per bucket that one class changes beside its channel."""
CERTAIN, MILD = 0.97, 1.0
"""A class that is at home so certainly needs no new look where its calls speak so little against it."""
_SLOWNESS_PRIOR, _EXTRA_PRIOR = slowness_prior(), extra_prior()


@dataclass(slots=True)
class Heard(Usual):
    """What is usual, and what is needed beside it to tell what a call says."""

    now_slow: float = 0.0
    """Levels that the channel is slower than usual now."""
    now_extra: float = 0.0
    """Failures beyond its usual ones now."""
    fail_seconds: float = 0.0
    fail_log: float | None = None
    """Mean log-seconds that a failure took of late."""

    def _slow_evidence(self, item: Item, other: int, now: float) -> Sequence[float] | None:
        """Log-likelihoods of the levels, when so many levels are accounted for by something else."""
        if item.pair.count < KNOWN or item.ok is False:
            return None
        shape = self.shape(item.pair)
        if item.ok:
            at = BINS - 1 - min(BINS - 1, max(0, item.place - other))
            return shape.ended[at : at + SLOWNESS]
        waited = now - item.began
        if not item.open or waited <= 0.0:
            return None
        at = (
            BINS - 1 - min(BINS - 1, max(0, bin_of(math.log(waited) - self.expected(item.pair, item.log_size)) - other))
        )
        if shape.flying[at + BELOW - 2] > -0.05:
            return None
        return shape.flying[at : at + SLOWNESS]

    def _end_evidence(self, item: Item, level: int, spared: float, now: float) -> Sequence[float] | None:
        """Log-likelihoods of the shares of failures, when a call fails of itself with 1 - spared."""
        if item.ok:
            return OK
        if item.ok is False:
            return [math.log(1.0 - spared * (1.0 - each)) for each in EXTRA]
        waited = now - item.began
        if not item.open or waited <= 0.0 or item.pair.count < KNOWN:
            return None
        place = bin_of(math.log(waited) - self.expected(item.pair, item.log_size)) - level
        at = BINS - 1 - min(BINS - 1, max(0, place)) + BELOW
        answer = math.exp(self.shape(item.pair).flying[at])
        failure = 0.5 if self.fail_log is None else 0.1 + 0.9 / (1.0 + (waited / math.exp(self.fail_log)) ** 4)
        if answer > 0.8 and failure > 0.8:
            return None
        return [math.log(spared * (1.0 - each) * answer + (1.0 - spared * (1.0 - each)) * failure) for each in EXTRA]

    def _class_evidence(self, own: Sequence[Item], level: int, failing: float, now: float) -> Evidence:
        if not own:
            return None, None
        spared = (1.0 - self.failing(own[0].pair)) * (1.0 - failing)
        latencies = [seen for each in own if (seen := self._slow_evidence(each, level, now)) is not None]
        own_level = level + round(own[0].pair.now_slow)
        ends = [said for each in own if (said := self._end_evidence(each, own_level, spared, now)) is not None]
        return summed(latencies) if latencies else None, summed(ends) if ends else None


def class_step(
    slowness: list[float], extra: list[float], seen: list[float] | None, said: list[float] | None
) -> tuple[list[float], list[float]]:
    """One class's levels beside its channel's after what a bucket says of its slowness and of its failures."""
    if seen is not None and (slowness[BELOW] < CERTAIN or seen[BELOW] < max(seen) - MILD):
        slowness = step(slowness, BELOW, (CLASS_JUMP, CLASS_BACK, CLASS_WANDER), _SLOWNESS_PRIOR, seen)
    if said is not None and (extra[0] < CERTAIN or said[0] < max(said) - MILD):
        extra = step(extra, 0, (CLASS_JUMP, CLASS_BACK, 0.0), _EXTRA_PRIOR, said)
    return slowness, extra
