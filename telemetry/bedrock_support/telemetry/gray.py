"""Gray failure: a route, a model or a class that got slow or flaky against its own past while it still answers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import exp, log

import anyio

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Attempt, ModelRole, RouteName
from bedrock_support.telemetry.cusum import Flakiness, Slowness
from bedrock_support.telemetry.track import verdict
from bedrock_support.telemetry.window import Verdict

KEYS = 256
STALE = 60.0
"""Seconds without calls after which an alarm says nothing any more."""
DOUBT = 2.0
"""Sum of the failure test from which a probe is worth its price: one failure that isn't yet forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrayAlarm:
    """One key in alarm."""

    key: str
    slow: bool
    """False: it fails more often than it used to."""
    since: float
    """Unix seconds."""
    usual: float
    """Seconds of a usual call, or the usual share of failures."""
    calls: int
    """Calls that the baseline was learnt from or compared with."""


class _Key:
    def __init__(self) -> None:
        self.calls = 0
        self.last = 0.0
        self.slow, self.failing = Slowness(), Flakiness()


class GrayDetector:
    """An AttemptSink that compares every route, (route, model) and (route, class) with its own past. For one thread.

    Failures are also weighed for the whole route, since one that fails now and then does so over all its classes.
    Probes say whether a route and a model fail, and nothing of how long a class takes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys: OrderedDict[str, _Key] = OrderedDict()
        self._models: dict[ModelRole, str] = {}
        """Whom the direct route led to: a failed attempt doesn't say who failed."""
        self._troubled = anyio.Event()
        self.calls = 0
        """Attempts that count, probes left out."""
        self.called = float("-inf")
        """Monotonic seconds of the last of them."""

    def record(self, attempt: Attempt) -> None:
        """Take in one attempt. What was throttled, cancelled or never the route's fault counts for nothing."""
        found = verdict(attempt)
        if found is None or found is Verdict.THROTTLED:
            return
        failed, wall = found is Verdict.FAILED, self._clock.wall()
        for name in self._names(attempt):
            key = self._keys.setdefault(name, _Key())
            self._keys.move_to_end(name)
            key.calls += 1
            key.last = self._clock.now()
            key.failing.add(failed, wall, attempt.probe)
            if not failed and not attempt.probe and name != attempt.route.value:
                key.slow.add(log(max(attempt.seconds, 1e-4)), wall)
        while len(self._keys) > KEYS:
            self._keys.popitem(last=False)
        if not attempt.probe:
            self.calls += 1
            self.called = self._clock.now()
            if self.doubtful() is not None or self.failing() is not None:
                self._troubled.set()

    def _names(self, attempt: Attempt) -> list[str]:
        route = attempt.route.value
        names = [route]
        if not attempt.probe:
            names.append(f"{route}:class:{attempt.op_class.value}")
        model = attempt.model
        if attempt.route is RouteName.DIRECT and attempt.role is not None:
            model = model or self._models.get(attempt.role, "")
            self._models[attempt.role] = model
        if model:
            names.append(f"{route}:model:{model}")
        return names

    def doubtful(self) -> ModelRole | None:
        """A model of the direct route that failed lately, about which a few probes would say more than waiting."""
        return next((role for role, model in self._models.items() if self._in_doubt(f"direct:model:{model}")), None)

    def failing(self) -> ModelRole | None:
        """A model of the direct route that is in alarm for failing, of which the end would be seen by a probe."""
        keys = ((role, self._keys.get(f"direct:model:{model}")) for role, model in self._models.items())
        return next((role for role, key in keys if key is not None and key.failing.since is not None), None)

    async def trouble(self) -> None:
        """Waits for the next call after which a model is doubtful or in alarm for failing."""
        await self._troubled.wait()
        self._troubled = anyio.Event()

    def _in_doubt(self, name: str) -> bool:
        key = self._keys.get(name)
        return key is not None and key.failing.since is None and key.failing.sum >= DOUBT

    def alarms(self) -> tuple[GrayAlarm, ...]:
        """Keys in alarm now; one without calls for STALE seconds is unknown, and left out."""
        found: list[GrayAlarm] = []
        oldest = self._clock.now() - STALE
        for name, key in self._keys.items():
            if key.last <= oldest:
                continue
            if key.slow.since is not None:
                usual = exp(key.slow.mean)
                found.append(GrayAlarm(key=name, slow=True, since=key.slow.since, usual=usual, calls=key.calls))
            if (since := key.failing.since) is not None:
                found.append(GrayAlarm(key=name, slow=False, since=since, usual=key.failing.rate, calls=key.calls))
        return tuple(found)
