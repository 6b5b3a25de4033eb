"""HandoffDesk: questions given to the calling agent, kept until it brings the answer back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.lasting.file import LastingUnavailable
from bedrock_support.routing.lasting.questions import Claim, KeptQuestion, Questions
from bedrock_support.routing.model import Handoff, Operation, OperationClass

log = logging.getLogger(__name__)

LIFETIME = 3600.0
"""Seconds that a handed-over question stays open."""
CAPACITY = 256
"""Open questions kept; the oldest gives way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A question out with an agent."""

    expires_at: float
    """Unix seconds."""
    op_class: OperationClass
    brief: str
    """With placeholders."""
    evidence_ids: tuple[str, ...]
    handed_at: float
    """Monotonic seconds."""
    decision_id: str = ""
    restore: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Placeholder -> the caller's own value, for its answer. In memory alone, as long as the question is open."""
    lasting: bool = False
    """It is in the store that replicas share."""
    recalled: bool = False
    """Another process handed it over: what its placeholders stand for is known nowhere any more."""


class HandoffDesk:
    """Ids are unguessable and good for one answer. Without a store a restart forgets open questions.

    With one they outlive it, and any replica takes the answer.
    """

    def __init__(self, clock: Clock, entropy: Entropy, questions: Questions | None = None) -> None:
        self._clock = clock
        self._entropy = entropy
        self._questions = questions
        self._open: dict[str, OpenQuestion] = {}
        self._before: list[float] = []
        """When the questions that were open at the start are over, in Unix seconds."""

    def give(self, operation: Operation) -> Handoff:
        """Open a question."""
        self._expire()
        while len(self._open) >= CAPACITY:
            self._open.pop(next(iter(self._open)))
        handoff = Handoff(id=f"h-{self._entropy.token()}", expires_at=self._clock.wall() + LIFETIME)
        self._open[handoff.id] = OpenQuestion(
            expires_at=handoff.expires_at,
            op_class=operation.op_class,
            brief=operation.brief,
            evidence_ids=operation.evidence_ids,
            handed_at=self._clock.now(),
        )
        return handoff

    @property
    def out(self) -> int:
        """How many questions are open, those of before the start included."""
        self._expire()
        now = self._clock.wall()
        return len(self._open) + sum(end > now for end in self._before)

    @property
    def lasting(self) -> bool:
        """Whether open questions outlive this process."""
        return self._questions is not None

    async def recall(self) -> None:
        """Count the questions that are open from before the start."""
        if self._questions is not None:
            try:
                self._before = await self._questions.ends()
            except LastingUnavailable as error:
                log.warning("questions handed over before the start can't be read: %s", error)

    async def find(self, handoff_id: str) -> OpenQuestion | None:
        """The open question, left open: a malformed answer may be mended and sent again.

        Raises:
            LastingUnavailable: it isn't this process's, and the store can't be asked just now.
        """
        self._expire()
        if (mine := self._open.get(handoff_id)) is not None or self._questions is None:
            return mine
        kept = await self._questions.find(handoff_id)
        if kept is None:
            return None
        return OpenQuestion(
            expires_at=kept.expires_at,
            op_class=kept.op_class,
            brief=kept.brief,
            evidence_ids=kept.evidence_ids,
            handed_at=self._clock.now() - max(0.0, self._clock.wall() - kept.handed_at),
            decision_id=kept.decision_id,
            lasting=True,
            recalled=True,
        )

    async def decided(self, handoff_id: str, decision_id: str, restore: Mapping[str, str]) -> None:
        """Say which decision handed the question over, and what its placeholders stand for. Then it is on disk,
        without the latter; where it can't be, it lives as long as this process."""
        question = self._open.get(handoff_id)
        if question is None:
            return
        question = self._open[handoff_id] = replace(question, decision_id=decision_id, restore=restore)
        if self._questions is None:
            return
        kept = KeptQuestion(
            op_class=question.op_class,
            brief=question.brief,
            evidence_ids=question.evidence_ids,
            decision_id=decision_id,
            handed_at=self._clock.wall(),
            expires_at=question.expires_at,
        )
        try:
            await self._questions.keep(handoff_id, kept)
        except LastingUnavailable as error:
            log.warning("a handed-over question can't be kept beyond this process: %s", error)
            return
        if handoff_id in self._open:
            self._open[handoff_id] = replace(question, lasting=True)

    async def close(self, handoff_id: str, question: OpenQuestion) -> bool:
        """Done: a second answer to the same question is refused. False where another call was first.

        Raises:
            LastingUnavailable: the store can't be asked just now; the question stays open.
        """
        if self._questions is None or not question.lasting:
            return self._open.pop(handoff_id, None) is not None
        claim = await self._questions.claim(handoff_id)
        mine = self._open.pop(handoff_id, None) is not None
        if question.recalled and question.expires_at in self._before:
            self._before.remove(question.expires_at)
        # Absent: it gave way in the store, or the store was begun anew. Then only who handed it over may take it.
        return claim is Claim.MINE or (claim is Claim.ABSENT and mine)

    def _expire(self) -> None:
        now = self._clock.now()
        for key in [key for key, each in self._open.items() if now - each.handed_at > LIFETIME]:
            del self._open[key]
