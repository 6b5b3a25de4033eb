"""What a rollout is to do, and what was before it: all that a process that takes it up needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bedrock_support.server.rollout.files import BLUE, GREEN, Fleet
from bedrock_support.server.rollout.flag_writer import NAMES

Phase = Literal["preflight", "components", "slo_gates", "health_checks", "flags", "validation", "monitoring"]
PHASES: tuple[Phase, ...] = (
    "preflight",
    "components",
    "slo_gates",
    "health_checks",
    "flags",
    "validation",
    "monitoring",
)
KIND = "rollout"
DONE, ROLLED_BACK, UNVERIFIED = "done", "rolled_back", "rollback_unverified"
RUNNING, ROLLING_BACK = "running", "rolling_back"
OPEN = frozenset({RUNNING, ROLLING_BACK, UNVERIFIED})
"""States in which a rollout's work is not over."""
STEPS = (5, 25, 75, 100)
LEAST = 20
"""Samples of a step and class without which a gate doesn't open: a 95th percentile of fewer is their maximum."""
WATCH = 2.0
"""Seconds for which traffic is watched in each step before synthetic calls fill up what it didn't bring."""
VITALS = (
    "direct Bedrock connection",
    "MCP router",
    "intelligent router",
    "circuit breaker",
    "compliance",
    "audit",
    "monitoring",
)
FALLBACK = "MCP fallback"
"""The one that starts a process: it comes after the others, whose calls it would hold up."""
VALIDATIONS = ("routing decision", "direct call", FALLBACK, "cache", "compliance", "audit")
FLAG_ORDER = (
    "ENABLE_HYBRID_HEALTH_MONITORING",
    "ENABLE_BEDROCK_SUPPORT_MODE",
    "ENABLE_INTELLIGENT_ROUTING",
    "ENABLE_DIRECT_BEDROCK_FALLBACK",
    "ENABLE_PERFORMANCE_OPTIMIZATION",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One rollout, whole."""

    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Configuration of the new worker."""
    flags: Mapping[str, bool] = field(default_factory=lambda: dict.fromkeys(NAMES, True))
    steps: tuple[int, ...] = STEPS
    least: int = LEAST
    watch: float = WATCH
    limits: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of the gates on answers, where they aren't the objectives' own."""
    candidate: str = GREEN
    generation: str = ""
    fleet: Mapping[str, Any] = field(default_factory=lambda: Fleet().as_table())
    """As it was before."""
    flags_before: Mapping[str, bool] = field(default_factory=dict[str, bool])
    elsewhere: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """A second place whose weights follow the front's; see `elsewhere.py`."""
    elsewhere_before: Mapping[str, int] = field(default_factory=dict[str, int])
    """Its weights as they were."""

    @property
    def before(self) -> Fleet:
        return Fleet.of(self.fleet)

    def as_table(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def of(table: Mapping[str, Any]) -> Plan:
        known: dict[str, Any] = {**table, "steps": tuple(table["steps"])}
        return Plan(**known)


def outline(plan: Plan) -> dict[Phase, tuple[str, ...]]:
    """The names of all steps of a rollout: how far one is can be told from its record alone."""
    return {
        "preflight": ("front", "disk", "last good", "a call", "time of answers"),
        "components": ("start", "tools", "version", "time of answers"),
        "slo_gates": tuple(f"{each} %" for each in plan.steps),
        "health_checks": VITALS,
        "flags": tuple(each for each in FLAG_ORDER if each in plan.flags),
        "validation": VALIDATIONS,
        "monitoring": ("traffic", "answers", "workers"),
    }


def other(name: str) -> str:
    """The name that the next candidate gets beside a live worker of this name."""
    return GREEN if name == BLUE else BLUE
