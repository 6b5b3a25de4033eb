"""How a peer is doing, as the health report shows it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class PeerState(StrEnum):
    """What a peer is doing."""

    IDLE = "idle"
    """Not connected, and nobody has asked for it."""
    CONNECTING = "connecting"
    READY = "ready"
    PAUSING = "pausing"
    """Lost, and left alone for a while before the next attempt."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerHealth:
    """One look at a peer."""

    state: PeerState
    since: float
    """Unix seconds."""
    breaker: str
    connections: int
    calls: int
    """Running and waiting."""
    connects: int
    """Connections begun so far; over stdio, processes started."""
    restarts: int
    """Those of them that were ready once, and were lost: each made another necessary."""
    consecutive_failures: int
    """Connections in a row that failed or soon died."""
    last_error: str
    protocol: str
    tools: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"state": self.state.value, "notes": list(self.notes)}
