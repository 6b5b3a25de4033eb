"""What the answer cache did, by class, added up in bounded memory. None is unknown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import exp, floor, log

from bedrock_support.telemetry.efficiency.record import Ending

STEP = 1.1
"""Ages are counted in steps of a tenth, so that a quantile is at most that far off."""
YOUNGEST = 1e-3
"""Seconds below which ages aren't told apart."""


@dataclass(slots=True)
class CacheFigures:
    """Hits among the questions that ended answered or failed."""

    asked: int = 0
    hits: int = 0
    stale: int = 0
    saved: float = 0.0
    saved_unknown: int = 0
    bytes: int = 0
    _ages: Counter[int] = field(default_factory=Counter[int])

    def add(self, ending: Ending) -> None:
        """Count one ending."""
        self.asked += 1
        if not ending.cached:
            return
        self.hits += 1
        self.stale += ending.cache_stale
        self.bytes += ending.cache_bytes or 0
        if ending.cache_saved is None:
            self.saved_unknown += 1
        else:
            self.saved += ending.cache_saved
        if ending.cache_age is not None:
            self._ages[floor(log(max(ending.cache_age, YOUNGEST)) / log(STEP))] += 1

    def age(self, share: float) -> float | None:
        """The age in seconds that so large a share of the hits doesn't exceed, to a tenth; None without hits."""
        left = share * self._ages.total()
        for step in sorted(self._ages):
            left -= self._ages[step]
            if left <= 0:
                return float(f"{exp((step + 0.5) * log(STEP)):.3g}")
        return None

    def told(self) -> dict[str, object]:
        """Values that JSON can hold; what wasn't seen is None."""
        return {
            "asked": self.asked,
            "hits": self.hits,
            "stale": self.stale,
            "saved_usd": round(self.saved, 6) if self.hits > self.saved_unknown else None,
            "saved_unknown": self.saved_unknown,
            "bytes": self.bytes,
            "age_p50_seconds": self.age(0.5),
            "age_p95_seconds": self.age(0.95),
        }
