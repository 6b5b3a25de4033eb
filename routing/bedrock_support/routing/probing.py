"""Prober: asks a route in trouble something small, so that no real call has to find out whether it is better."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from bedrock_support.routing.attempts import Dispatch, Runner
from bedrock_support.routing.breaker import BreakerState
from bedrock_support.routing.clock import Entropy
from bedrock_support.routing.feed import PROBE
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.model import (
    Clearance,
    Conditions,
    Decision,
    Health,
    ModelRole,
    Operation,
    OperationClass,
    Priority,
    RouteName,
)
from bedrock_support.routing.route import Route

PROBE_BRIEF = "Answer with the single word: ready"
PROBE_TOKENS = 16
PROBE_SECONDS = 10.0
PAUSE = 1.0
"""Seconds between two probes of a route in trouble, while there are calls."""
IDLE = 30.0
"""Seconds after the last call at which looking stops: a server that nobody uses spends nothing."""


class Probing(Protocol):
    """Told of calls, so that it knows whether there is anybody to learn for."""

    def wake(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class Prober:
    """Probes the direct route. A client's own model is never probed: its user would have to approve it.

    A probe takes a route's place and permit like any other call of low priority, so a half-open breaker closes by
    probes and not by chance calls. It sends no word of anybody's data.
    """

    route: Route
    running: Dispatch
    learner: RouteLearner
    entropy: Entropy
    role: ModelRole = ModelRole.FAST
    allowed: Callable[[], bool] = lambda: True
    """Whether a model may be asked anything now."""
    doubted: set[str] = field(default_factory=set[str])
    """Channels that failed last when another process asked them: looked at once, as soon as there are calls."""
    _last: float = field(default=float("-inf"), init=False)
    _woken: anyio.Event | None = field(default=None, init=False)

    def wake(self) -> None:
        """A call was made."""
        self._last = self.running.clock.now()
        if self._woken is not None:
            self._woken.set()

    async def run(self) -> None:
        """Look for due probes for as long as there are calls; sleeps without a timer when there are none."""
        while True:
            self._woken = anyio.Event()
            if self.running.clock.now() - self._last > IDLE:
                await self._woken.wait()
            await anyio.sleep(PAUSE)
            guard = self.running.guards.of(self.route.channel)
            troubled = (
                self.learner.troubled(self.route.channel)
                or guard.breaker.state is BreakerState.HALF_OPEN
                or self.route.channel in self.doubted
            )
            able = not guard.open_in() and self.route.condition().health is not Health.UNCONFIGURED
            if troubled and able and self.allowed():
                await self.probe()

    async def probe(self) -> None:
        """Ask once. Whatever comes of it is told to the learner, the guard and health, as for any attempt."""
        self.doubted.discard(self.route.channel)
        await Runner(self.running, self._decision(), self.route, 1, hedge=False, expected=None).run(PROBE_SECONDS)

    def _decision(self) -> Decision:
        operation = Operation(
            id=f"probe-{self.entropy.token()}",
            op_class=OperationClass.BACKGROUND,
            tool=PROBE,
            system="",
            brief=PROBE_BRIEF,
            evidence_digest=hashlib.sha256(PROBE_BRIEF.encode()).hexdigest(),
            deadline=self.running.clock.now() + PROBE_SECONDS,
            model_role=self.role,
            max_tokens=PROBE_TOKENS,
        )
        return Decision(
            id=operation.id,
            clearance=Clearance(operation=operation, routes=frozenset({RouteName.DIRECT})),
            plan=(RouteName.DIRECT,),
            row="probe",
            reasons=("a probe: nobody waits for its answer",),
            priority=Priority.LOW,
            policy="probe",
            conditions=Conditions(routes={}),
        )
