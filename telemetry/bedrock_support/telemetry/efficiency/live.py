"""Live: decisions of this process as they end, in bounded memory."""

from __future__ import annotations

import threading
from collections import deque

from bedrock_support.telemetry.efficiency.figures import Figures
from bedrock_support.telemetry.efficiency.record import DecisionRecord

KEPT = 10_000
"""Records kept for questions about a period: about 1.2 kB each."""


class LiveEfficiency:
    """Told of every decision that ended. Whole-life figures are exact; a period's rest on the last KEPT records."""

    def __init__(self, kept: int = KEPT) -> None:
        self._whole = Figures()
        self._kept: deque[DecisionRecord] = deque(maxlen=kept)
        self._lock = threading.Lock()

    def record(self, record: DecisionRecord) -> None:
        """Count it. Takes some microseconds."""
        with self._lock:
            self._whole.add(record)
            self._kept.append(record)

    def trace_of(self, decision_id: str) -> str | None:
        """Trace id of a decision among the last KEPT; None when it has none or isn't kept."""
        with self._lock:
            return next((each.trace for each in reversed(self._kept) if each.id == decision_id), None)

    def read(self, since: float | None) -> tuple[dict[str, object], list[str]]:
        """Figures since a moment (Unix seconds), and what limits them."""
        with self._lock:
            if since is None:
                return self._whole.told(), []
            dropped = self._whole.decisions - len(self._kept)
            records = list(self._kept)
        limits: list[str] = []
        if dropped and records[0].at >= since:
            limits.append(f"only the last {len(records)} decisions are kept one by one: earlier ones are not in here")
        found = Figures()
        for each in records:
            if each.at >= since:
                found.add(each)
        return found.told(), limits
