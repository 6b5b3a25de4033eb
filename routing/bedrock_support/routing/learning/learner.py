"""RouteLearner: what may be expected of each channel, from attempts that ended and from those still in flight."""

from __future__ import annotations

import math
from collections import OrderedDict

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.estimate import Estimate, Weights
from bedrock_support.routing.learning.regime import KNOWN, MUCH, look
from bedrock_support.routing.learning.usual import WIDTH, Channel, Pair, Seen

CHANNELS = 256
"""Channels kept; the one unused for longest gives way."""
FLYING = 2048
"""Attempts in flight that are followed, per channel; beyond, the oldest is forgotten."""
CLASSES = 32
"""Classes kept per channel: more than there are, so that a caller's error can't grow it without bound."""
LOOK_EVERY = 0.02
"""Seconds between two looks at a channel's last calls: under load each one would find what the last one found."""
SETTLE, SETTLE_END = 6.0, 10.0
"""Seconds that a latency and an outcome wait before they count as usual: a trouble is found later than it begins."""
YOUNG, YOUNG_CHANNEL = 40, 80.0
"""Calls of a class, and of all on its channel, below which nothing can be told from the usual yet."""
_EDGE = math.exp(WIDTH / 2.0)


class RouteLearner:
    """Latency and success by channel, class and size, and what is unusual about them now.

    No family of distributions is assumed: the shape of a channel's latencies is a histogram, its changes are found
    by splitting its last calls, and calls in flight count as soon as they are late. The policy on top of it is
    deterministic, so decisions carry a propensity of 1. For one thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channels: OrderedDict[str, Channel] = OrderedDict()
        self._tickets: OrderedDict[int, str] = OrderedDict()
        self._last = 0

    def started(self, channel: str, op_class: str, size: float, budget: float) -> int:
        """An attempt is under way, with `budget` seconds to go. The ticket is for `ended`."""
        found = self._channel(channel)
        self._last += 1
        found.flying[self._last] = (op_class, math.log(max(size, 1.0)), self._clock.now(), budget)
        self._tickets[self._last] = channel
        while len(found.flying) > FLYING:
            oldest = next(iter(found.flying))
            del found.flying[oldest]
            self._tickets.pop(oldest, None)
        return self._last

    def ended(self, ticket: int, *, seconds: float, ok: bool | None) -> None:
        """The attempt ended; None says nothing of the channel (cancelled, the caller's fault)."""
        name = self._tickets.pop(ticket, None)
        found = self._channels.get(name) if name is not None else None
        flying = found.flying.pop(ticket, None) if found is not None else None
        if name is None or flying is None or ok is None:
            return
        op_class, log_size, _, _ = flying
        self._see(name, op_class, log_size, seconds, ok, self._clock.now())

    def estimate(
        self, channel: str, op_class: str, size: float, budget: float, *, usd: float | None, weights: Weights
    ) -> Estimate:
        """What an operation of that class and size may expect of the channel within `budget` seconds."""
        log_size = math.log(max(size, 1.0))
        found = self._channel(channel)
        pair = self._pair(channel, found, op_class, log_size)
        if self._clock.now() - found.looked >= LOOK_EVERY:
            look(found, self._clock.now())
        new = not pair.count and not pair.calls
        failing = found.failing if new else pair.failing
        middle = math.exp(found.expected(pair, log_size) + (found.shift if new else pair.shift))
        shape = found.shape(pair)
        in_time, seconds = _within(middle, shape, budget)
        p_success = in_time * (1.0 - failing)
        return Estimate(
            p_success=p_success,
            seconds=seconds,
            p95_seconds=middle * _quantile(shape, 0.95),
            usd=usd,
            utility=weights.success * p_success - weights.usd * (usd or 0.0) - weights.ms * seconds * 1000.0,
            samples=float(pair.count),
            flagged=found.slow or found.fails or pair.slow or pair.fails,
        )

    def troubled(self, channel: str) -> bool:
        """Something is unusual on the channel just now."""
        found = self._channels.get(channel)
        return found is not None and found.troubled

    def promising(self, channel: str) -> bool:
        """The newest end on a troubled channel looks usual again: worth looking closer."""
        found = self._channels.get(channel)
        if found is None or not found.recent:
            return False
        newest = found.recent[0]
        pair = found.pairs[newest.op_class]
        shift = pair.shift if pair.slow else found.shift
        if not newest.ok or pair.count < KNOWN or shift < MUCH:
            return newest.ok
        return newest.log_seconds - found.expected(pair, newest.log_size) < 0.5 * shift

    def calls(self, channel: str, op_class: str) -> int:
        """How many latencies of the class are behind what is usual."""
        found = self._channels.get(channel)
        pair = found.pairs.get(op_class) if found is not None else None
        return pair.count if pair is not None else 0

    def class_alone(self, channel: str, op_class: str) -> bool:
        """The class is in trouble on the channel and the rest of it isn't."""
        found = self._channels.get(channel)
        pair = found.pairs.get(op_class) if found is not None else None
        if found is None or pair is None:
            return False
        return (pair.slow or pair.fails) and not (found.slow or found.fails)

    def _channel(self, name: str) -> Channel:
        found = self._channels.get(name)
        if found is None:
            found = self._channels[name] = Channel()
            while len(self._channels) > CHANNELS:
                self._channels.popitem(last=False)
        self._channels.move_to_end(name)
        return found

    def _pair(self, name: str, channel: Channel, op_class: str, log_size: float) -> Pair:
        pair = channel.pairs.get(op_class)
        if pair is None:
            pair = Pair()
            if len(channel.pairs) < CLASSES:
                channel.pairs[op_class] = pair
        if not pair.count:
            pair.location, pair.size = self._guess(name, channel, op_class), log_size
        return pair

    def _guess(self, name: str, channel: Channel, op_class: str) -> float:
        """Log-seconds of a class never seen here: as elsewhere, by how this channel differs from there."""
        own = {key: pair.location for key, pair in channel.pairs.items() if pair.count}
        for other, found in self._channels.items():
            pair = found.pairs.get(op_class)
            if other != name and pair is not None and pair.count:
                gaps = [own[key] - each.location for key, each in found.pairs.items() if each.count and key in own]
                return pair.location + sum(gaps) / (len(gaps) + 0.5)
        return sum(own.values()) / len(own) if own else 0.0

    def _see(self, name: str, op_class: str, log_size: float, seconds: float, ok: bool, at: float) -> None:
        channel = self._channel(name)
        pair = self._pair(name, channel, op_class, log_size)
        if op_class not in channel.pairs:
            return
        began = at - seconds
        seen = Seen(began, math.log(max(seconds, 1e-4)), log_size, ok, op_class)
        if ok:
            self._see_latency(channel, pair, seen, at)
        if began > max(channel.failing_seen, pair.failing_seen):
            channel.pending_ends.append((at, seen))
        self._settle(channel, at)
        channel.recent.appendleft(seen)

    def _see_latency(self, channel: Channel, pair: Pair, seen: Seen, at: float) -> None:
        if not pair.count:
            pair.location = 0.3 * pair.location + 0.7 * seen.log_seconds
        troubled = channel.weight > YOUNG_CHANNEL and abs(channel.shift) > MUCH
        if pair.count < YOUNG and not troubled:
            channel.absorb(pair, seen.log_size, seen.log_seconds)
        elif pair.count < 12:
            channel.absorb(pair, seen.log_size, seen.log_seconds - channel.shift)
        elif seen.began > max(channel.slow_seen, pair.slow_seen):
            channel.pending.append((at, seen))

    def _settle(self, channel: Channel, at: float) -> None:
        if at - channel.looked > 1.0:
            look(channel, at)  # nobody asked meanwhile: find out what must not count before it counts
        while channel.pending_ends and channel.pending_ends[0][0] < at - SETTLE_END:
            _, seen = channel.pending_ends.popleft()
            channel.absorb_end(channel.pairs[seen.op_class], seen.ok)
        while channel.pending and channel.pending[0][0] < at - SETTLE:
            _, seen = channel.pending.popleft()
            channel.absorb(channel.pairs[seen.op_class], seen.log_size, seen.log_seconds)


def _within(middle: float, shape: tuple[tuple[float, float], ...], budget: float) -> tuple[float, float]:
    """Probability of ending within the budget, and expected seconds with none counted beyond it."""
    in_time = seconds = 0.0
    for ratio, weight in shape:
        latency = middle * ratio
        if latency * _EDGE <= budget:
            in_time += weight
            seconds += weight * latency
        elif latency / _EDGE >= budget:
            seconds += weight * budget
        else:
            share = math.log(budget * _EDGE / latency) / WIDTH  # the budget ends inside this bin
            in_time += weight * share
            seconds += weight * (share * latency + (1.0 - share) * budget)
    return in_time, seconds


def _quantile(shape: tuple[tuple[float, float], ...], share: float) -> float:
    """Ratio to the expected latency that so large a share stays below."""
    below = 0.0
    for ratio, weight in shape:
        below += weight
        if below >= share:
            return ratio * _EDGE
    return shape[-1][0] * _EDGE
