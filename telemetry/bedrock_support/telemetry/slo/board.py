"""What each objective's events were, and what its gate and alerts say now."""

from __future__ import annotations

from dataclasses import dataclass

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import OperationClass, Outcome
from bedrock_support.telemetry.slo.burn import MIN_EVENTS, Alert, Counts, alerts
from bedrock_support.telemetry.slo.objectives import Kind, Objective, shipped_objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One objective now. `met` is None without enough events."""

    objective: Objective
    good: int
    """Since the start, as `bad`."""
    bad: int
    share: float | None
    """Share of good events in the objective's window; None without any."""
    met: bool | None
    alerts: tuple[Alert, ...]

    @property
    def passes(self) -> bool:
        """Whether a release may go on: what isn't known doesn't pass."""
        return self.met is True


class Board:
    """Counts ended calls against every objective. For one thread."""

    def __init__(self, clock: Clock, objectives: tuple[Objective, ...] | None = None) -> None:
        self._counts = {each: Counts(clock) for each in (objectives or shipped_objectives())}
        counted = [each for each in self._counts.items() if each[0].kind is not Kind.AT_MOST]
        self._of = {
            op_class: [each for each in counted if each[0].op_class in (None, op_class)] for op_class in OperationClass
        }

    def judged(self, outcome: Outcome) -> None:
        """Take in one call that ended. One handed over or refused was neither answered nor failed."""
        if outcome.handoff is not None or outcome.refusal is not None:
            return
        for objective, counts in self._of[outcome.operation.op_class]:
            good = _good(objective, outcome)
            if good is not None:
                counts.add(good)

    def standing(self) -> tuple[Standing, ...]:
        """Every objective now. AT_MOST ones have no events: they stay unknown."""
        return tuple(_standing(objective, counts) for objective, counts in self._counts.items())


def _good(objective: Objective, outcome: Outcome) -> bool | None:
    """Whether a call counts as good; None when it doesn't count."""
    answered, cached = outcome.reply is not None, outcome.cached is not None
    if objective.kind is Kind.SUCCESS:
        return answered
    if objective.kind is Kind.HIT:
        return cached if answered else None
    if objective.kind is Kind.AT_MOST or objective.seconds is None:
        return None
    in_time = answered and outcome.seconds <= objective.seconds
    if objective.op_class is not None:
        return in_time if outcome.operation.op_class is objective.op_class else None
    if not answered:
        return None  # the errors objective counts it
    return in_time if cached is (objective.name == "cached_latency") else None


def _standing(objective: Objective, counts: Counts) -> Standing:
    good, bad = counts.within(objective.window)
    share = good / (good + bad) if good + bad else None
    met = share >= objective.target if share is not None and good + bad >= MIN_EVENTS else None
    return Standing(
        objective=objective,
        good=counts.good,
        bad=counts.bad,
        share=share,
        met=met,
        alerts=alerts(counts, objective.target),
    )
