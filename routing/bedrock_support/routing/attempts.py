"""One attempt on one route: through its guard, under its share of the deadline, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import anyio

from bedrock_support.routing import semconv
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.feed import PROBE, AttemptFeed
from bedrock_support.routing.guard import Guards
from bedrock_support.routing.lag import LoopLag
from bedrock_support.routing.model import (
    Attempt,
    Carrier,
    Decision,
    Failure,
    FailureKind,
    Handoff,
    Kind,
    Priority,
    Reply,
    RouteName,
)
from bedrock_support.routing.route import Route
from bedrock_support.routing.spans import Attribute, Span, failed, span
from bedrock_support.routing.tokens import TokenBucket

HEDGE_BUDGET = 0.05
"""Hedges per call, over time."""
_BILLED = frozenset(
    {
        FailureKind.TIMEOUT,
        FailureKind.STREAM_CUT,
        FailureKind.BAD_REPLY,
        FailureKind.CANCELLED,
        FailureKind.PREEMPTED,
    }
)
"""Failures of attempts that a model may have worked on."""
SEALING = 0.5
"""Seconds kept back from every attempt at least, so that there is time to seal and send what it brought."""
TURNS, MOST_LATE = 20, 1.0
"""Turns of the loop between the end of an attempt and the answer on its way, and most seconds that they are given."""
OURS = 0.5
"""Share of an attempt's time above which it is our own process that let it run out."""


def _never(_: RouteName) -> str:
    return ""


def _hedge_budget() -> TokenBucket:
    return TokenBucket(earned=HEDGE_BUDGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """What every plan is run with."""

    guards: Guards
    feed: AttemptFeed
    clock: Clock
    hedges: TokenBucket = field(default_factory=_hedge_budget)
    halted: Callable[[RouteName], str] = _never
    """Why an emergency stop keeps attempts off a route at this moment, in words; empty when none does."""
    lag: LoopLag | None = None
    """Tells our own lateness from the other side's; None counts all time as theirs."""

    @property
    def sealing(self) -> float:
        """Seconds to keep back from an attempt: more while this process comes late to everything."""
        late = self.lag.usual if self.lag is not None else 0.0
        return SEALING + min(MOST_LATE, TURNS * late)


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt and, unless it failed, its answer."""

    attempt: Attempt
    answer: Reply | Handoff | None


class Runner:
    """Runs one attempt. Cut off from outside, it still says so to the feed and leaves `lost` behind."""

    def __init__(
        self, by: Dispatch, decision: Decision, route: Route, number: int, *, hedge: bool, expected: float | None
    ) -> None:
        self._by = by
        self._decision = decision
        self._route = route
        self._number = number
        self._hedge = hedge
        self._expected = expected
        self._scope = anyio.CancelScope()
        self._began = 0.0
        self._asked: float | None = None
        """When the route was asked, after the wait for a place."""
        self._budget = 0.0
        self._stopped = False
        """An emergency needed the place."""
        self._told: Attempt | None = None
        """What the feed was told of it."""
        self.lost: Attempt | None = None

    @property
    def name(self) -> RouteName:
        return self._route.name

    def shorten(self, budget: float) -> None:
        """Let it run for `budget` seconds from its beginning at the most."""
        self._budget = min(self._budget, budget)
        self._scope.deadline = anyio.current_time() + self._began + self._budget - self._by.clock.now()

    async def run(self, budget: float) -> Ended:
        """Ask the route. Raises nothing but cancellation."""
        self._began = self._by.clock.now()
        self._budget = budget
        self._scope.deadline = anyio.current_time() + budget
        with span(semconv.SPAN_ATTEMPT, self._about) as current:
            answer: Reply | Handoff | None = None
            failure: Failure | None = None
            try:
                with self._scope:
                    answer = await self._guarded()
                if answer is None:
                    failure = self._out_of_time()
            except RouteError as error:
                failure = error.failure
            except BaseException:
                self.lost = self._attempt(Failure(kind=FailureKind.CANCELLED, message="given up"), None)
                current.set_attribute(semconv.CANCELLED_AS_LOSER, True)
                if self._asked is None:
                    self._by.feed.told(self.lost)
                raise
            attempt = self._told
            if attempt is None or attempt.failure != failure:
                attempt = self._attempt(failure, answer)
            _tell(current, attempt)
        if self._asked is None:
            self._by.feed.told(attempt)
        return Ended(attempt, answer)

    async def _guarded(self) -> Reply | Handoff | None:
        # Unlike a flag, a stop doesn't wait for calls under way to end: what isn't sent yet stays here.
        if why := self._by.halted(self.name):
            raise RouteError(FailureKind.HALTED, why)
        feed, operation = self._by.feed, self._decision.operation
        await self._route.prepare(operation)
        priority, lag = self._decision.priority, self._by.lag
        guard = self._by.guards.of(self._route.channel)
        async with guard.entered(priority, self._give_way if self._stoppable() else None) as leave:
            if why := self._by.halted(self.name):  # while it waited for a place
                raise RouteError(FailureKind.HALTED, why)
            self._asked = self._by.clock.now()
            ticket = feed.started(self._route.channel, operation, self._budget)
            late = lag.begin() if lag is not None else 0.0
            failure: Failure | None = Failure(kind=FailureKind.CANCELLED, message="given up")
            answer: Reply | Handoff | None = None
            try:
                answer = await self._route.send(operation)
                failure = None
            except RouteError as error:
                failure = error.failure
                raise
            except anyio.get_cancelled_exc_class():
                if self._scope.cancel_called:
                    failure = self._out_of_time()
                raise
            finally:
                # Here and not by the caller: the guard and the learner must know before the place is given on.
                ours = lag.end(late) if lag is not None else 0.0
                attempt = self._told = self._attempt(failure, answer)
                feed.ended(ticket, operation, attempt)
                if failure is None:
                    leave.answered(attempt.seconds, self._budget, self._expected, ours)
                else:
                    leave.failed(failure, late_by_us=ours > OURS * attempt.seconds)
            return answer

    def _stoppable(self) -> bool:
        """Whether an emergency may take the place: a critical question gives way once, and isn't stopped again."""
        priority, operation = self._decision.priority, self._decision.operation
        if priority is Priority.EMERGENCY or operation.kind is not Kind.READ:
            return False
        return priority is not Priority.CRITICAL or self._number == 1

    def _give_way(self) -> None:
        self._stopped = True
        self._scope.cancel()

    def _out_of_time(self) -> Failure:
        if self._stopped:
            return Failure(kind=FailureKind.PREEMPTED, message="stopped, because an emergency needed its place")
        if self._asked is None:
            message = f"no place on the {self.name} route became free within {self._budget:.1f} s"
            return Failure(kind=FailureKind.SHED, message=message)
        message = f"no answer on the {self.name} route within {self._budget:.1f} s"
        return Failure(kind=FailureKind.TIMEOUT, message=message)

    def _attempt(self, failure: Failure | None, answer: Reply | Handoff | None) -> Attempt:
        now = self._by.clock.now()
        asked = self._asked
        reply = answer if isinstance(answer, Reply) else None
        return Attempt(
            route=self.name,
            channel=self._route.channel,
            number=self._number,
            seconds=now - asked if asked is not None else 0.0,
            waited=(asked if asked is not None else now) - self._began,
            op_class=self._decision.operation.op_class,
            budget=self._budget,
            hedge=self._hedge,
            carrier=reply.carrier if reply else Carrier.HANDOFF if answer is not None else None,
            model=reply.model if reply else "",
            role=self._decision.operation.model_role,
            probe=self._decision.operation.tool == PROBE,
            usage=reply.usage if reply else None,
            simulated=reply.simulated if reply else False,
            failure=failure,
            usd=self._usd(failure, reply),
        )

    def _usd(self, failure: Failure | None, reply: Reply | None) -> float | None:
        operation = self._decision.operation
        if reply is not None:
            return self._route.usd(operation, reply.usage)
        if self._asked is None or failure is None or failure.kind not in _BILLED:
            return 0.0
        return self._route.usd(operation)

    def _about(self) -> Mapping[str, Attribute]:
        return {
            semconv.ROUTE: self.name.value,
            semconv.ATTEMPT_NUMBER: self._number,
            semconv.ATTEMPT_TIMEOUT_MS: round(self._budget * 1000),
            semconv.OP_CLASS: self._decision.operation.op_class.value,
            semconv.HEDGE: self._hedge,
        }


def _tell(current: Span, attempt: Attempt) -> None:
    if not current.is_recording():
        return
    current.set_attribute(semconv.WAITED_MS, round(attempt.waited * 1000))
    if attempt.usd is not None:
        current.set_attribute(semconv.COST_USD, attempt.usd)
    if attempt.failure is not None:
        failed(current, attempt.failure.kind.value, attempt.failure.message)
    elif attempt.carrier is not None:
        current.set_attributes({semconv.CARRIER: attempt.carrier.value, semconv.SIMULATED: attempt.simulated})
