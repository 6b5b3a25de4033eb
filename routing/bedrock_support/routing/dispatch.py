"""Running a plan under one deadline: guarded attempts, fall-over, hedges, and retries within a budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio

from bedrock_support.routing.attempts import Dispatch, Ended, Runner
from bedrock_support.routing.errors import FAILURES
from bedrock_support.routing.estimate import Estimate
from bedrock_support.routing.model import (
    Attempt,
    Decision,
    Failure,
    FailureKind,
    Handoff,
    Kind,
    Outcome,
    Reply,
    RouteName,
)
from bedrock_support.routing.route import Route

FALLBACK_SHARE = 0.6
"""Share of the time left that an attempt may take while another route still waits behind it."""
HEDGE_SHARE, HEDGE_UNKNOWN_SHARE = 0.25, 0.45
"""A hedge starts after this share of the time left at the earliest; the second where nothing is learnt."""
ENOUGH = 8.0
"""Attempts that an estimate must rest on before a hedge trusts its 95th percentile."""
MOST_ATTEMPTS = 5
USEFUL = 0.2
"""Seconds under which another try isn't worth starting."""


async def dispatch(decision: Decision, routes: Mapping[RouteName, Route], by: Dispatch) -> Outcome:
    """Walk the plan until a route answers, and say how it went. Raises nothing but cancellation."""
    return await _Walk(decision, routes, by).run()


@dataclass(slots=True)
class _Walk:
    """One plan on its way. `left` counts down to the moment when sealing must begin."""

    decision: Decision
    routes: Mapping[RouteName, Route]
    by: Dispatch
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    tries: Counter[RouteName] = field(default_factory=Counter[RouteName])
    last: dict[RouteName, Failure] = field(default_factory=dict[RouteName, Failure])

    async def run(self) -> Outcome:
        started = self.by.clock.now()
        failure: Failure | None = None
        pending = list(self.decision.plan)
        self.by.hedges.earn()
        while (name := pending.pop(0) if pending else await self._again()) is not None:
            if self._left() <= 0:
                failure = Failure(kind=FailureKind.TIMEOUT, message="the deadline passed before a route could be tried")
                break
            ended = await self._ask(name, pending)
            if ended.answer is not None:
                return self._outcome(started, answer=ended.answer)
            failure = ended.attempt.failure or failure
            if failure is None or self.decision.operation.kind is Kind.ACT or not FAILURES[failure.kind].fall_over:
                break
        return self._outcome(started, failure=failure or _no_route(self.decision))

    def _left(self) -> float:
        return self.decision.operation.deadline - self.by.sealing - self.by.clock.now()

    def _estimate(self, name: RouteName) -> Estimate | None:
        seen = self.decision.conditions.routes.get(name)
        return seen.estimate if seen else None

    def _runner(self, name: RouteName, *, hedge: bool = False) -> Runner:
        self.tries[name] += 1
        number = self.tries.total()
        estimate = self._estimate(name)
        expected = estimate.seconds if estimate is not None and estimate.samples > 0 else None
        return Runner(self.by, self.decision, self.routes[name], number, hedge=hedge, expected=expected)

    async def _ask(self, name: RouteName, pending: list[RouteName]) -> Ended:
        """One attempt, or two at once when the second may help the first out."""
        left = self._left()
        runner = self._runner(name)
        second = pending[0] if pending else None
        if second is not None and self._may_hedge(name, second):
            return await self._race(runner, second, pending, left)
        share = FALLBACK_SHARE if second is not None and self.decision.operation.kind is Kind.READ else 1.0
        return self._note(await runner.run(left * share))

    def _may_hedge(self, first: RouteName, second: RouteName) -> bool:
        return self.decision.hedge and self.routes[first].hedgeable and self.routes[second].hedgeable

    async def _race(self, first: Runner, second: RouteName, pending: list[RouteName], left: float) -> Ended:
        """The first attempt, joined by a second when it is late; the first answer wins and the other is cut off."""
        finished: list[Ended] = []
        running = [first]

        async def run(runner: Runner, budget: float) -> None:
            ended = await runner.run(budget)
            finished.append(self._note(ended))
            running.remove(runner)
            if ended.answer is not None or not running:
                group.cancel_scope.cancel()

        async def hedge() -> None:
            await anyio.sleep(self._hedge_after(first.name, left))
            if not running or not self._hedge_granted(second):
                first.shorten(left * FALLBACK_SHARE)
                return
            pending.remove(second)
            other = self._runner(second, hedge=True)
            running.append(other)
            group.start_soon(run, other, self._left())

        async with anyio.create_task_group() as group:
            group.start_soon(run, first, left)
            group.start_soon(hedge)
        # Losers end by cancellation; what they cost is kept too.
        for runner in running:
            if (lost := runner.lost) is not None:
                self.attempts.append(lost)
        return next((each for each in finished if each.answer is not None), finished[-1])

    def _hedge_after(self, name: RouteName, left: float) -> float:
        """When the first attempt counts as late: not before its own 95th percentile, where that is known."""
        estimate = self._estimate(name)
        if estimate is None or estimate.samples < ENOUGH:
            return HEDGE_UNKNOWN_SHARE * left
        return min(max(estimate.p95_seconds, HEDGE_SHARE * left), FALLBACK_SHARE * left)

    def _hedge_granted(self, second: RouteName) -> bool:
        guard = self.by.guards.of(self.routes[second].channel)
        return not guard.open_in() and guard.retries.allows and self.by.hedges.take()

    def _note(self, ended: Ended) -> Ended:
        self.attempts.append(ended.attempt)
        if ended.attempt.failure is not None:
            self.last[ended.attempt.route] = ended.attempt.failure
        return ended

    async def _again(self) -> RouteName | None:
        """The route that may be asked once more, after the wait that it takes; None when there is no use."""
        operation = self.decision.operation
        if operation.kind is Kind.ACT or self.tries.total() >= MOST_ATTEMPTS:
            return None
        waits: dict[RouteName, float] = {}
        for name, failure in self.last.items():
            guard = self.by.guards.of(self.routes[name].channel)
            if FAILURES[failure.kind].again and guard.retries.allows:
                waits[name] = guard.backoff(self.tries[name])
        name = min(waits, key=lambda each: waits[each], default=None)
        if name is None or waits[name] + USEFUL > self._left():
            return None
        await anyio.sleep(waits[name])
        return name

    def _outcome(
        self, started: float, *, answer: Reply | Handoff | None = None, failure: Failure | None = None
    ) -> Outcome:
        return Outcome(
            operation=self.decision.operation,
            decision=self.decision,
            attempts=tuple(sorted(self.attempts, key=lambda each: each.number)),
            seconds=self.by.clock.now() - started,
            reply=answer if isinstance(answer, Reply) else None,
            handoff=answer if isinstance(answer, Handoff) else None,
            failure=failure,
        )


def _no_route(decision: Decision) -> Failure:
    return Failure(
        kind=FailureKind.UNCONFIGURED,
        message="no route to a model is open: " + "; ".join(decision.reasons[1:]),
        mend=next((seen.note for seen in decision.conditions.routes.values() if seen.note), ""),
    )
