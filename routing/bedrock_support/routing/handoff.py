"""HandoffDesk: questions given to the calling agent, kept until it brings the answer back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.model import Handoff, Operation

LIFETIME = 3600.0
"""Seconds that a handed-over question stays open."""
CAPACITY = 256
"""Open questions kept; the oldest gives way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A question out with an agent."""

    handoff: Handoff
    operation: Operation
    handed_at: float
    """Monotonic seconds."""
    decision_id: str = ""
    restore: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Placeholder -> the caller's own value, for its answer. In memory alone, as long as the question is open."""


class HandoffDesk:
    """Ids are unguessable and good for one answer. In memory: a restart forgets open questions."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._open: dict[str, OpenQuestion] = {}

    def give(self, operation: Operation) -> Handoff:
        """Open a question."""
        self._expire()
        while len(self._open) >= CAPACITY:
            self._open.pop(next(iter(self._open)))
        handoff = Handoff(id=f"h-{self._entropy.token()}", expires_at=self._clock.wall() + LIFETIME)
        self._open[handoff.id] = OpenQuestion(handoff=handoff, operation=operation, handed_at=self._clock.now())
        return handoff

    @property
    def out(self) -> int:
        """How many questions are open."""
        self._expire()
        return len(self._open)

    def find(self, handoff_id: str) -> OpenQuestion | None:
        """The open question, left open: a malformed answer may be mended and sent again."""
        self._expire()
        return self._open.get(handoff_id)

    def decided(self, handoff_id: str, decision_id: str, restore: Mapping[str, str]) -> None:
        """Say which decision handed the question over, and what its placeholders stand for."""
        if question := self._open.get(handoff_id):
            self._open[handoff_id] = replace(question, decision_id=decision_id, restore=restore)

    def close(self, handoff_id: str) -> None:
        """Done: a second answer to the same question is refused."""
        self._open.pop(handoff_id, None)

    def _expire(self) -> None:
        now = self._clock.now()
        for key in [key for key, each in self._open.items() if now - each.handed_at > LIFETIME]:
            del self._open[key]
