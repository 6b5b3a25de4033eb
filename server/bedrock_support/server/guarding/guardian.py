"""Guardian: stops scopes of this process by itself, tries them again, and gives up after a few tries."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Health, RouteName, Scope
from bedrock_support.server.flags import FlagKeeper, FlagSnapshot
from bedrock_support.server.guarding.overhead import Overhead
from bedrock_support.server.guarding.recent import HOUR, Recent
from bedrock_support.server.guarding.triggers import Triggers
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.telemetry.components import Activity

LOOK = 10.0
"""Seconds between two looks."""
REST = 300.0
"""Seconds that a scope is stopped before it is tried again."""
TRIES = 3
"""Times within an hour that a scope is tried again; then only a person resumes it."""
AUTOMATIC = "automatic: "
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    reason: str
    since: float


@dataclass(slots=True, kw_only=True)
class Guardian:
    """Looks every few seconds. Stops hold in this process alone: what one has seen of a route says little of others."""

    clock: Clock
    triggers: Triggers
    recent: Recent
    keeper: FlagKeeper
    breach: Callable[[], str]
    """What is wrong with compliance now, in words; empty when nothing is."""
    overhead: Overhead
    _held: dict[Scope, _Held] = field(default_factory=dict[Scope, _Held])
    _tried: dict[Scope, deque[float]] = field(default_factory=dict[Scope, deque[float]])
    _by_hand: frozenset[Scope] = frozenset()

    async def run(self, changed: Callable[[FlagSnapshot, FlagSnapshot], Awaitable[None]]) -> None:
        """`changed` is told of the old and the new snapshot. Runs until cancelled."""
        while True:
            await anyio.sleep(LOOK)
            self.overhead.sample()
            before, now = self.look()
            if before != now:
                await changed(before, now)

    def look(self) -> tuple[FlagSnapshot, FlagSnapshot]:
        """Stop what does harm, lift what has rested. The snapshots before and after."""
        now = self.clock.now()
        tripped = self.triggers.tripped(self.recent.readings(self.breach()))
        by_hand = frozenset(self.keeper.by_hand)
        for scope in self._by_hand - by_hand:
            # Whoever resumes a scope by hand resumes it whole, and it may be tried anew.
            self._held.pop(scope, None)
            self._tried.pop(scope, None)
            self._forget(scope)
            tripped = {each: why for each, why in tripped.items() if each is not scope}
        self._by_hand = by_hand
        for scope, why in tripped.items():
            if scope not in self._held:
                self._held[scope] = _Held(f"{AUTOMATIC}{why}", now)
                self._forget(scope)
        for scope, held in list(self._held.items()):
            if scope not in tripped and now - held.since >= REST and self._may_try(scope, now):
                del self._held[scope]
                self._forget(scope)
        return self.keeper.hold({scope: held.reason for scope, held in self._held.items()})

    def report(self) -> dict[str, object]:
        """For health: what is stopped by itself, and whether it will be tried again."""
        now = self.clock.now()
        stops = {
            scope.value: {
                "reason": held.reason,
                "seconds": round(now - held.since),
                "tries_left": max(0, TRIES - len(self._recent_tries(scope, now))),
            }
            for scope, held in self._held.items()
        }
        return {"stops": stops, "overhead": self.overhead.report()}

    def _may_try(self, scope: Scope, now: float) -> bool:
        tries = self._recent_tries(scope, now)
        if len(tries) >= TRIES:
            return False
        tries.append(now)
        if len(tries) == TRIES:
            log.warning("%s is tried again for the last time within this hour", scope.value)
        return True

    def _recent_tries(self, scope: Scope, now: float) -> deque[float]:
        tries = self._tried.setdefault(scope, deque(maxlen=TRIES))
        while tries and tries[0] <= now - HOUR:
            tries.popleft()
        return tries

    def _forget(self, scope: Scope) -> None:
        if route := _ROUTES.get(scope):
            self.recent.forget(route)


def breach(compliance: Activity, audit: AuditTrail | None) -> str:
    """What is wrong with the gate or the trail, in words; empty when nothing is, or nothing is known."""
    found = compliance.finding()
    if found.state is Health.UNHEALTHY:
        return f"the gate fails: {found.evidence}"
    if audit is not None and (found := audit.activity.finding()).state is Health.UNHEALTHY:
        return f"the audit trail can't be written: {found.evidence}"
    return ""


_ROUTES: Mapping[Scope, RouteName] = {Scope(route.value): route for route in RouteName}
