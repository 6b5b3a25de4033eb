"""PerformanceOptimizer: an answer that is there already, one call for all who ask the same, and money that is there."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread

from bedrock_support.routing import semconv
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.matrix import Matrix
from bedrock_support.routing.model import (
    LOCAL,
    CacheUse,
    Decision,
    Failure,
    FailureKind,
    Kind,
    Outcome,
    RouteName,
)
from bedrock_support.routing.optimizing.answers import Answers, Kept, Question
from bedrock_support.routing.optimizing.budget import Budgets, Hold, Step
from bedrock_support.routing.optimizing.choice import fits, for_size, joined, larger, step_up
from bedrock_support.routing.optimizing.flight import Flights
from bedrock_support.routing.optimizing.frugal import Frugal, within_budget
from bedrock_support.routing.optimizing.spending import Spending
from bedrock_support.routing.spans import annotate

T = TypeVar("T")
Ask = Callable[[Decision], Awaitable[Outcome]]
log = logging.getLogger(__name__)

LONG = 16_000
"""Characters of a brief above which its key is made in a thread."""
ROUNDS = 3
"""Leaders that a call waits for before it asks by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceOptimizer:
    """Stands between a decision and its dispatch. What fails in here costs money or time, never the answer.

    All stores are asked in threads. Budgets alone fail closed: where they can't be read, only emergencies spend.
    """

    answers: Answers | None
    """None: nothing is kept."""
    flights: Flights | None
    budgets: Budgets | None
    """None: nothing is limited."""
    spending: Spending | None
    matrix: Matrix
    clock: Clock
    worst_usd: Callable[[Decision], float | None]
    """The most that a decision's direct attempts may cost; None where no price is known."""
    threads: anyio.CapacityLimiter
    would_cost: Callable[[Decision], float | None]
    """What one answer from Bedrock may be expected to cost; None where no price is known."""
    version: str
    """Of tools and prompts: another version's answers don't count."""
    tenant: str = LOCAL

    async def run(self, decision: Decision, ask: Ask, renew: Callable[[], bool] | None = None) -> Outcome:
        """The outcome of the decision, from the cache or by `ask`. Raises nothing but cancellation.

        `renew` has the question asked anew behind the caller's back: where it says yes, an answer that is past its
        time is given at once, marked as stale. Bedrock alone can be asked so: a client's own model needs its call.
        """
        if decision.plan:
            smaller = decision.conditions.flags.optimization and RouteName.DIRECT in decision.plan
            decision = for_size(decision, self.matrix.rules[decision.operation.op_class], smaller=smaller)
        cached = self._may_cache(decision)
        outcome = await (self._cached(decision, ask, renew) if cached else self._paid(decision, ask))
        if outcome.decision is not None and outcome.decision.model_choice:
            role = outcome.decision.operation.model_role.value
            annotate({semconv.MODEL_ROLE: role, semconv.MODEL_CHOICE: outcome.decision.model_choice})
        if self.spending is not None:
            used = outcome.decision or decision
            # Only where Bedrock was open to the question did another model save anything.
            spared = self.would_cost(used) if outcome.cached is None and RouteName.DIRECT in decision.plan else None
            self.spending.record(self.tenant, outcome, spared)
        return outcome

    def _may_cache(self, decision: Decision) -> bool:
        rule = self.matrix.rules[decision.operation.op_class]
        reads = decision.operation.kind is Kind.READ and rule.cache_seconds > 0
        return self.answers is not None and decision.conditions.flags.optimization and reads and bool(decision.plan)

    async def _cached(self, decision: Decision, ask: Ask, renew: Callable[[], bool] | None) -> Outcome:
        answers, flights = self.answers, self.flights
        assert answers is not None  # noqa: S101 - _may_cache looked
        assert flights is not None  # noqa: S101 - both or neither
        rule = self.matrix.rules[decision.operation.op_class]
        started = self.clock.now()
        ask_key = partial(answers.question, decision.clearance, self.tenant, self.version)
        short = len(decision.operation.brief) <= LONG
        question = ask_key() if short else await self._in_thread(ask_key)
        kept = answers.recall(question, rule.cache_seconds)
        if kept is not None:
            return self._from(decision, kept, started)
        kept = await self._in_thread(partial(answers.find, question, rule.cache_seconds, rule.stale_seconds))
        for _ in range(ROUNDS):
            if kept is not None and (kept.fresh or flights.going(question.key)):
                return self._from(decision, kept, started)
            if kept is not None and renew is not None and decision.plan[0] is RouteName.DIRECT and renew():
                return self._from(decision, kept, started)
            async with flights.turn(question.key) as leads:
                if leads:
                    return await self._fresh(decision, ask, answers, question, kept, started)
            kept = await self._in_thread(partial(answers.find, question, rule.cache_seconds, rule.stale_seconds))
        return await self._paid(decision, ask)

    async def _fresh(
        self, decision: Decision, ask: Ask, answers: Answers, question: Question, kept: Kept | None, started: float
    ) -> Outcome:
        rule = self.matrix.rules[decision.operation.op_class]
        asked = decision.operation
        # Another process may have answered between the look and the lead.
        again = await self._in_thread(partial(answers.find, question, rule.cache_seconds, 0.0))
        if again is not None:
            return self._from(decision, again, started)
        outcome = await self._paid(decision, ask)
        if outcome.reply is not None and fits(outcome):
            usd = _sum([each.usd for each in outcome.attempts])
            lives = rule.cache_seconds + rule.stale_seconds
            if outcome.decision is not None and larger(asked.model_role, outcome.decision.operation.model_role):
                # A smaller model answered, for the budget's sake: that is an answer to its own question alone.
                question = await self._in_thread(
                    partial(answers.question, outcome.decision.clearance, self.tenant, self.version)
                )
            await self._in_thread(partial(answers.keep, question, outcome.reply, usd, lives))
        elif outcome.failure is not None and kept is not None:
            return self._from(decision, kept, started)
        return outcome

    def _from(self, decision: Decision, kept: Kept, started: float) -> Outcome:
        about = {semconv.CACHE_HIT: True, semconv.CACHE_AGE_MS: round(kept.age * 1000)}
        annotate({**about, semconv.CACHE_STALE: not kept.fresh, semconv.CACHE_BYTES: kept.size})
        return Outcome(
            operation=decision.operation,
            decision=decision,
            seconds=self.clock.now() - started,
            reply=kept.reply,
            cached=CacheUse(age=kept.age, stale=not kept.fresh, saved_usd=kept.usd, size=kept.size),
        )

    async def _paid(self, decision: Decision, ask: Ask) -> Outcome:
        """Ask within the budgets, and once more of a larger model when the answer lacks something."""
        outcome = await self._once(decision, ask)
        used = outcome.decision or decision
        up = step_up(used, outcome, self.clock.now()) if used.conditions.flags.optimization else None
        if up is None or not await self._affords(up):
            return outcome
        return joined(outcome, await self._once(up, ask))

    async def _affords(self, up: Decision) -> bool:
        """A step up is a luxury: no budget may be used by three quarters."""
        if self.budgets is None:
            return True
        try:
            step = await self._in_thread(partial(self.budgets.step, self.tenant, up.operation.op_class))
        except (OSError, sqlite3.Error, ValueError):
            return False
        return step is Step.NONE

    async def _once(self, decision: Decision, ask: Ask) -> Outcome:
        budgets = self.budgets
        if budgets is None or RouteName.DIRECT not in decision.plan:
            return await ask(decision)
        operation = decision.operation
        worst = self.worst_usd(decision)
        hold: Hold | None = None
        try:
            step = await self._in_thread(partial(budgets.step, self.tenant, operation.op_class))
            frugal = within_budget(decision, step, priced=worst is not None)
            if RouteName.DIRECT in frugal.decision.plan:
                most = self.worst_usd(frugal.decision) or 0.0
                reserve = partial(budgets.reserve, operation.id, self.tenant, operation.op_class, most)
                hold = await self._in_thread(reserve)
                if hold is None:
                    frugal = frugal.without_direct("what this call may cost is more than its budget has left")
        except (OSError, sqlite3.Error, ValueError) as fault:
            log.warning("the budgets can't be read: %s", type(fault).__name__)
            frugal = Frugal(decision).unless_emergency("the budgets can't be read")
        if not frugal.decision.plan:
            return _refused(frugal)
        return await self._settled(frugal.decision, ask, budgets, hold)

    async def _settled(self, decision: Decision, ask: Ask, budgets: Budgets, hold: Hold | None) -> Outcome:
        spent: float | None = None
        try:
            outcome = await ask(decision)
            spent = _sum([each.usd for each in outcome.attempts if each.route is RouteName.DIRECT])
            return outcome
        finally:
            if hold is not None:
                with anyio.CancelScope(shield=True):
                    try:
                        await self._in_thread(partial(budgets.settle, hold, spent))
                    except (OSError, sqlite3.Error, ValueError) as fault:
                        log.warning("what a call cost can't be written (%s): it counts in full", type(fault).__name__)

    async def _in_thread(self, work: partial[T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self.threads)


def _sum(costs: list[float | None]) -> float | None:
    known = [each for each in costs if each is not None]
    return sum(known) if len(known) == len(costs) else None


def _refused(frugal: Frugal) -> Outcome:
    return Outcome(
        operation=frugal.decision.operation,
        decision=frugal.decision,
        failure=Failure(
            kind=FailureKind.QUOTA,
            message=f"no model was asked: {frugal.reason}",
            mend="wait for the budget's next period, raise it in BEDROCK_SUPPORT_BUDGETS, or declare an emergency",
        ),
    )
