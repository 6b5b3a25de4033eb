"""Joining spans: a decision and its ending are two spans, which may come in any order, twice, or never."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bedrock_support.telemetry.efficiency.record import DecisionRecord, Ending

WAITING = 50_000
"""Decisions, and endings, that may wait for their other half."""
REMEMBERED = 200_000
"""Ids of joined decisions kept, so that a span that was exported twice counts once."""


class Joiner:
    """Gives each decision once, with its ending. Memory is bounded; what that costs is counted."""

    def __init__(self) -> None:
        self._decided: dict[str, DecisionRecord] = {}
        self._ended: dict[str, Ending] = {}
        self._done: dict[str, None] = {}
        self.unended = 0
        """Decisions given without an ending."""
        self.undecided = 0
        """Endings whose decision isn't there."""

    def decided(self, record: DecisionRecord) -> Iterator[DecisionRecord]:
        """A decision; gives what is complete now."""
        if record.id in self._done or record.id in self._decided:
            return
        if (ending := self._ended.pop(record.id, None)) is not None:
            yield self._joined(record, ending)
            return
        self._decided[record.id] = record
        if len(self._decided) > WAITING:
            yield self._alone(next(iter(self._decided)))

    def ended(self, decision_id: str, ending: Ending) -> Iterator[DecisionRecord]:
        """An ending; gives what is complete now."""
        if decision_id in self._done or decision_id in self._ended:
            return
        if (record := self._decided.pop(decision_id, None)) is not None:
            yield self._joined(record, ending)
            return
        self._ended[decision_id] = ending
        if len(self._ended) > WAITING:
            del self._ended[next(iter(self._ended))]
            self.undecided += 1

    def rest(self) -> Iterator[DecisionRecord]:
        """At the end: decisions whose ending never came."""
        while self._decided:
            yield self._alone(next(iter(self._decided)))
        self.undecided += len(self._ended)
        self._ended.clear()

    def _joined(self, record: DecisionRecord, ending: Ending) -> DecisionRecord:
        self._remember(record.id)
        return replace(record, ending=ending)

    def _alone(self, decision_id: str) -> DecisionRecord:
        self.unended += 1
        self._remember(decision_id)
        return self._decided.pop(decision_id)

    def _remember(self, decision_id: str) -> None:
        self._done[decision_id] = None
        if len(self._done) > REMEMBERED:
            del self._done[next(iter(self._done))]
