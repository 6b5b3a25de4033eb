"""One run as it goes by: counts, detectors, and what they found at its end."""

from __future__ import annotations

from bedrock_support.tools.executions.cycles import Cycles, Stretch
from bedrock_support.tools.executions.ending import Ending
from bedrock_support.tools.executions.memory import Again, Edits, Repeats
from bedrock_support.tools.executions.model import Found, RunFacts, Step
from bedrock_support.tools.executions.wording import Waste, called, make, of_stretch

MOST_FOUND = 50
"""Findings of one run."""
ALIKE = 4
"""Calls of one tool in a row that fail the same way with other arguments each: guessing."""


class Watch:
    """Takes in the steps of one run in order. Memory is bounded whatever the run's length."""

    def __init__(self, run: str, file: str) -> None:
        self.run = run
        self.file = file
        self._cycles = Cycles()
        self._repeats = Repeats()
        self._edits = Edits()
        self._ending = Ending(run)
        self._found: list[Found] = []
        self._spans: list[tuple[int, int]] = []
        """Places of the stretches that were found."""
        self._failing: list[Step] = []
        self._failing_at = 0
        self._failing_count = 0
        self.steps = 0
        self.calls = 0
        self.failed = 0
        self.tokens = 0
        self.seconds = 0.0

    def see(self, step: Step) -> None:
        """Take in the next step."""
        index = self.steps
        self.steps += 1
        self.tokens += step.tokens
        self.seconds += step.seconds
        self._add(self._ending.see(index, step))
        if step.traits.kind == "say":
            return
        self.calls += 1
        self.failed += step.ok is False
        for stretch in self._cycles.see(index, step):
            self._stretch(stretch)
        self._alike(index, step)
        if step.traits.args and step.answered and step.traits.todos is None:
            self._repeats.see(index, step)
        if step.traits.kind == "write" and step.ok is not False:
            self._repeats.written()
            undone = self._edits.undone(step)
            if undone is not None:
                self._add(_reverted(self.run, undone, step, index))

    def end(self) -> tuple[RunFacts, list[Found]]:
        """What there is to say of the run."""
        for stretch in self._cycles.rest():
            self._stretch(stretch)
        self._end_alike()
        for each in self._repeats.worth:
            self._repeat(each)
        for each in self._ending.end():
            self._add(each)
        found = [each for each in self._found if not self._told(each)]
        found.sort(key=lambda each: each.first_bad_index)
        facts = RunFacts(
            id=self.run,
            file=self.file,
            steps=self.steps,
            calls=self.calls,
            failed=self.failed,
            repeated=self._repeats.total,
            tokens=self.tokens,
            seconds=round(self.seconds, 3),
            wasted_tokens=min(self.tokens, sum(each.tokens for each in found)),
            wasted_seconds=round(min(self.seconds, sum(each.seconds for each in found)), 3),
            first_bad=found[0].first_bad if found else None,
            patterns=tuple(dict.fromkeys(each.pattern for each in found)),
        )
        return facts, found

    def _add(self, found: Found | None) -> None:
        if found is not None and len(self._found) < MOST_FOUND:
            self._found.append(found)

    def _told(self, found: Found) -> bool:
        """Whether edits that undo each other are told as a ping-pong already."""
        inside = any(first <= found.first_bad_index <= last for first, last in self._spans)
        return inside and found.pattern == "contradiction" and found.steps[-1].traits.kind == "write"

    def _stretch(self, stretch: Stretch) -> None:
        self._spans.append((stretch.start, stretch.end))
        if len(self._spans) > MOST_FOUND:
            del self._spans[0]
        self._add(of_stretch(self.run, stretch))

    def _alike(self, index: int, step: Step) -> None:
        last = self._failing[-1] if self._failing else None
        if step.ok is False and (last is None or (last.traits.tool, last.error) == (step.traits.tool, step.error)):
            if last is None:
                self._failing_at = index
            self._failing_count += 1
            if len(self._failing) < 8:
                self._failing.append(step)
            return
        self._end_alike()
        if step.ok is False:
            self._failing, self._failing_at, self._failing_count = [step], index, 1

    def _end_alike(self) -> None:
        steps, count = self._failing, self._failing_count
        self._failing, self._failing_count = [], 0
        same = bool(steps and steps[0].traits.args) and len({each.traits.args for each in steps}) == 1
        if count < ALIKE or same:
            return  # the same arguments each time: a stretch or a repeat tells that
        if any(first <= self._failing_at + 1 <= last for first, last in self._spans):
            return
        self._add(
            make(
                "retry_storm",
                self.run,
                tuple(steps),
                steps[1],
                self._failing_at + 1,
                count=count,
                severity="medium",
                confidence=0.75,
                title=f"Retries that can't succeed: {steps[0].traits.tool}, {count} calls",
                detail=f"{count} calls in a row of {steps[0].traits.tool} failed the same way: {steps[0].error}",
                waste=Waste(sum(each.tokens for each in steps[1:]), sum(each.seconds for each in steps[1:])),
            )
        )

    def _repeat(self, again: Again) -> None:
        outside = [place for place in again.places if not any(first <= place <= last for first, last in self._spans)]
        if len(outside) < len(again.places) and len(outside) < 3:
            return
        close = again.places[-1] - again.places[0] == len(again.places) - 1
        step = again.steps[1]
        failing = step.ok is False
        if close and not failing:
            return  # in a row, and still no loop: somebody waited, and what was waited for came
        self._add(
            make(
                "retry_storm" if failing else "repeat",
                self.run,
                tuple(again.steps),
                step,
                again.places[1],
                count=again.count,
                severity="medium" if failing else "low",
                confidence=0.85 if step.out or failing else 0.55,
                title=f"The same call {again.count} times: {step.traits.tool}",
                detail=f"{called(step)} was made {again.count} times with the same result, nothing written in between",
                waste=Waste(again.tokens, again.seconds),
            )
        )


def _reverted(run: str, undone: Step, step: Step, index: int) -> Found:
    return make(
        "contradiction",
        run,
        (undone, step),
        step,
        index,
        count=2,
        severity="low",
        confidence=0.7,
        title=f"An edit is taken back: {step.traits.tool}",
        detail=f"Line {step.line} restores what line {undone.line} replaced in the same file",
        waste=Waste(undone.tokens + step.tokens, undone.seconds + step.seconds),
        disproof="the edit was an experiment whose result was wanted, or the user asked to take it back",
        feedback="Before an edit, say what it is to change and how you will see that; keep one hypothesis at a time.",
    )
