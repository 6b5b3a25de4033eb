"""Calls wait here for their results, so that steps leave in the order in which the agent made the calls."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bedrock_support.tools.executions.model import Step
from bedrock_support.tools.executions.texts import failure, settled, succeeded
from bedrock_support.tools.executions.traits import digest

MOST_WAITING = 64
"""Calls of one run that may wait; the oldest leaves unanswered when there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A result as a record has it."""

    text: str
    said: bool | None = None
    """What the record says of success; None: nothing."""
    at: float | None = None
    seconds: float = 0.0
    tokens: int = 0


def answered(step: Step, answer: Answer) -> Step:
    """The step with its result."""
    ok = succeeded(answer.text, test=step.traits.kind == "test", said=answer.said)
    seconds = answer.seconds
    if not seconds and answer.at is not None and step.at is not None:
        seconds = max(0.0, answer.at - step.at)
    return replace(
        step,
        ok=ok,
        answered=True,
        out=digest(settled(answer.text)),
        error="" if ok else failure(answer.text),
        seconds=seconds,
        tokens=step.tokens + answer.tokens,
    )


class Flow:
    """The calls of one run between being made and being answered."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Step] = OrderedDict()
        self._made = 0

    def call(self, name: str, step: Step) -> None:
        """A call was made; `name` is what its result will go by (empty: none is to come)."""
        self._made += 1
        key = name[:200] if name and name[:200] not in self._waiting else f"\0{self._made}"
        self._waiting[key] = replace(step, answered=not name)

    def result(self, name: str, answer: Answer) -> bool:
        """Its result came; False: nobody waits for it."""
        step = self._waiting.get(name[:200])
        if step is None or step.answered:
            return False
        self._waiting[name[:200]] = answered(step, answer)
        return True

    def ready(self) -> Iterator[Step]:
        """Steps that may leave."""
        while self._waiting:
            first = next(iter(self._waiting))
            if not self._waiting[first].answered and len(self._waiting) <= MOST_WAITING:
                return
            yield self._waiting.pop(first)

    def rest(self) -> Iterator[Step]:
        """Every step that still waits, at the end of the record."""
        while self._waiting:
            yield self._waiting.popitem(last=False)[1]
