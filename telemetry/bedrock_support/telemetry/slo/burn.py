"""Multi-window, multi-burn-rate alerts over counts of good and bad events (Google SRE workbook, chapter 5)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from bedrock_support.routing.clock import Clock

BUCKET = 60.0
"""Seconds of one bucket: windows are whole minutes, the present one included."""
DAYS3 = 3 * 24 * 3600.0
MIN_EVENTS = 20
"""Fewer events in the long window than this say nothing: the alert is unknown."""


class Severity(StrEnum):
    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Fires when the budget burns `factor` times too fast over both windows, in seconds."""

    severity: Severity
    long: float
    short: float
    factor: float


RULES = (
    Rule(severity=Severity.PAGE, long=3600.0, short=300.0, factor=14.4),
    Rule(severity=Severity.PAGE, long=21600.0, short=1800.0, factor=6.0),
    Rule(severity=Severity.TICKET, long=86400.0, short=7200.0, factor=3.0),
    Rule(severity=Severity.TICKET, long=DAYS3, short=21600.0, factor=1.0),
)
"""For a budget of 30 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule now. `fires` is None where there is not enough data."""

    rule: Rule
    fires: bool | None
    long_burn: float | None
    short_burn: float | None


class Counts:
    """Good and bad events of the last three days by the minute, and since the start. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: deque[list[float]] = deque(maxlen=int(DAYS3 / BUCKET))
        self.good = 0
        self.bad = 0

    def add(self, good: bool) -> None:
        """One event, now."""
        minute = self._clock.now() // BUCKET
        if not self._buckets or self._buckets[-1][0] != minute:
            self._buckets.append([minute, 0, 0])
        self._buckets[-1][1 if good else 2] += 1
        self.good += good
        self.bad += not good

    def within(self, seconds: float) -> tuple[int, int]:
        """(good, bad) of the last `seconds`."""
        first = self._clock.now() // BUCKET - seconds / BUCKET
        good = bad = 0
        for minute, ok, failed in reversed(self._buckets):
            if minute <= first:
                break
            good, bad = good + int(ok), bad + int(failed)
        return good, bad


def burn_rate(good: int, bad: int, target: float) -> float | None:
    """How many times faster than allowed the budget burns; None without events."""
    return bad / (good + bad) / (1.0 - target) if good + bad else None


def alerts(counts: Counts, target: float) -> tuple[Alert, ...]:
    """Every rule now; both windows must burn too fast."""
    return tuple(_alert(counts, target, rule) for rule in RULES)


def _alert(counts: Counts, target: float, rule: Rule) -> Alert:
    long_counts, short_counts = counts.within(rule.long), counts.within(rule.short)
    long_burn, short_burn = burn_rate(*long_counts, target), burn_rate(*short_counts, target)
    fires: bool | None = None
    if long_burn is not None and sum(long_counts) >= MIN_EVENTS:
        # A quiet short window is no sign that it still burns.
        fires = long_burn >= rule.factor and (short_burn or 0.0) >= rule.factor
    return Alert(rule=rule, fires=fires, long_burn=long_burn, short_burn=short_burn)
