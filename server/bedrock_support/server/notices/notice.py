"""What is told, and to whom it can be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """Why somebody is told."""

    STOPPED = "stopped"
    RESUMED = "resumed"
    SWITCHED = "switched"
    ALERT = "alert"
    ALERT_OVER = "alert_over"
    GATE_FAILED = "gate_failed"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_UNVERIFIED = "rollback_unverified"
    ROLLED_OUT = "rolled_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message."""

    id: str
    """Receivers may tell by it that they have it already: a retry carries the same."""
    kind: Kind
    about: str
    """What it is about, such as a scope or a run's id; with `kind` it tells repeats."""
    text: str
    at: float
    """Unix seconds."""
    repeats: int = 0
    """How many of its kind were kept back since the last that was told."""

    @property
    def subject(self) -> str:
        return f"bedrock-support: {self.about} {self.kind.value.replace('_', ' ')}"

    def as_table(self) -> dict[str, object]:
        return {
            "id": self.id,
            "kind": self.kind.value,
            "about": self.about,
            "text": self.text,
            "at": self.at,
            "repeats": self.repeats,
            "service": "bedrock-support",
        }


class Undelivered(Exception):
    """A target did not take a notice; the message says why and holds no secret. `lasting`: trying again won't help."""

    def __init__(self, why: str, *, lasting: bool = False) -> None:
        super().__init__(why)
        self.lasting = lasting


class Target(Protocol):
    """Somewhere that notices go."""

    @property
    def name(self) -> str:
        """For people, without secrets."""
        ...

    async def send(self, notice: Notice) -> None:
        """Deliver it. Bounded in time by the caller. Raises Undelivered."""
        ...
