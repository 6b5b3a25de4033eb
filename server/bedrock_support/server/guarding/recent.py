"""What attempts of the last minutes cost, how long they took and how many failed. Fed by every attempt."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Attempt, RouteName
from bedrock_support.telemetry.track import verdict
from bedrock_support.telemetry.window import Verdict, nearest_rank

WINDOW = 300.0
"""Seconds that errors and latency look back."""
HOUR = 3600.0
MOST = 20_000
"""Attempts held; beyond it the oldest give way."""
BAD = frozenset({Verdict.FAILED, Verdict.THROTTLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteNow:
    """One route in the window. None where nothing is known."""

    samples: int
    errors: float | None
    """Share of attempts that failed."""
    p95: float | None
    """Seconds, of the answered ones, by nearest rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Everything that a trigger looks at."""

    routes: Mapping[RouteName, RouteNow]
    usd_per_hour: float
    """Known cost of the last hour's attempts."""
    breach: str = ""
    """What is wrong with compliance, in words; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    route: RouteName
    said: Verdict | None
    seconds: float
    usd: float


class Recent:
    """An AttemptSink. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: deque[_Seen] = deque(maxlen=MOST)
        self._forgotten: dict[RouteName, float] = {}

    def record(self, attempt: Attempt) -> None:
        self._seen.append(
            _Seen(self._clock.now(), attempt.route, verdict(attempt), attempt.seconds, attempt.usd or 0.0)
        )

    def forget(self, route: RouteName) -> None:
        """Judge a route by what comes from now on: what it did before it was stopped says nothing of it any more."""
        self._forgotten[route] = self._clock.now()

    def readings(self, breach: str = "") -> Readings:
        now = self._clock.now()
        while self._seen and self._seen[0].at <= now - HOUR:
            self._seen.popleft()
        return Readings(
            routes={route: self._route(route, now) for route in RouteName},
            usd_per_hour=sum(each.usd for each in self._seen),
            breach=breach,
        )

    def _route(self, route: RouteName, now: float) -> RouteNow:
        oldest = max(now - WINDOW, self._forgotten.get(route, -HOUR))
        told = [each for each in self._seen if each.route is route and each.said is not None and each.at > oldest]
        return RouteNow(
            samples=len(told),
            errors=sum(each.said in BAD for each in told) / len(told) if told else None,
            p95=nearest_rank((each.seconds for each in told if each.said not in BAD), 0.95),
        )
