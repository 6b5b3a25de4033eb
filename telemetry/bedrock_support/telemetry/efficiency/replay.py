"""Recommendations that can be replayed: what a row led by another route would have been expected to bring.

By the model that made the decisions (the "direct method" of off-policy evaluation: Dudik et al. 2011). The router is
deterministic, so no recorded call shows what the other route would have done; the error of the estimates on the calls
that were made is therefore told beside each gain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import sqrt

from bedrock_support.telemetry.efficiency.record import ANSWERED, FAILED, DecisionRecord

Z = 1.96
ENOUGH = 30
"""Decisions below which nothing is recommended."""
MOST_ROWS = 200
MOST_TOLD = 5


@dataclass(slots=True)
class Replayed:
    """What one row led by one route would have changed, added up."""

    n: int = 0
    gain: float = 0.0
    squares: float = 0.0
    ms: float = 0.0
    usd: float = 0.0
    usd_known: int = 0
    ended: int = 0
    expected: float = 0.0
    met: int = 0

    def add(self, record: DecisionRecord, route: str) -> None:
        """Count the decision, if both its route and the other one were open and known."""
        pair = [
            next((each for each in record.candidates if each.route == name and each.feasible and each.known), None)
            for name in (record.chosen, route)
        ]
        was, other = pair
        if was is None or other is None:
            return
        gain = (other.p_success or 0.0) - (was.p_success or 0.0)
        self.n += 1
        self.gain += gain
        self.squares += gain * gain
        self.ms += (other.ms or 0.0) - (was.ms or 0.0)
        if other.usd is not None and was.usd is not None:
            self.usd += other.usd - was.usd
            self.usd_known += 1
        ending = record.ending
        if ending.ended in (ANSWERED, FAILED) and not ending.cached:
            self.ended += 1
            self.expected += was.p_success or 0.0
            self.met += ending.ended == ANSWERED and ending.met is True

    @property
    def mean(self) -> float:
        """Mean change of the chance of an answer in time."""
        return self.gain / self.n if self.n else 0.0

    @property
    def half(self) -> float:
        """Half the width of the mean's 95 % interval."""
        if self.n < 2:
            return 1.0
        variance = max(0.0, self.squares / self.n - self.mean**2) * self.n / (self.n - 1)
        return Z * sqrt(variance / self.n)

    def told(self, row: str, route: str) -> dict[str, object]:
        """The change in figures and words."""
        error = (self.expected - self.met) / self.ended if self.ended else None
        known = "unknown" if error is None else f"{error * 100:+.1f} %"
        return {
            "row": row,
            "route": route,
            "n": self.n,
            "attainment": round(self.mean, 6),
            "low": round(self.mean - self.half, 6),
            "high": round(self.mean + self.half, 6),
            "ms": round(self.ms / self.n, 3) if self.n else None,
            "usd": round(self.usd / self.usd_known, 9) if self.usd_known else None,
            "estimates_off_by": round(error, 6) if error is not None else None,
            "text": (
                f"with row {row} led by {route}: {self.mean * 100:+.1f} % attainment, n = {self.n:,} "
                f"(expected, not tried; estimates of the calls made were off by {known})"
            ),
        }


@dataclass(slots=True)
class Replays:
    """Every change of one row's first route, replayed while the records pass."""

    changes: dict[tuple[str, str], Replayed] = field(default_factory=dict[tuple[str, str], Replayed])

    def add(self, record: DecisionRecord) -> None:
        """Try each other route that was open."""
        for each in record.candidates:
            if not each.feasible or each.route == record.chosen:
                continue
            key = (record.row, each.route)
            if (found := self.changes.get(key)) is None:
                if len(self.changes) >= MOST_ROWS:
                    continue
                found = self.changes[key] = Replayed()
            found.add(record, each.route)

    def told(self) -> list[dict[str, object]]:
        """Changes whose gain is surely above nothing, the largest first."""
        good = [(key, each) for key, each in self.changes.items() if each.n >= ENOUGH and each.mean - each.half > 0]
        good.sort(key=lambda item: (-round(item[1].mean, 6), item[0]))
        return [each.told(*key) for key, each in good[:MOST_TOLD]]


def replay(records: Iterable[DecisionRecord], row: str, route: str) -> Replayed:
    """One change, replayed on its own: row `row` led by `route`, where that was another than the one chosen."""
    found = Replayed()
    for record in records:
        if record.row == row and record.chosen != route:
            found.add(record, route)
    return found
