"""Who is told of attempts: before each one starts, and again before the next one does. Never by telemetry."""

from __future__ import annotations

from typing import Protocol

from bedrock_support.routing.errors import FAILURES
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.model import Attempt, Carrier, Operation

PROBE = "probe"
"""Tool and class of an operation that only asks whether a route works."""


class AttemptSink(Protocol):
    """Told of every attempt before the next one starts."""

    def record(self, attempt: Attempt) -> None: ...


class Keeping(Protocol):
    """Keeps what was learnt from for the next process."""

    def attempt(self, learnt: str, size: float, attempt: Attempt) -> None: ...


class AttemptFeed:
    """Passes what happens on to the learner and to whoever else listens."""

    def __init__(self, learner: RouteLearner, *sinks: AttemptSink, keeping: Keeping | None = None) -> None:
        self._learner = learner
        self._sinks = sinks
        self._keeping = keeping
        self.live = False
        """Whether an attempt has begun."""

    def started(self, channel: str, operation: Operation, budget: float) -> int:
        """An attempt is under way, with `budget` seconds to go. The ticket is for `ended`."""
        self.live = True
        return self._learner.started(channel, learnt_as(operation), size_of(operation), budget)

    def ended(self, ticket: int, operation: Operation, attempt: Attempt) -> None:
        """It ended. A call that never was, and a question handed over, say nothing of how long an answer takes."""
        said = _says(attempt)
        self._learner.ended(ticket, seconds=attempt.seconds, ok=said)
        if self._keeping is not None and said is not None:
            self._keeping.attempt(learnt_as(operation), size_of(operation), attempt)
        self.told(attempt)

    def told(self, attempt: Attempt) -> None:
        """An attempt that was never sent."""
        for sink in self._sinks:
            sink.record(attempt)


def learnt_as(operation: Operation) -> str:
    """The class under which the learner keeps it: a probe is far shorter than anything that a tool asks."""
    return PROBE if operation.tool == PROBE else operation.op_class.value


def size_of(operation: Operation) -> float:
    """Size of an operation as the learner counts it: characters that the model is asked to read."""
    return float(len(operation.brief) + len(operation.system))


def _says(attempt: Attempt) -> bool | None:
    if attempt.carrier is Carrier.HANDOFF:
        return None
    if attempt.failure is None:
        return True
    meaning = FAILURES[attempt.failure.kind]
    return False if meaning.hurts_health or meaning.overload else None
