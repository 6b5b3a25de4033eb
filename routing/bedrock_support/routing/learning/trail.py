"""What is true of a channel now: its calls of late, in the order in which they began, and what they say together.

Calls are put in buckets by their start, for what a call meets depends on when it was sent. A bucket speaks through
the calls of it that have ended and, as loudly, through those that should have and have not.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bedrock_support.routing.learning.buckets import (
    AWAY,
    FAILS,
    NOTHING,
    Bucket,
    Item,
    alone,
    noticed,
    shifted,
    summed,
    sure,
)
from bedrock_support.routing.learning.hearing import KNOWN, Heard, class_step
from bedrock_support.routing.learning.levels import (
    BELOW,
    EXTRA,
    SLOWNESS,
    WIDTH,
    extra_prior,
    sharpened,
    slowness_prior,
    step,
)
from bedrock_support.routing.learning.usual import BINS, Pair, bin_of

SHORT, LONG, OF_MIDDLE = 0.05, 5.0, 0.3
"""Bounds of a bucket's length in seconds, and its length as a share of the latency that is expected now."""
LOOK_EVERY, OF_BUCKET = 0.04, 0.15
"""Least seconds between two looks, and their part of a bucket's length: what has hardly aged says nothing new."""
ENOUGH = 12
"""Calls of one class in a bucket: under load more of them say the same and only cost time."""
KEPT, MOST = 6, 32
"""Buckets that may still be judged anew in the light of later ones, and buckets that may wait for a call to end."""
JUMP, BACK, WANDER = 0.01, 0.03, 0.012
"""Chances per second that a channel's speed changes, that it is as usual again, that it drifts a level up or down."""
JUMP_EXTRA, BACK_EXTRA = 0.01, 0.03
"""The same for its failures."""
STEP_MOST = 2.0
"""Seconds that one step counts at most: time without calls brings no news."""
AGED = 1.1
"""A bucket with calls in flight is heard again when it is so many times as old."""
ADOPT, ADOPT_CLASS = 90.0, 150.0
"""Seconds off home after which that is the new home, for a channel and for one class."""
STEPS_WORTH, ANOTHER = 8.0, 0.2
"""Calls that the filter's own word is worth beside a count, and the gap at which the count is begun anew."""
_SLOWNESS_PRIOR, _EXTRA_PRIOR = slowness_prior(), extra_prior()


@dataclass(slots=True)
class Channel(Heard):
    """A channel's usual ways and its newest calls."""

    buckets: deque[Bucket] = field(default_factory=deque[Bucket])
    flying: dict[int, Item] = field(default_factory=dict[int, Item])
    newest: Item | None = None
    """The call that ended last."""
    slowness: list[float] = field(default_factory=lambda: sure(SLOWNESS, BELOW))
    """Probabilities of the levels after the last bucket that was let go."""
    extra: list[float] = field(default_factory=lambda: sure(len(EXTRA), 0))
    stepped: float = float("-inf")
    looked: float = float("-inf")
    pause: float = LOOK_EVERY
    """Seconds until the next look, unless a call fails before."""
    levels: list[tuple[int, float]] = field(default_factory=lambda: [(BELOW, 1.0)])
    """Likely levels now, with weights."""
    at_home: float = 1.0
    """Probability that nothing is unusual."""
    away_since: float | None = None
    fails_since: float | None = None
    trouble_calls: int = 0
    """Calls that ended since it fails more than usual, as far as they were let go,"""
    trouble_failed: int = 0
    """and how many of them failed."""

    @property
    def slow(self) -> bool:
        return abs(self.now_slow) > AWAY

    @property
    def fails(self) -> bool:
        return self.now_extra > FAILS

    @property
    def troubled(self) -> bool:
        """Something is unusual on it, in one class or in all."""
        return self.slow or self.fails or any(alone(each) for each in self.pairs.values())

    def begin(self, item: Item) -> None:
        """A call is under way."""
        middle = math.exp(self.expected(item.pair, item.log_size) + self.now_slow * WIDTH)
        length = min(LONG, max(SHORT, OF_MIDDLE * middle))
        self.pause = max(LOOK_EVERY, OF_BUCKET * length)
        at = len(self.buckets) - 1
        while at >= 0 and self.buckets[at].began > item.began:
            at -= 1
        if at >= 0 and (item.began - self.buckets[at].began < length or at < len(self.buckets) - 1):
            bucket = self.buckets[at]
        else:
            bucket = Bucket(item.began)
            self.buckets.insert(at + 1, bucket)
        already = bucket.classes.get(item.op_class, 0)
        if already >= ENOUGH:
            return
        bucket.classes[item.op_class] = already + 1
        bucket.items.append(item)
        bucket.open += 1
        bucket.heard = float("-inf")
        item.bucket = bucket

    def end(self, item: Item, seconds: float, ok: bool | None, now: float) -> None:
        """It ended; None says nothing of the channel."""
        bucket = item.bucket
        if bucket is None:
            return
        item.open = False
        item.ok = ok
        bucket.open -= 1
        bucket.heard = float("-inf")
        if ok is None:
            if not bucket.gone:
                bucket.items.remove(item)
                if not bucket.items:
                    self.buckets.remove(bucket)
            return
        self.newest = item
        pair = item.pair
        item.log_seconds = math.log(max(seconds, 1e-4))
        if not ok:
            self.pause = LOOK_EVERY
            weight = 0.2 if self.fail_log is not None else 1.0
            self.fail_seconds += weight * (min(seconds, item.budget) - self.fail_seconds)
            self.fail_log = (self.fail_log or 0.0) + weight * (item.log_seconds - (self.fail_log or 0.0))
        elif pair.count < 12:
            self._first(pair, item)
        item.place = bin_of(item.log_seconds - self.expected(pair, item.log_size))
        if bucket.gone:
            self._absorb(item, bucket)

    def _first(self, pair: Pair, item: Item) -> None:
        if not pair.count:
            pair.location = 0.3 * pair.location + 0.7 * (item.log_seconds - self.base - self.now_slow * WIDTH)
        self.absorb(pair, item.log_size, item.log_seconds - self.now_slow * WIDTH, item.began)
        item.counted = True

    def due(self, now: float) -> bool:
        """Whether a look may find something new."""
        return now - self.looked >= self.pause

    def look(self, now: float) -> None:
        """Find out what is true now."""
        self._look(now)
        if self.fails and self._one_class_fails():
            self._look(now)

    def _one_class_fails(self) -> bool:
        """Whether one class alone makes the channel look failing; that is then taken for what it is."""
        ends: dict[str, list[bool]] = {}
        for bucket in self.buckets:
            if bucket.failing:
                for item in bucket.items:
                    if item.ok is not None:
                        ends.setdefault(item.op_class, []).append(not item.ok)
        worst = max(ends, key=lambda each: sum(ends[each]), default="")
        rest = [failed for key, each in ends.items() if key != worst for failed in each]
        if len(rest) < KNOWN or self.pairs[worst].now_extra or sum(ends[worst]) < 2:
            return False
        share = sum(ends[worst]) / len(ends[worst])
        # were all alike, so many of the rest would hardly all have been answered
        if (
            sum(rest) > self.usual_failing * len(rest) + 0.5
            or len(rest) * math.log(1.0 - min(0.95, self.now_extra)) > -3.0
        ):
            return False
        self.pairs[worst].now_extra = share
        for bucket in self.buckets:
            bucket.heard = float("-inf")
        return True

    def _look(self, now: float) -> None:
        self.looked = now
        slowness, extra, last = self.slowness, self.extra, self.stepped
        stale = False
        for bucket in self.buckets:
            if bucket.heard < bucket.began or (
                bucket.open and now - bucket.began > AGED * (bucket.heard - bucket.began)
            ):
                self._hear(bucket, now)
            if stale or bucket.stale:
                stale = True
                self._filter(bucket, slowness, extra, min(STEP_MOST, max(0.01, bucket.began - last)))
            slowness, extra, last = bucket.slowness, bucket.extra, bucket.began
        self.levels = sharpened(slowness)
        self.at_home = sum(slowness[BELOW - 1 : BELOW + 2]) * extra[0]
        self.now_slow = sum(number * weight for number, weight in self.levels) - BELOW
        self.now_extra = self._refined(noticed(extra))
        self.away_since = None if not self.slow else now if self.away_since is None else self.away_since
        self.fails_since = None if not self.fails else now if self.fails_since is None else self.fails_since
        while len(self.buckets) > MOST or (len(self.buckets) > KEPT and not self.buckets[0].open):
            self._let_go(self.buckets[0])
        if self.away_since is not None and now - self.away_since > ADOPT:
            self._move_home(round(self.now_slow))

    def look_at(self, pair: Pair, op_class: str) -> None:
        """Find out what is true of one class beside what is true of its channel, once for each look at that."""
        if pair.looked == self.looked:
            return
        pair.looked = self.looked
        slowness, extra = pair.slowness, pair.extra
        now = self.looked
        for place, bucket in enumerate(self.buckets):
            key = bucket.heard, self.level_at(place), self.failing_at(place), round(pair.now_slow)
            said = bucket.said.get(op_class)
            if said is None or said[0] != key:
                own = [each for each in bucket.items if each.op_class == op_class]
                said = bucket.said[op_class] = key, self._class_evidence(own, key[1], EXTRA[key[2]], now)
            slowness, extra = class_step(slowness, extra, *said[1])
        before = round(pair.now_slow), pair.now_extra > 0
        pair.now_slow = sum(number * weight for number, weight in sharpened(slowness)) - BELOW
        pair.now_extra = noticed(extra)
        if before != (round(pair.now_slow), pair.now_extra > 0):
            for bucket in self.buckets:  # what this class explains, its channel needn't
                bucket.heard = float("-inf")
        away = abs(pair.now_slow) > AWAY
        pair.away_since = None if not away else now if pair.away_since is None else pair.away_since
        if pair.away_since is not None and now - pair.away_since > ADOPT_CLASS:
            self._move_class_home(pair, round(pair.now_slow))

    def _refined(self, extra: float) -> float:
        """A lasting trouble's failures, counted rather than told by steps."""
        if not extra or not self.trouble_calls:
            return extra
        counted = max(0.0, 1.0 - (1.0 - self.trouble_failed / self.trouble_calls) / (1.0 - self.usual_failing))
        return (self.trouble_calls * counted + STEPS_WORTH * extra) / (self.trouble_calls + STEPS_WORTH)

    def _count(self, bucket: Bucket) -> None:
        if not bucket.failing:
            self.trouble_calls = self.trouble_failed = 0
            return
        self.trouble_calls += sum(each.ok is not None for each in bucket.items)
        self.trouble_failed += sum(each.ok is False for each in bucket.items)
        if self.trouble_calls and abs(self.trouble_failed / self.trouble_calls - EXTRA[bucket.failing]) > ANOTHER:
            self.trouble_calls = self.trouble_failed = 0  # it is another trouble by now

    def level_at(self, place: int) -> int:
        """The channel's level in a bucket, in the light of the buckets after it."""
        bucket = self.buckets[place]
        found, evidence = bucket.level, bucket.evidence
        for later in range(place + 1, min(place + 5, len(self.buckets))):
            level = self.buckets[later].level
            if evidence[level + BELOW] > evidence[found + BELOW]:
                found = level
        return found

    def failing_at(self, place: int) -> int:
        """The same for its step of failures."""
        bucket = self.buckets[place]
        found = bucket.failing
        if bucket.ends is not None:
            for later in range(place + 1, min(place + 5, len(self.buckets))):
                failing = self.buckets[later].failing
                if bucket.ends[failing] > bucket.ends[found]:
                    found = failing
        return found

    def _hear(self, bucket: Bucket, now: float) -> None:
        latencies: list[Sequence[float]] = []
        ends: list[Sequence[float]] = []
        for item in bucket.items:
            pair = item.pair
            own_level = round(pair.now_slow)
            if (seen := self._slow_evidence(item, own_level, now)) is not None:
                latencies.append(seen)
            spared = 1.0 if item.ok else (1.0 - self.failing(pair)) * (1.0 - pair.now_extra)
            if (said := self._end_evidence(item, round(self.now_slow) + own_level, spared, now)) is not None:
                ends.append(said)
        bucket.evidence = summed(latencies) if latencies else NOTHING
        bucket.ends = summed(ends) if ends else None
        bucket.heard, bucket.stale = now, True

    def _filter(self, bucket: Bucket, slowness: list[float], extra: list[float], seconds: float) -> None:
        chances = JUMP * seconds, BACK * seconds, WANDER * seconds
        if bucket.evidence is not NOTHING:
            slowness = step(slowness, BELOW, chances, _SLOWNESS_PRIOR, bucket.evidence)
        if bucket.ends is not None:
            chances = JUMP_EXTRA * seconds, BACK_EXTRA * seconds, 0.0
            extra = step(extra, 0, chances, _EXTRA_PRIOR, bucket.ends)
        bucket.slowness, bucket.extra, bucket.stale = slowness, extra, False
        bucket.level = slowness.index(max(slowness)) - BELOW
        bucket.failing = extra.index(max(extra))

    def _let_go(self, bucket: Bucket) -> None:
        bucket.level, bucket.failing = self.level_at(0), self.failing_at(0)
        self._count(bucket)
        by_class: dict[str, list[Item]] = {}
        for item in bucket.items:
            by_class.setdefault(item.op_class, []).append(item)
        for own in by_class.values():
            pair = own[0].pair
            said = self._class_evidence(own, bucket.level, EXTRA[bucket.failing], self.looked)
            pair.slowness, pair.extra = class_step(pair.slowness, pair.extra, *said)
        self.slowness, self.extra, self.stepped = bucket.slowness, bucket.extra, bucket.began
        bucket.gone = True
        self.buckets.popleft()
        for item in bucket.items:
            if not item.open:
                self._absorb(item, bucket)
        bucket.items = []

    def _absorb(self, item: Item, bucket: Bucket) -> None:
        pair = item.pair
        if item.ok and not item.counted:
            # one level off home is drift: home goes after it
            levels = sum(each for each in (bucket.level, round(pair.now_slow)) if abs(each) > 1)
            self.absorb(pair, item.log_size, item.log_seconds - levels * WIDTH, item.began)
        in_trouble = bucket.failing > 0 or self.now_extra > 0 or pair.now_extra > 0
        long = self.fails_since is not None and self.looked - self.fails_since > 2 * ADOPT
        if item.ok is not None and (long or not in_trouble):
            self.absorb_end(pair, item.ok)

    def _move_home(self, levels: int) -> None:
        for pair in self.pairs.values():
            pair.location += levels * WIDTH
        self.slowness = shifted(self.slowness, levels)
        for bucket in self.buckets:
            bucket.level -= levels
            bucket.heard = float("-inf")
            for item in bucket.items:
                item.place = max(0, min(BINS - 1, item.place - levels))
        self.away_since = None
        self.look(self.looked)

    def _move_class_home(self, pair: Pair, levels: int) -> None:
        pair.location += levels * WIDTH
        pair.slowness = shifted(pair.slowness, levels)
        for bucket in self.buckets:
            for item in bucket.items:
                if item.pair is pair:
                    item.place = max(0, min(BINS - 1, item.place - levels))
        pair.now_slow -= levels
        pair.away_since = None
