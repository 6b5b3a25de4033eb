"""Questions out with agents, as far as they outlive the process: redacted, bounded, each answered once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import anyio
import anyio.to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.lasting.file import LastingFile
from bedrock_support.routing.model import OperationClass

MOST_OPEN = 256
"""Open questions of a tenant; the oldest gives way."""
MOST_CHARACTERS = 16_000_000
"""Of all briefs of a tenant together; the oldest give way."""


class Claim(StrEnum):
    """What came of taking a question as answered."""

    MINE = "mine"
    """This call answered it, and no other ever will."""
    ANSWERED = "answered"
    ABSENT = "absent"
    """Never kept, given way to others, or over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptQuestion:
    """What an answer is checked against. The brief holds placeholders; what they stand for is kept nowhere."""

    op_class: OperationClass
    brief: str
    evidence_ids: tuple[str, ...]
    decision_id: str
    handed_at: float
    """Unix seconds."""
    expires_at: float
    """Unix seconds."""


class Questions:
    """One tenant's open questions in the file that replicas share. Raises LastingUnavailable, nothing else.

    The file knows an id by its digest alone: whoever reads it can't answer in an agent's place.
    """

    def __init__(self, file: LastingFile, clock: Clock, tenant: str) -> None:
        self._file = file
        self._clock = clock
        self._tenant = tenant
        self._threads = anyio.CapacityLimiter(1)

    async def keep(self, handoff_id: str, question: KeptQuestion) -> None:
        """Once this returns it is on disk."""
        await anyio.to_thread.run_sync(partial(self._keep, handoff_id, question), limiter=self._threads)

    async def find(self, handoff_id: str) -> KeptQuestion | None:
        """The question, if it is open."""
        return await anyio.to_thread.run_sync(partial(self._find, handoff_id), limiter=self._threads)

    async def claim(self, handoff_id: str) -> Claim:
        """Take the question as answered: of all calls of all replicas one is told MINE. Its brief is gone then."""
        return await anyio.to_thread.run_sync(partial(self._claim, handoff_id), limiter=self._threads)

    async def ends(self) -> list[float]:
        """When each open question is over, in Unix seconds."""
        return await anyio.to_thread.run_sync(self._ends, limiter=self._threads)

    def _keep(self, handoff_id: str, question: KeptQuestion) -> None:
        now = self._clock.wall()
        row = (
            _digest(handoff_id),
            self._tenant,
            question.op_class.value,
            question.brief,
            json.dumps(question.evidence_ids),
            question.decision_id,
            question.handed_at,
            question.expires_at,
        )
        with self._file.transaction(durable=True) as base:
            base.execute("DELETE FROM questions WHERE expires_at <= ?", (now,))
            base.execute("INSERT OR REPLACE INTO questions VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", row)
            base.execute(
                """DELETE FROM questions WHERE id IN (SELECT id FROM (SELECT id,
                    row_number() OVER newest AS place, sum(length(brief)) OVER newest AS characters
                    FROM questions WHERE tenant = ? AND NOT answered WINDOW newest AS (ORDER BY handed_at DESC, id))
                    WHERE place > ? OR (characters > ? AND place > 1))""",
                (self._tenant, MOST_OPEN, MOST_CHARACTERS),
            )

    def _find(self, handoff_id: str) -> KeptQuestion | None:
        with self._file.transaction() as base:
            row = base.execute(
                "SELECT op_class, brief, evidence, decision, handed_at, expires_at FROM questions "
                "WHERE id = ? AND tenant = ? AND NOT answered AND expires_at > ?",
                (_digest(handoff_id), self._tenant, self._clock.wall()),
            ).fetchone()
        if row is None:
            return None
        op_class, brief, evidence, decision, handed_at, expires_at = row
        try:
            return KeptQuestion(
                op_class=OperationClass(op_class),
                brief=brief,
                evidence_ids=tuple(json.loads(evidence)),
                decision_id=decision,
                handed_at=handed_at,
                expires_at=expires_at,
            )
        except (ValueError, TypeError):
            return None  # another version's row, or changed by hand

    def _claim(self, handoff_id: str) -> Claim:
        known = _digest(handoff_id), self._tenant
        with self._file.transaction(durable=True) as base:
            row = base.execute("SELECT answered FROM questions WHERE id = ? AND tenant = ?", known).fetchone()
            if row is None:
                return Claim.ABSENT
            # What it was about has served its purpose; that it was answered is known until it would have been over.
            base.execute("UPDATE questions SET answered = 1, brief = '', evidence = '[]' WHERE id = ?", known[:1])
        return Claim.ANSWERED if row[0] else Claim.MINE

    def _ends(self) -> list[float]:
        with self._file.transaction() as base:
            found = base.execute(
                "SELECT expires_at FROM questions WHERE tenant = ? AND NOT answered AND expires_at > ?",
                (self._tenant, self._clock.wall()),
            ).fetchall()
        return [float(end) for (end,) in found]


def _digest(handoff_id: str) -> str:
    return hashlib.sha256(handoff_id.encode(errors="surrogatepass")).hexdigest()
