"""Track: one route's or one channel's state, moved by attempts and by time alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import FAILURES
from bedrock_support.routing.model import Attempt, Carrier, FailureKind, Health, RouteCondition
from bedrock_support.telemetry.window import WINDOW, Sample, Verdict, Window

CONSECUTIVE = 3
"""So many failures in a row make a route unhealthy, and so many good attempts in a row heal it."""
FAILED_SHARE, FAILED_SHARE_OF = 0.5, 5
"""A route is unhealthy when this share of at least so many attempts failed."""
TROUBLED_UP, TROUBLED_DOWN = 0.2, 0.1
"""Shares of failed or throttled attempts at which a route becomes degraded, and below which it is healthy again."""
SLOW_UP, SLOW_DOWN = 0.5, 0.25
"""The same for attempts that took more than SLOW of their budget."""
SLOW = 0.8
EJECTION_FIRST, EJECTION_MOST = 5.0, 60.0
"""Seconds without attempts after which an unhealthy route is due for a trial; doubles with each failed trial."""
FORGET = 300.0
"""Seconds without attempts after which even failed trials are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastFailure:
    """The most recent attempt that the route failed."""

    kind: FailureKind
    message: str
    at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """What is known of one route. None and nought where there is no data."""

    state: Health
    since: float | None
    """Unix seconds at which the state began; None before the first attempt."""
    note: str
    samples: int
    """Attempts inside the window that say something of the route."""
    simulated: int
    """How many of them a stand-in answered."""
    failures: Mapping[FailureKind, int]
    p50: float | None
    """Seconds, of the answered attempts inside the window."""
    p95: float | None
    last_failure: LastFailure | None


def verdict(attempt: Attempt) -> Verdict | None:
    """What an attempt says of its route; None when it says nothing: cancelled, declined, the caller's or set-up's.

    A question that was handed over says nothing either: nobody has answered it yet.
    """
    if attempt.carrier is Carrier.HANDOFF:
        return None
    if attempt.failure is None:
        return Verdict.SLOW if attempt.seconds > SLOW * attempt.budget else Verdict.GOOD
    meaning = FAILURES[attempt.failure.kind]
    if meaning.hurts_health:
        return Verdict.FAILED
    return Verdict.THROTTLED if meaning.overload else None


class Track:
    """One route. The state moves on an attempt and when an attempt leaves the window, never by being read."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window = Window()
        self._state = Health.UNKNOWN
        self._since: float | None = None
        self._due = 0.0
        """When an unhealthy route may be tried again."""
        self._last = 0.0
        self._trials = 0
        """Ejections since the route was last healthy."""
        self._recovering = False
        self._last_failure: LastFailure | None = None
        self._said: RouteCondition | None = None

    def record(self, attempt: Attempt) -> None:
        now = self._advance()
        if attempt.failure is not None and FAILURES[attempt.failure.kind].fall_over:
            kind, message = attempt.failure.kind, attempt.failure.message
            self._last_failure = LastFailure(kind=kind, message=message, at=self._clock.wall())
        found = verdict(attempt)
        if found is None:
            return
        if now - self._last > FORGET:
            self._trials, self._recovering = 0, False
        kind = attempt.failure.kind if attempt.failure else None
        self._window.add(Sample(now, found, attempt.seconds, kind, attempt.simulated))
        self._last = now
        self._said = None
        if self._recovering:
            self._trial(found, now)
        elif self._broken():
            self._eject(now)
        else:
            self._settle(now)

    def condition(self) -> RouteCondition:
        now = self._advance()
        if self._said is not None and self._said.health is self._state_at(now):
            return self._said
        state = self._state_at(now)
        self._said = RouteCondition(health=state, samples=len(self._window), note=self._note(state))
        return self._said

    def report(self) -> RouteReport:
        condition = self.condition()
        due = condition.health is Health.UNKNOWN and self._state is Health.UNHEALTHY
        return RouteReport(
            state=condition.health,
            since=self._wall(self._due) if due else self._since,
            note=condition.note,
            samples=condition.samples,
            simulated=self._window.simulated(),
            failures=MappingProxyType(self._window.failures()),
            p50=self._window.quantile(0.50),
            p95=self._window.quantile(0.95),
            last_failure=self._last_failure,
        )

    def _advance(self) -> float:
        """Let what is too old leave, each at its own time, so that it is the same however often we are asked."""
        now = self._clock.now()
        while (left := self._window.expire(now)) is not None:
            self._said = None
            if not self._window:
                self._enter(Health.UNKNOWN, min(left, self._due) if self._state is Health.UNHEALTHY else left)
            elif not self._recovering:
                self._settle(left)
        return now

    def _trial(self, found: Verdict, now: float) -> None:
        """After an ejection one failure ejects again, and only a run of good attempts heals."""
        if found is Verdict.FAILED:
            if self._state is Health.UNHEALTHY and now < self._due:
                self._due = now + self._ejection()
            else:
                self._eject(now)
            return
        if self._window.run(Verdict.GOOD, Verdict.SLOW) < CONSECUTIVE:
            self._enter(Health.DEGRADED, now)
            return
        self._recovering, self._trials = False, 0
        self._window.judge_last(CONSECUTIVE)
        self._settle(now)

    def _broken(self) -> bool:
        if self._window.run(Verdict.FAILED) >= CONSECUTIVE:
            return True
        return self._window.judged >= FAILED_SHARE_OF and self._window.share(Verdict.FAILED) >= FAILED_SHARE

    def _eject(self, now: float) -> None:
        self._recovering = True
        self._trials += 1
        self._due = now + self._ejection()
        self._enter(Health.UNHEALTHY, now)

    def _ejection(self) -> float:
        return min(EJECTION_MOST, EJECTION_FIRST * 2.0 ** (min(self._trials, 10) - 1))

    def _settle(self, at: float) -> None:
        """Healthy or degraded; the way back asks for more than the way down."""
        was = self._state is Health.DEGRADED
        troubled, slow = (TROUBLED_DOWN, SLOW_DOWN) if was else (TROUBLED_UP, SLOW_UP)
        failed, throttled, late = self._window.shares(Verdict.FAILED, Verdict.THROTTLED, Verdict.SLOW)
        bad = failed >= troubled or throttled >= troubled or late >= slow
        self._enter(Health.DEGRADED if bad else Health.HEALTHY, at)

    def _enter(self, state: Health, at: float) -> None:
        if state is not self._state:
            self._state, self._since = state, self._wall(at)

    def _state_at(self, now: float) -> Health:
        """An unhealthy route left alone for long enough is unknown: due for a trial."""
        return Health.UNKNOWN if self._state is Health.UNHEALTHY and now >= self._due else self._state

    def _wall(self, at: float) -> float:
        return self._clock.wall() - (self._clock.now() - at)

    def _note(self, state: Health) -> str:
        if not self._window:
            return f"no attempts in the last {WINDOW:.0f} s"
        said = self._window.sentence()
        if state is Health.UNKNOWN:
            return f"{said}; due for a trial after {self._ejection():.0f} s without attempts"
        if state is Health.UNHEALTHY:
            return f"{said}; left alone for {self._ejection():.0f} s"
        if self._recovering:
            good = self._window.run(Verdict.GOOD, Verdict.SLOW)
            return f"{said}; recovering, {good} of the {CONSECUTIVE} good attempts it takes"
        return said
