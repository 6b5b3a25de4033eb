"""The state of each component of the system, from small probes that say what was seen; unknown without data."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Health
from bedrock_support.telemetry.window import WINDOW

MOST = 200
"""Uses kept of one component, the newest."""
UNHEALTHY_SHARE, DEGRADED_SHARE = 0.5, 0.1
"""Shares of failed uses at which a component counts as unhealthy and as degraded."""
_WORST_FIRST = (Health.UNHEALTHY, Health.DEGRADED, Health.UNKNOWN, Health.HEALTHY)


class Component(StrEnum):
    """The seven parts whose state is told."""

    DIRECT = "direct_bedrock"
    MCP = "mcp_router"
    ROUTER = "intelligent_router"
    BREAKER = "circuit_breaker"
    COMPLIANCE = "compliance_validator"
    AUDIT = "audit_trail"
    MONITORING = "monitoring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a probe saw. No more than `samples` observations stand behind it."""

    state: Health
    evidence: str
    samples: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHealth:
    """One component now."""

    component: Component
    state: Health
    evidence: str
    samples: int
    since: float
    """Unix seconds at which this state was first seen."""


Probe = Callable[[], Finding]
"""Says what is known at once, without I/O."""


class _Use:
    """The block of one use."""

    __slots__ = ("_activity",)

    def __init__(self, activity: Activity) -> None:
        self._activity = activity

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._activity.add()
        elif issubclass(kind, Exception):
            self._activity.add(kind.__name__)


class Activity:
    """Counts how one component's uses ended inside the last WINDOW seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._uses: deque[tuple[float, str]] = deque(maxlen=MOST)

    def add(self, trouble: str = "") -> None:
        """One use: `trouble` is why it failed, empty when it didn't."""
        self._uses.append((self._clock.now(), trouble))

    def use(self) -> _Use:
        """One use: an Exception that leaves the block is a failure; cancellation counts for nothing."""
        return _Use(self)

    def finding(self) -> Finding:
        """Unknown without uses in the window."""
        oldest = self._clock.now() - WINDOW
        while self._uses and self._uses[0][0] <= oldest:
            self._uses.popleft()
        total, bad = len(self._uses), [trouble for _, trouble in self._uses if trouble]
        if not total:
            return Finding(state=Health.UNKNOWN, evidence=f"not used in the last {WINDOW:.0f} s")
        share = len(bad) / total
        state = Health.HEALTHY if share < DEGRADED_SHARE else Health.DEGRADED
        state = Health.UNHEALTHY if share >= UNHEALTHY_SHARE else state
        last = f", the last with {bad[-1]}" if bad else ""
        said = f"{len(bad)} of {total} uses in the last {WINDOW:.0f} s failed{last}"
        return Finding(state=state, evidence=said, samples=total)


class Components:
    """Asks every probe and remembers since when each state holds. A component without a probe is unknown."""

    def __init__(self, clock: Clock, probes: Mapping[Component, Probe]) -> None:
        self._clock = clock
        self._probes = probes
        self._since: dict[Component, tuple[Health, float]] = {}

    def check(self) -> tuple[ComponentHealth, ...]:
        """All seven, in the order of Component. A probe that raises is unknown, with the error's kind."""
        return tuple(self._checked(component) for component in Component)

    def _checked(self, component: Component) -> ComponentHealth:
        found = self._found(component)
        state, since = self._since.get(component, (None, 0.0))
        if state is not found.state:
            since = self._clock.wall()
            self._since[component] = (found.state, since)
        return ComponentHealth(
            component=component, state=found.state, evidence=found.evidence, samples=found.samples, since=since
        )

    def _found(self, component: Component) -> Finding:
        probe = self._probes.get(component)
        if probe is None:
            return Finding(state=Health.UNKNOWN, evidence="nothing observes it")
        try:
            return probe()
        except Exception as error:  # noqa: BLE001 - a broken probe must not hide what the others saw
            return Finding(state=Health.UNKNOWN, evidence=f"its probe failed with {type(error).__name__}")


def overall(states: Sequence[Health]) -> Health:
    """The worst of them; unknown stands above healthy, since it might be anything. Unknown when there are none."""
    return next((each for each in _WORST_FIRST if each in states), Health.UNKNOWN)
