"""What attempts before the start still say, and telling it to a learner as if it happened now or then.

Two kinds of old news. What is *fresh* is told as it was: the same server, without a restart, would know it. What is
older says what is usual, and nothing of today's troubles: only good attempts of it are told, in an order that holds no
trend, the fewer the older they are. So a channel that was dead or crawling yesterday counts as one never seen: it keeps
its place in the plan and is tried, and where its last attempts failed it is probed as soon as anybody calls.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bedrock_support.routing.lasting.past import PastClock

FRESH = 30.0
"""Seconds for which what failed is still believed to fail."""
HALF = 6 * 3600.0
"""Seconds after which half as many old attempts are told."""
OLDEST = 86_400.0
MOST_ALIKE = 24
"""Old attempts told of one class on one channel, were they all new."""
MOST_TOLD = 256
"""Attempts told in all, the newest: each costs the loop a part of a millisecond."""
EASY = 0.8
"""Share of its time that a good attempt may have taken, as in health."""
APART = 1.0
"""Seconds between two old attempts, as they are told."""
DOUBTED_AFTER = 2
"""Newest attempts that must all have failed for a channel to be doubted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """An attempt of the past."""

    at: float
    """When it began, in Unix seconds."""
    route: str
    channel: str
    op_class: str
    learnt: str
    """The class under which the learner keeps it."""
    size: float
    """Characters that the model read."""
    budget: float
    seconds: float
    failure: str
    """Its FailureKind; empty for an answer."""
    simulated: bool

    @property
    def good(self) -> bool:
        return not self.failure and self.seconds <= EASY * self.budget


class Learning(Protocol):
    """What a learner must offer to be told: RouteLearner does."""

    def started(self, channel: str, op_class: str, size: float, budget: float) -> int: ...

    def ended(self, ticket: int, *, seconds: float, ok: bool | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt with the moment at which it is told to have begun, in seconds before now."""

    ago: float
    what: Lived


def believed(lived: Iterable[Lived], now: float) -> list[Told]:
    """What a learner is told of it, in order of its beginnings; `now` in Unix seconds."""
    known = sorted((each for each in lived if 0.0 <= now - each.at - each.seconds <= OLDEST), key=lambda each: each.at)
    fresh = [each for each in known if now - each.at <= FRESH]
    alike: dict[tuple[str, str], int] = {}
    old: list[Lived] = []
    for each in reversed(known):
        if now - each.at <= FRESH or not each.good:
            continue
        key = each.channel, each.learnt
        alike[key] = alike.get(key, 0) + 1
        if alike[key] <= MOST_ALIKE * 0.5 ** ((now - each.at) / HALF):
            old.append(each)
    fresh = fresh[-MOST_TOLD:]
    old = sorted(old[: MOST_TOLD - len(fresh)], key=_no_trend)
    told: list[Told] = []
    ago = FRESH
    for each in old:
        ago += APART + each.seconds
        told.append(Told(ago, each))
    return [*reversed(told), *(Told(now - each.at, each) for each in fresh)]


def doubted(lived: Iterable[Lived], now: float) -> frozenset[str]:
    """Channels whose newest attempts all failed, longer ago than is believed: worth a probe, not worth avoiding."""
    newest: dict[str, deque[Lived]] = {}
    for each in sorted(lived, key=lambda each: each.at):
        newest.setdefault(each.channel, deque(maxlen=DOUBTED_AFTER)).append(each)
    return frozenset(
        channel
        for channel, last in newest.items()
        if len(last) == DOUBTED_AFTER and all(each.failure for each in last) and now - last[-1].at > FRESH
    )


def telling(told: Sequence[Told], learner: Learning, clock: PastClock) -> Generator[None]:
    """Tell a learner on that clock, a beginning or an end at a time; between two of them others may run."""
    now = clock.now()
    moments = [(-each.ago, 1, number) for number, each in enumerate(told)]
    # An end that comes at the moment of a beginning comes first: that call met a free channel.
    moments += [(each.what.seconds - each.ago, 0, number) for number, each in enumerate(told)]
    tickets: dict[int, int] = {}
    try:
        for moment, begins, number in sorted(moments):
            what = told[number].what
            with clock.at(min(now, now + moment)):
                if begins:
                    tickets[number] = learner.started(what.channel, what.learnt, what.size, what.budget)
                elif number in tickets:
                    learner.ended(tickets.pop(number), seconds=what.seconds, ok=not what.failure)
            yield
    finally:
        for ticket in tickets.values():  # broken off: what has begun must not stand as a call that hangs
            learner.ended(ticket, seconds=0.0, ok=None)


def _no_trend(each: Lived) -> bytes:
    return hashlib.sha256(repr((each.at, each.channel, each.seconds)).encode()).digest()
