"""Guard: what stands before a channel and decides whether, when and how often it is asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from bedrock_support.routing.breaker import Breaker, BreakerSettings, BreakerState, Permit
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.errors import FAILURES, RouteError
from bedrock_support.routing.limit import AdaptiveLimit
from bedrock_support.routing.line import Line, Place
from bedrock_support.routing.model import Failure, FailureKind, Priority
from bedrock_support.routing.tokens import TokenBucket

SLOW = 0.8
"""Share of its deadline's budget beyond which an answered call counts as slow."""
CHANNELS = 256
"""Guards kept; the one unused for longest gives way."""
BACKOFF_FIRST, BACKOFF_MOST = 0.1, 5.0
"""Seconds of the first wait's upper bound, which doubles with each try, and the most it may become."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """Bounds of one channel."""

    capacity: int = 64
    """Calls at once."""
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    mode: BreakerState | None = None
    """What its breaker is set to by hand; None lets it work by itself."""


class Pass:
    """One call's leave: a place on the channel and the breaker's permit."""

    def __init__(self, guard: Guard, permit: Permit) -> None:
        self._guard = guard
        self._permit = permit

    def answered(self, seconds: float, budget: float, expected: float | None, ours: float = 0.0) -> None:
        """The call was answered. `expected` is what this kind of call usually takes, in seconds, where known.

        `ours` are the seconds in which this process kept the answer waiting: they say nothing of the channel.
        """
        self._permit.succeeded(slow=seconds - ours > SLOW * budget)
        self._guard.answered(seconds, expected, ours)

    def failed(self, failure: Failure, *, late_by_us: bool = False) -> None:
        """The call failed; what that means for the channel depends on the kind.

        `late_by_us`: most of its time went by in this process, so that it ran out is no sign of load over there.
        """
        meaning = FAILURES[failure.kind]
        if meaning.hurts_health:
            self._permit.failed()
        else:
            self._permit.ignored()
        self._guard.refused(failure, late_by_us=late_by_us)


class _Entered:
    """The block of one call."""

    __slots__ = ("_give_way", "_guard", "_held", "_priority")

    def __init__(self, guard: Guard, priority: Priority, give_way: Callable[[], None] | None) -> None:
        self._guard = guard
        self._priority = priority
        self._give_way = give_way
        self._held: tuple[Place, Permit] | None = None

    async def __aenter__(self) -> Pass:
        self._held = await self._guard.enter(self._priority, self._give_way)
        return Pass(self._guard, self._held[1])

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held is not None:
            place, permit = self._held
            permit.ignored()  # unless it has ended already
            self._guard.line.leave(place)


class Guard:
    """Breaker, places by urgency, retry budget and the other side's Retry-After, for one channel."""

    def __init__(self, clock: Clock, entropy: Entropy, settings: GuardSettings) -> None:
        self._clock = clock
        self._entropy = entropy
        self.breaker = Breaker(clock, entropy, settings.breaker)
        self.breaker.set_mode(settings.mode)
        self.limit = AdaptiveLimit(settings.capacity, clock)
        self.line = Line(settings.capacity, self.limit, clock)
        self.retries = TokenBucket()
        self._quiet_until = float("-inf")

    def open_in(self) -> float:
        """Seconds until the channel may be asked: the breaker's wait or the other side's, whichever is longer."""
        return max(self.breaker.retry_in(), self._quiet_until - self._clock.now(), 0.0)

    def entered(self, priority: Priority, give_way: Callable[[], None] | None = None) -> _Entered:
        """A place and a permit for one call, both given back however the block ends. `give_way` is `Line.enter`'s.

        An emergency has nowhere else to go: it passes an open breaker, but never as one of its trials.

        Raises:
            RouteError: HELD_BACK by the breaker or while the other side wants to be left alone, or SHED.
        """
        return _Entered(self, priority, give_way)

    async def enter(self, priority: Priority, give_way: Callable[[], None] | None) -> tuple[Place, Permit]:
        """What `entered` holds. Raises as it does."""
        self._refuse_while_closed(priority)
        place = await self.line.enter(priority, give_way)
        try:
            self._refuse_while_closed(priority)  # again: it may have tripped while this call stood in line
            return place, self._permit(priority)
        except BaseException:
            self.line.leave(place)
            raise

    def answered(self, seconds: float, expected: float | None, ours: float = 0.0) -> None:
        self.retries.earn()
        if expected:
            self.limit.answered(seconds, expected, self.line.busy, ours)

    def refused(self, failure: Failure, *, late_by_us: bool = False) -> None:
        meaning = FAILURES[failure.kind]
        if meaning.overload or (failure.kind is FailureKind.TIMEOUT and not late_by_us):
            self.limit.dropped()
        if meaning.hurts_health or meaning.overload:
            self.retries.spend()
        if failure.retry_after is not None:
            self._quiet_until = max(self._quiet_until, self._clock.now() + min(failure.retry_after, BACKOFF_MOST))

    def backoff(self, tries: int) -> float:
        """Seconds to wait before try number `tries` + 1: full jitter, and never less than the other side asked for.

        Source: Exponential Backoff And Jitter, AWS Architecture Blog.
        """
        jittered = self._entropy.unit() * min(BACKOFF_MOST, BACKOFF_FIRST * 2.0 ** (tries - 1))
        return max(jittered, self.open_in())

    def _permit(self, priority: Priority) -> Permit:
        if priority is Priority.EMERGENCY and self.breaker.state is not BreakerState.CLOSED:
            return Permit.uncounted()
        permit = self.breaker.admit()
        if permit is None:
            raise self._held_back()
        return permit

    def _refuse_while_closed(self, priority: Priority) -> None:
        state = self.breaker.state
        if state is BreakerState.FORCED_OPEN or (state is BreakerState.OPEN and priority is not Priority.EMERGENCY):
            raise self._held_back()
        left = self._quiet_until - self._clock.now()
        if left > 0 and priority is not Priority.EMERGENCY:
            message = f"the other side asked to be left alone for another {left:.1f} s"
            raise RouteError(FailureKind.HELD_BACK, message, retry_after=left)

    def _held_back(self) -> RouteError:
        wait = self.breaker.retry_in()
        if self.breaker.state is BreakerState.FORCED_OPEN:
            return RouteError(FailureKind.HELD_BACK, "the route was switched off by hand")
        when = f"next trial in {wait:.0f} s" if wait else "its trials are under way"
        return RouteError(FailureKind.HELD_BACK, f"the route failed too often just now; {when}", retry_after=wait)


class Guards:
    """The guard of every channel, made on first use."""

    def __init__(self, clock: Clock, entropy: Entropy, settings: GuardSettings | None = None) -> None:
        self._clock = clock
        self._entropy = entropy
        self._settings = settings or GuardSettings()
        self._guards: OrderedDict[str, Guard] = OrderedDict()

    def of(self, channel: str) -> Guard:
        """The guard of a channel."""
        guard = self._guards.get(channel)
        if guard is None:
            guard = self._guards[channel] = Guard(self._clock, self._entropy, self._settings)
            self._make_room()
        self._guards.move_to_end(channel)
        return guard

    def seen(self, channel: str) -> Guard:
        """The same to look at: asking makes none, for a breaker that nobody used would count as known."""
        return self._guards.get(channel) or Guard(self._clock, self._entropy, self._settings)

    def known(self) -> dict[str, Guard]:
        """Every guard by its channel."""
        return dict(self._guards)

    def _make_room(self) -> None:
        if len(self._guards) > CHANNELS:
            # One that is in use must stay: its places would be counted twice.
            idle = next((key for key, each in self._guards.items() if not each.line.busy), None)
            if idle is not None:
                del self._guards[idle]
