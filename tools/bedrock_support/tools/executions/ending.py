"""How a run ends, and whether what the agent says of its work is so."""

from __future__ import annotations

from collections import deque

from bedrock_support.tools.executions.model import Found, Step
from bedrock_support.tools.executions.wording import Waste, make

_TAIL = 3
"""Calls at the end in which a missing answer counts."""


class Ending:
    """Watches tests, claims, task lists and the last calls of one run."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._test: Step | None = None
        self._edited = False
        """Something was written since the last test."""
        self._claim: tuple[int, Step, Step, bool] | None = None
        self._todos: tuple[int, Step] | None = None
        self._failing: deque[tuple[int, Step]] = deque(maxlen=8)
        self._failing_count = 0
        self._failing_from: tuple[int, Step] | None = None
        self._tail: deque[tuple[int, Step]] = deque(maxlen=_TAIL)
        self._last_word = ""
        self._says = 0

    def see(self, index: int, step: Step) -> Found | None:
        """Take in the next step; a claim that a later failure refutes is given back."""
        traits = step.traits
        if traits.kind == "say":
            self._says += 1
            self._last_word = step.claim or "said"
            if step.claim == "success" and self._test is not None and self._test.ok is False and self._claim is None:
                self._claim = index, step, self._test, self._edited
            return None
        self._last_word = ""
        self._tail.append((index, step))
        if step.ok is False:
            self._failing_from = self._failing_from or (index, step)
            self._failing_count += 1
            self._failing.append((index, step))
        else:
            self._failing.clear()
            self._failing_from, self._failing_count = None, 0
        if traits.todos is not None and step.ok is not False:
            self._todos = index, step
        refuted = None
        if traits.kind == "test" and step.ok is not None:
            self._test, self._edited = step, False
            if self._claim is not None:
                refuted = self._refuted(*self._claim) if step.ok is False else None
                self._claim = None
        elif traits.kind == "write":
            self._edited = True
        return refuted

    def end(self) -> list[Found]:
        """What the end of the run shows."""
        found = [self._refuted(*self._claim)] if self._claim is not None else []
        refuted = bool(found)
        if not self._tail or self._tail[-1][1].partial or self._last_word == "trouble":
            return found
        unanswered = next(((i, step) for i, step in self._tail if not step.answered), None)
        if unanswered is not None:
            found.append(self._unanswered(*unanswered))
        elif self._failing_from is not None and not refuted:
            found.append(self._left_failing(*self._failing_from))
        if self._todos is not None and self._todos[1].traits.todos and unanswered is None:
            found.append(self._left_open(*self._todos))
        return found

    def _refuted(self, index: int, said: Step, test: Step, edited: bool) -> Found:
        return make(
            "contradiction",
            self._run,
            (test, said),
            said,
            index,
            count=2,
            severity="medium" if edited else "high",
            confidence=0.65 if edited else 0.9,
            title="Success is claimed while tests fail",
            detail=f"Line {said.line} claims success; the last tests before it failed (line {test.line}: {test.error})",
            disproof="the failing test is another one than the claim is about, or it was known to fail before",
            feedback="Run the tests again after the last edit and quote their result; name what still fails.",
        )

    def _unanswered(self, index: int, step: Step) -> Found:
        return make(
            "abandoned",
            self._run,
            (step,),
            step,
            index,
            count=1,
            severity="medium",
            confidence=0.85 if self._says else 0.75,
            title=f"The run ends with an unanswered call: {step.traits.tool}",
            detail="No result of this call is in the record",
            disproof="the run still goes on, the user stopped it, or the record was cut",
            feedback="Take the work up at this call: look whether it had an effect before making it again.",
        )

    def _left_failing(self, index: int, step: Step) -> Found:
        count = self._failing_count
        return make(
            "abandoned",
            self._run,
            tuple(each for _, each in self._failing),
            step,
            index,
            count=count,
            severity="high" if count > 1 else "medium",
            confidence=(0.9 if count > 1 else 0.75) if self._says else 0.65,
            title=f"The run ends with {count} failing calls" if count > 1 else "The run ends with a failing call",
            detail=f"From line {step.line} on nothing succeeds any more: {step.traits.tool}: {step.error}",
            waste=Waste(sum(each.tokens for _, each in self._failing), sum(each.seconds for _, each in self._failing)),
            disproof="the failure was expected, the work went on elsewhere, or the user stopped the run",
            feedback="Don't end on a failure: mend its cause, or say what fails, what was tried and what is needed.",
        )

    def _left_open(self, index: int, step: Step) -> Found:
        count = step.traits.todos
        return make(
            "abandoned",
            self._run,
            (step,),
            step,
            index,
            count=1,
            severity="medium",
            confidence=0.7,
            title=f"The run ends with {count} open entries in its task list",
            detail=f"The last state of the task list (line {step.line}) has {count} entries that aren't completed",
            disproof="the list wasn't brought up to date, the rest was called off, or the run still goes on",
            feedback="Finish the open entries, or close them in the list with the reason.",
        )
