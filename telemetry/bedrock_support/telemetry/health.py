"""HybridHealthMonitor: the state of each route, from what its recorded attempts showed and nothing else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Attempt, Health, RouteCondition, RouteName
from bedrock_support.telemetry.track import RouteReport, Track
from bedrock_support.telemetry.window import WINDOW

CHANNELS = 256
"""Clients and peers kept; the one unused for longest gives way."""
_NEVER_SEEN = RouteCondition(health=Health.UNKNOWN, note="no attempts yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """Both routes, and how far back the figures reach."""

    routes: Mapping[RouteName, RouteReport]
    """All that a route led to, taken together."""
    channels: Mapping[str, RouteReport]
    """The same for each client and peer behind a route that leads to several."""
    window_seconds: float


class HybridHealthMonitor:
    """An AttemptSink that knows the state of each route and channel. Reading it changes nothing; for one thread.

    A decision sees its own channel alone: one client whose model fails must not turn others away from theirs.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._routes = {route: Track(clock) for route in RouteName}
        self._channels: OrderedDict[str, Track] = OrderedDict()

    def record(self, attempt: Attempt) -> None:
        """Take in one attempt. Dispatch calls this before it starts the next."""
        self._routes[attempt.route].record(attempt)
        channel = attempt.channel or attempt.route.value
        if channel == attempt.route.value:
            return
        track = self._channels.get(channel)
        if track is None:
            track = self._channels[channel] = Track(self._clock)
            while len(self._channels) > CHANNELS:
                self._channels.popitem(last=False)
        self._channels.move_to_end(channel)
        track.record(attempt)

    def condition(self, route: RouteName, channel: str = "") -> RouteCondition:
        """The state of a route's channel now, with the evidence in one sentence; unknown for one never seen."""
        if channel in ("", route.value):
            return self._routes[route].condition()
        track = self._channels.get(channel)
        return _NEVER_SEEN if track is None else track.condition()

    def report(self) -> HealthReport:
        """Everything known now."""
        return HealthReport(
            routes=MappingProxyType({route: track.report() for route, track in self._routes.items()}),
            channels=MappingProxyType({channel: track.report() for channel, track in self._channels.items()}),
            window_seconds=WINDOW,
        )
