"""Joining spans: a decision and its ending are two spans, which may come in any order, twice, or never."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from bedrock_support.telemetry.efficiency.record import DecisionRecord, Ending

WAITING = 50_000
"""Decisions, and endings, that may wait for their other half."""
REMEMBERED = 100_000
"""Ids of given decisions kept, this many to twice as many, so that a span that was exported twice counts once."""


class Joiner:
    """Gives each decision once, with its ending. Memory is bounded; what that costs is counted."""

    def __init__(self) -> None:
        self._decided: OrderedDict[str, DecisionRecord] = OrderedDict()
        self._ended: OrderedDict[str, Ending] = OrderedDict()
        self._done: set[str] = set()
        self._done_before: set[str] = set()
        self.unended = 0
        """Decisions given without an ending."""
        self.undecided = 0
        """Endings whose decision isn't there."""

    def decided(self, record: DecisionRecord) -> Iterator[DecisionRecord]:
        """A decision; gives what is complete now."""
        if self._given(record.id) or record.id in self._decided:
            return
        if (ending := self._ended.pop(record.id, None)) is not None:
            yield self._joined(record, ending)
            return
        self._decided[record.id] = record
        if len(self._decided) > WAITING:
            yield self._alone()

    def ended(self, decision_id: str, ending: Ending) -> Iterator[DecisionRecord]:
        """An ending; gives what is complete now."""
        if self._given(decision_id) or decision_id in self._ended:
            return
        if (record := self._decided.pop(decision_id, None)) is not None:
            yield self._joined(record, ending)
            return
        self._ended[decision_id] = ending
        if len(self._ended) > WAITING:
            self._ended.popitem(last=False)
            self.undecided += 1

    def rest(self) -> Iterator[DecisionRecord]:
        """At the end: decisions whose ending never came."""
        while self._decided:
            yield self._alone()
        self.undecided += len(self._ended)
        self._ended.clear()

    def _joined(self, record: DecisionRecord, ending: Ending) -> DecisionRecord:
        self._remember(record.id)
        return record._replace(ending=ending)

    def _alone(self) -> DecisionRecord:
        decision_id, record = self._decided.popitem(last=False)
        self.unended += 1
        self._remember(decision_id)
        return record

    def _given(self, decision_id: str) -> bool:
        return decision_id in self._done or decision_id in self._done_before

    def _remember(self, decision_id: str) -> None:
        self._done.add(decision_id)
        if len(self._done) >= REMEMBERED:
            self._done, self._done_before = set(), self._done
