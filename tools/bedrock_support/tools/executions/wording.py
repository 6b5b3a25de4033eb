"""Findings in words: what was seen, what would disprove it, what to do otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from bedrock_support.tools.executions.cycles import Stretch
from bedrock_support.tools.executions.model import Found, Pattern, Severity, Step

_ELSE = {
    "loop": "Stop calling {tool} with these arguments: the answer is known. Read it again, then change the arguments, "
    "the tool or the plan; to wait for something, wait longer between calls and set an end.",
    "ping_pong": "Two steps undo or repeat each other. Write down what each of them is to achieve, decide for one, and "
    "check its result before going on.",
    "retry_storm": "The same call fails the same way. Read the error, find its cause (arguments, rights, state) and "
    "change that before the next try; after two tries ask or report.",
    "repeat": "Keep what {tool} answered: nothing was written in between, so the answer can't be another.",
}
_NOT_IF = {
    "loop": "the call waits for something outside that the record doesn't show, or its result differs where the record "
    "has none",
    "ping_pong": "something outside changed between the rounds, so that each of them was needed",
    "retry_storm": "the failure is of the passing sort (network, load), or somebody mended its cause between the tries",
    "repeat": "the earlier answer had left the agent's context, or something outside the record could have changed it",
}


def called(step: Step) -> str:
    """A call in short."""
    return f"{step.traits.tool} (arguments {step.traits.args[:8]})" if step.traits.args else step.traits.tool


def of_stretch(run: str, stretch: Stretch) -> Found:
    """A loop, a ping-pong, or a storm of retries."""
    first, bad = stretch.steps[0], stretch.bad or stretch.steps[-1]
    block = stretch.steps[: stretch.period]
    pattern: Pattern = "ping_pong" if stretch.period == 2 else "loop"
    if all(each.ok is False for each in block):
        pattern = "retry_storm"
    names = ", ".join(dict.fromkeys(called(each) for each in block))
    seen = f"{stretch.length} calls in {stretch.rounds} rounds of {names}, with the same results each time"
    if pattern == "retry_storm":
        seen = f"{stretch.length} calls in a row of {names} failed the same way: {first.error}"
    severity: Severity = "high" if stretch.rounds >= 5 or pattern == "retry_storm" else "medium"
    # Without the result's digest nobody knows whether two answers were the same.
    known = all(each.out or each.ok is False for each in block)
    base = 0.95 if stretch.rounds >= 4 or pattern != "loop" else 0.85
    return make(
        pattern,
        run,
        tuple(stretch.steps),
        bad,
        stretch.first_bad,
        count=stretch.length,
        severity=severity,
        confidence=base if known else 0.6,
        title=f"{_TITLES[pattern]}: {first.traits.tool}, {stretch.length} calls",
        detail=seen,
        waste=Waste(stretch.tokens, stretch.seconds),
    )


_TITLES = {"loop": "Loop", "ping_pong": "Ping-pong", "retry_storm": "Retries that can't succeed", "repeat": "Repeats"}


@dataclass(frozen=True, slots=True)
class Waste:
    """Spent on what brought nothing new."""

    tokens: int = 0
    seconds: float = 0.0


def make(
    pattern: Pattern,
    run: str,
    steps: tuple[Step, ...],
    bad: Step,
    index: int,
    *,
    count: int,
    severity: Severity,
    confidence: float,
    title: str,
    detail: str,
    waste: Waste | None = None,
    disproof: str = "",
    feedback: str = "",
) -> Found:
    """A finding; disproof and feedback are the pattern's own unless given."""
    spent = waste or Waste()
    return Found(
        pattern=pattern,
        run=run,
        steps=steps[:8],
        first_bad=bad,
        first_bad_index=index,
        count=count,
        severity=severity,
        confidence=confidence,
        title=title,
        detail=detail,
        disproof=disproof or _NOT_IF[pattern],
        feedback=feedback or _ELSE[pattern].format(tool=bad.traits.tool),
        tokens=spent.tokens,
        seconds=spent.seconds,
    )
