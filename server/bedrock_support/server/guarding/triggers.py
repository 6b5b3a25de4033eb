"""What stops a scope without anybody's hand: limits as set, and pure judgement on readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from bedrock_support.routing.model import RouteName, Scope
from bedrock_support.server.environment import PREFIX, SettingsError
from bedrock_support.server.guarding.recent import Readings

VARIABLE = f"{PREFIX}AUTO_STOP"
LEAST = 20
"""Attempts on a route without which nothing is concluded."""
NAMES = {"errors": "share of a route's attempts, 1 at most", "p95": "seconds", "usd_per_hour": "US dollars"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """Limits; None never stops anything.

    Errors and latency have none by default: a stop takes a route from emergencies too, and the circuit breaker already
    keeps calls off a failing one, with trials each few seconds. A breach of compliance always stops support mode.
    """

    errors: float | None = None
    p95: float | None = None
    usd_per_hour: float | None = None

    @staticmethod
    def of(text: str) -> Triggers:
        """From `errors=0.5,p95=20,usd_per_hour=50`. Raises SettingsError."""
        limits: dict[str, float] = {}
        for each in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = each.partition("=")
            try:
                limits[name] = float(value)
            except ValueError:
                limits[name] = 0.0
            # A share beyond 1 is never reached: the stop that somebody counts on would never come.
            if name not in NAMES or not 0 < limits[name] < inf or (name == "errors" and limits[name] > 1):
                known = ", ".join(f"{name} ({unit})" for name, unit in NAMES.items())
                raise SettingsError(f"{VARIABLE} = {text!r}: {each!r} is no limit. Give NAME=NUMBER of {known}")
        return Triggers(**limits)

    def tripped(self, seen: Readings) -> Mapping[Scope, str]:
        """Scopes to stop, each with its reason."""
        found: dict[Scope, str] = {}
        for route, now in seen.routes.items():
            if now.samples < LEAST:
                continue
            if self.errors is not None and now.errors is not None and now.errors >= self.errors:
                found[Scope(route.value)] = (
                    f"{now.errors:.0%} of {now.samples} attempts failed, limit {self.errors:.0%}"
                )
            elif self.p95 is not None and now.p95 is not None and now.p95 >= self.p95:
                said = f"the 95th percentile of {now.samples} attempts is {now.p95:.1f} s, limit {self.p95:g} s"
                found[Scope(route.value)] = said
        if self.usd_per_hour is not None and seen.usd_per_hour >= self.usd_per_hour:
            said = f"{seen.usd_per_hour:.2f} USD in the last hour, limit {self.usd_per_hour:g}"
            found[Scope(RouteName.DIRECT.value)] = said
        if seen.breach:
            found[Scope.SUPPORT_MODE] = f"compliance: {seen.breach}"
        return found
