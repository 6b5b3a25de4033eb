"""The vocabulary of root causes: what was measured, what changed, who calls whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["latency", "errors", "availability", "traffic", "cpu", "memory", "saturation", "other"]
SYMPTOMS: frozenset[Kind] = frozenset({"latency", "errors", "availability"})
"""What callers feel. The rest explains it."""
RESOURCES: frozenset[Kind] = frozenset({"cpu", "memory", "saturation"})

_WORDS: tuple[tuple[Kind, str], ...] = (
    ("availability", r"availab|success|uptime|apdex"),
    ("errors", r"error|fault|fail|exception|5xx|4xx|reject|refus"),
    ("saturation", r"thread|queue|pool|disk|socket|lag|backlog|saturat|connections|inflight|throttl"),
    ("cpu", r"cpu|processor"),
    ("memory", r"mem|rss|heap|working_set"),
    ("latency", r"laten|duration|response_?time|elapsed|_ms$|_seconds$|wait"),
    ("traffic", r"request|traffic|throughput|rps|qps|calls|count|workload|load$|rate$|hits"),
)
_SIGN: list[tuple[Kind, re.Pattern[str]]] = [(kind, re.compile(pattern)) for kind, pattern in _WORDS]


def kind_of(metric: str) -> Kind:
    """What a metric's name says that it measures."""
    name = metric.lower().replace("-", "_")
    for kind, sign in _SIGN:
        if sign.search(name):
            return kind
    return "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values of one metric of one entity in the order of time; gaps are left out."""

    entity: str
    metric: str
    kind: Kind
    times: tuple[float, ...]
    """Unix seconds, rising."""
    values: tuple[float, ...]
    source: str
    """Where it was read: file and column, or file alone."""
    own: bool = False
    """What callees do is not in it: self time, errors that no callee handed up, processor, memory."""

    @property
    def worse(self) -> Literal["up", "down", "both"]:
        """The direction that hurts."""
        if self.kind == "availability":
            return "down"
        return "both" if self.kind in ("traffic", "other") else "up"

    def between(self, start: float, end: float) -> list[float]:
        """Values from `start` (included) to `end` (not included)."""
        return [value for when, value in zip(self.times, self.values, strict=True) if start <= when < end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that was done to an entity: a deploy, a setting, a scaling."""

    at: float
    entity: str
    what: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Everything that was read."""

    series: tuple[Series, ...] = ()
    baseline: tuple[Series, ...] = ()
    """The same metrics in calm times, where they were given apart."""
    changes: tuple[Change, ...] = ()
    calls: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Caller to callees, by entity."""
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was not read, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Calm from `before` to `start`, trouble from `start` to `end` (unix seconds, end not included)."""

    before: float
    start: float
    end: float
    found: bool
    """Found by itself rather than given."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How much a series changed from calm to trouble, as one detector sees it."""

    series: Series
    score: float
    """0: nothing; 1: at the detector's own threshold; above: more. Only scores of one detector compare."""
    before: float
    during: float
    effect: float
    """Change of the middle value in scales of the calm spread, signed."""
    onset: float | None
    samples: tuple[int, int]
    silent: bool = False
    """The values stopped: `during` is the last one before."""
