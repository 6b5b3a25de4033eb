"""Confirmer: settles a doubt about a model by asking it something small, so that fewer calls have to find out.

Twenty calls can't tell 30 % failures from one in 200 for sure, whoever judges them (docs/health.md has the bound).
What they can't, a few probes right after a failure can.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import anyio

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Health, ModelRole
from bedrock_support.routing.probing import Prober
from bedrock_support.telemetry.gray import GrayDetector

PACE = 0.25
"""Seconds between two probes of a model in doubt."""
WAIT = 1.0
"""Seconds between two looks whether a model in alarm is well again."""
MOST = 24
"""Probes for one doubt. Chance raises one with each failure, and 24 settle it in 99 of 100."""
SHARE = 0.15
"""Probes for each call, over time, beyond MOST."""
IDLE = 30.0
"""Seconds after the last call at which nothing is probed any more: nobody is there to profit."""


@dataclass(slots=True, kw_only=True)
class Confirmer:
    """Sends probes while the detector doubts a model of the direct route, and while one is in alarm for failing."""

    detector: GrayDetector
    clock: Clock
    ask: Callable[[ModelRole], Awaitable[object]]
    """One probe of the model with that role; its attempt reaches the detector as any other does. Must not raise."""
    allowed: Callable[[], bool] = lambda: True
    sent: int = field(default=0, init=False)
    """Probes so far."""
    _spent: int = field(default=0, init=False)
    """Of them, on the doubt that there is now."""

    @classmethod
    def by(cls, prober: Prober, detector: GrayDetector, clock: Clock) -> Confirmer:
        """A confirmer that asks as the prober does, and whatever model is in doubt."""

        async def ask(role: ModelRole) -> None:
            await replace(prober, role=role).probe()

        def reachable() -> bool:
            guard = prober.running.guards.of(prober.route.channel)
            return not guard.open_in() and prober.route.condition().health is not Health.UNCONFIGURED

        return cls(detector=detector, clock=clock, ask=ask, allowed=lambda: prober.allowed() and reachable())

    async def run(self) -> None:
        """Never returns; without calls, or without a doubt, it sleeps without a timer."""
        while True:
            await self.detector.trouble()
            while (role := self.due()) is not None:
                await self.ask(role)
                await anyio.sleep(PACE)
            while (role := self.detector.failing()) is not None and self._wanted():
                if self.clock.now() - self.detector.called >= WAIT:  # otherwise calls tell it for nothing
                    self.sent += 1
                    await self.ask(role)
                await anyio.sleep(WAIT)

    def due(self) -> ModelRole | None:
        """The model to probe because of a doubt, counted as probed; None when there is none, or enough was sent."""
        role = self.detector.doubtful()
        if role is None:
            self._spent = 0
        if role is None or self._spent >= MOST or not self._wanted():
            return None
        self._spent += 1
        self.sent += 1
        return role

    def _wanted(self) -> bool:
        idle = self.clock.now() - self.detector.called > IDLE
        affordable = self.sent < MOST + SHARE * self.detector.calls
        return not idle and affordable and self.allowed()
