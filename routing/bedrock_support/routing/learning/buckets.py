"""Calls in the order in which they began, and the small reckonings on levels that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bedrock_support.routing.learning.levels import EXTRA, SLOWNESS, sharpened
from bedrock_support.routing.learning.usual import Pair

AWAY, FAILS = 1.5, 0.04
"""Levels off home, and failures beyond the usual, from which on a route is in trouble."""
Evidence = tuple[list[float] | None, list[float] | None]
"""Log-likelihoods of the levels of slowness and of failures; None where nothing was seen."""
NOTHING = [0.0] * SLOWNESS
"""What a bucket says in which nothing was seen."""


@dataclass(slots=True, eq=False)
class Item:
    """A call from its start on."""

    pair: Pair
    op_class: str
    log_size: float
    began: float
    budget: float
    place: int = 0
    """Bin of its latency over the usual one, once it has ended."""
    log_seconds: float = 0.0
    ok: bool | None = None
    """None while it is in flight, and for a call that says nothing."""
    open: bool = True
    counted: bool = False
    """Its latency counts as usual already."""
    bucket: Bucket | None = None
    """None: its bucket holds enough calls of its class without it."""


@dataclass(slots=True, eq=False)
class Bucket:
    """Calls that began at about the same time."""

    began: float
    items: list[Item] = field(default_factory=list[Item])
    classes: dict[str, int] = field(default_factory=dict[str, int])
    """Calls by class."""
    open: int = 0
    heard: float = float("-inf")
    """When its calls were asked; never again once all have ended."""
    stale: bool = True
    """The filter must go over it again."""
    ends: list[float] | None = None
    said: dict[str, tuple[tuple[float, int, int, int], Evidence]] = field(
        default_factory=dict[str, tuple[tuple[float, int, int, int], Evidence]]
    )
    """What each class says beside the channel, and for which time, levels and class's level that holds."""
    gone: bool = False
    evidence: list[float] = field(default_factory=lambda: NOTHING)
    slowness: list[float] = field(default_factory=list[float])
    extra: list[float] = field(default_factory=list[float])
    level: int = 0
    failing: int = 0


def sure(count: int, place: int) -> list[float]:
    return [1.0 if each == place else 0.0 for each in range(count)]


def noticed(extra: Sequence[float]) -> float:
    if extra[0] >= max(extra):
        return 0.0
    found = sum(EXTRA[number] * weight for number, weight in sharpened(extra))
    return found if found > FAILS else 0.0


def summed(evidence: Sequence[Sequence[float]]) -> list[float]:
    if len(evidence) == 1:
        return list(evidence[0])
    return [sum(each) for each in zip(*evidence, strict=True)]


def alone(pair: Pair) -> bool:
    """The class is in trouble beside its channel."""
    return abs(pair.now_slow) > AWAY or pair.now_extra > FAILS


def shifted(levels: Sequence[float], by: int) -> list[float]:
    found = [0.0] * len(levels)
    for number, each in enumerate(levels):
        found[min(len(levels) - 1, max(0, number - by))] += each
    return found
