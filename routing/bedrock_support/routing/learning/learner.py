"""RouteLearner: what may be expected of each channel, from attempts that ended and from those still in flight."""

from __future__ import annotations

import math
from collections import OrderedDict

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.estimate import Estimate, Weights
from bedrock_support.routing.learning.buckets import Item, alone
from bedrock_support.routing.learning.levels import BELOW, WIDTH
from bedrock_support.routing.learning.trail import Channel
from bedrock_support.routing.learning.usual import Pair

CHANNELS = 256
"""Channels kept; the one unused for longest gives way."""
FLYING = 2048
"""Attempts in flight that are followed, per channel; beyond, the oldest is forgotten."""
CLASSES = 32
"""Classes kept per channel: more than there are, so that a caller's error can't grow it without bound."""
HOPE = 0.02
"""Probability that a trouble is over at which that is worth a closer look."""
ALIKE, FEW, NOW = 1.5, 8, 5.0
"""Two channels that fail at the same time, and differ by less than so many standard errors, fail for one reason;
each is known by so many calls at least, and the other was looked at so many seconds ago at most."""
UNASKED = 1.0
"""Seconds after which a channel is looked at though nobody asked: what is unusual must not count as usual."""


class RouteLearner:
    """Latency and success by channel, class and size, and what is unusual about them now.

    No family of distributions is assumed: the shape of a channel's latencies is a histogram, its changes are found
    by a filter over discrete levels, and calls in flight count as soon as they are late. The policy on top of it is
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
        log_size = math.log(max(size, 1.0))
        self._last += 1
        item = Item(self._pair(channel, found, op_class, log_size), op_class, log_size, self._clock.now(), budget)
        found.begin(item)
        found.flying[self._last] = item
        self._tickets[self._last] = channel
        while len(found.flying) > FLYING:
            oldest = next(iter(found.flying))
            found.end(found.flying.pop(oldest), 0.0, None, item.began)
            self._tickets.pop(oldest, None)
        return self._last

    def ended(self, ticket: int, *, seconds: float, ok: bool | None) -> None:
        """The attempt ended; None says nothing of the channel (cancelled, the caller's fault)."""
        name = self._tickets.pop(ticket, None)
        found = self._channels.get(name) if name is not None else None
        item = found.flying.pop(ticket, None) if found is not None else None
        if found is None or item is None:
            return
        now = self._clock.now()
        found.end(item, seconds, ok, now)
        if now - found.looked > UNASKED:
            found.look(now)
            found.look_at(item.pair, item.op_class)

    def estimate(
        self, channel: str, op_class: str, size: float, budget: float, *, usd: float | None, weights: Weights
    ) -> Estimate:
        """What an operation of that class and size may expect of the channel within `budget` seconds."""
        log_size = math.log(max(size, 1.0))
        found = self._channel(channel)
        pair = self._pair(channel, found, op_class, log_size)
        if found.due(self._clock.now()):
            found.look(self._clock.now())
        found.look_at(pair, op_class)
        usual = found.expected(pair, log_size) + pair.now_slow * WIDTH
        shape = found.shape(pair)
        in_time = seconds = 0.0
        for level, weight in found.levels:
            p, s = shape.within(math.exp(usual + (level - BELOW) * WIDTH), budget)
            in_time += weight * p
            seconds += weight * s
        extra = self._shared(found) if found.fails else 0.0
        failing = 1.0 - (1.0 - found.failing(pair)) * (1.0 - extra) * (1.0 - pair.now_extra)
        p_success = in_time * (1.0 - failing)
        if found.fail_log is not None:
            seconds += failing * (min(found.fail_seconds, budget) - seconds)
        return Estimate(
            p_success=p_success,
            seconds=seconds,
            p95_seconds=math.exp(usual + found.now_slow * WIDTH) * shape.quantile(0.95),
            usd=usd,
            utility=weights.success * p_success - weights.usd * (usd or 0.0) - weights.ms * seconds * 1000.0,
            samples=float(pair.count),
            flagged=found.slow or found.fails or alone(pair),
        )

    def troubled(self, channel: str) -> bool:
        """Something is unusual on the channel just now."""
        found = self._channels.get(channel)
        return found is not None and found.troubled

    def promising(self, channel: str) -> bool:
        """A troubled channel may be as usual again: worth looking closer."""
        found = self._channels.get(channel)
        return found is not None and found.at_home > HOPE and found.newest is not None and bool(found.newest.ok)

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
        return alone(pair) and not (found.slow or found.fails)

    def _shared(self, channel: Channel) -> float:
        """Failures on a channel beyond its usual; those of all in trouble, where nothing tells them apart."""
        own, calls = channel.now_extra, channel.trouble_calls + FEW
        total, weight = own * calls, float(calls)
        for other in self._channels.values():
            if other is channel or not other.fails or channel.looked - other.looked > NOW:
                continue
            many = other.trouble_calls + FEW
            both = (own * calls + other.now_extra * many) / (calls + many)
            spread = math.sqrt(both * (1.0 - both) * (1.0 / calls + 1.0 / many))
            if abs(own - other.now_extra) < ALIKE * spread:
                total, weight = total + other.now_extra * many, weight + many
        return total / weight

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
        own = {key: channel.base + pair.location for key, pair in channel.pairs.items() if pair.count}
        for other, found in self._channels.items():
            pair = found.pairs.get(op_class)
            if other != name and pair is not None and pair.count:
                gaps = [
                    own[key] - found.base - each.location
                    for key, each in found.pairs.items()
                    if each.count and key in own
                ]
                return found.base + pair.location + sum(gaps) / (len(gaps) + 0.5) - channel.base
        return sum(own.values()) / len(own) - channel.base if own else 0.0
