"""DecisionLedger: the last decisions with what came of them, for people and for explain; kept longer by a Memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from math import isfinite
from typing import Protocol

from bedrock_support.routing.estimate import Estimate
from bedrock_support.routing.model import Attempt, Decision, Flags, Outcome, RouteCondition, RouteName

CAPACITY = 1000


class Memory(Protocol):
    """Keeps decisions beyond this process. Writing never waits."""

    def decision(self, decision_id: str, at: float, entry: Mapping[str, object]) -> None: ...

    def note(self, decision_id: str, key: str, value: object) -> None: ...

    async def find(self, decision_id: str) -> dict[str, object] | None: ...

    async def newest(self) -> dict[str, object] | None: ...


class DecisionLedger:
    """Bounded and in memory; the oldest entry gives way. Holds no prompt and no answer."""

    def __init__(self, memory: Memory | None = None, capacity: int = CAPACITY) -> None:
        self._memory = memory
        self._capacity = capacity
        self._entries: OrderedDict[str, dict[str, object]] = OrderedDict()

    def add(self, outcome: Outcome, explanation: str, at: float) -> None:
        """Keep what is safe to keep of an outcome. `at` is Unix seconds."""
        decision = outcome.decision
        if decision is None:
            return
        entry = self._entries[decision.id] = decided(decision, at)
        entry["attempts"] = [_tried(each) for each in outcome.attempts]
        entry["ended"] = ended(outcome)
        entry["seconds"] = round(outcome.seconds, 4)
        entry["usd"] = _cost(outcome)
        entry["cached"] = _cached(outcome)
        entry["explanation"] = explanation
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        if self._memory is not None:
            self._memory.decision(decision.id, at, entry)

    def find(self, decision_id: str) -> dict[str, object] | None:
        return self._entries.get(decision_id)

    def newest(self) -> Iterator[dict[str, object]]:
        return reversed(self._entries.values())

    def note(self, decision_id: str, key: str, value: object) -> None:
        """Add a later fact, such as a handed-over answer that came back."""
        if entry := self._entries.get(decision_id):
            self._entries[decision_id] = entry | {key: value}  # the old one may wait to be written
        if self._memory is not None:
            self._memory.note(decision_id, key, value)

    async def recall(self, decision_id: str) -> dict[str, object] | None:
        """The decision, one that was made before the start or by a replica too."""
        found = self._entries.get(decision_id)
        return found if found is not None or self._memory is None else await self._memory.find(decision_id)

    async def recall_newest(self) -> dict[str, object] | None:
        """The newest decision of this process, else of those before it and beside it."""
        found = next(self.newest(), None)
        return found if found is not None or self._memory is None else await self._memory.newest()


def ended(outcome: Outcome) -> str:
    """How an outcome ended, in one word."""
    if outcome.reply is not None:
        return "answered"
    if outcome.handoff is not None:
        return "handed_over"
    return "refused" if outcome.refusal is not None else "failed"


def decided(decision: Decision, at: float) -> dict[str, object]:
    """A decision before anything came of it, in values that JSON can hold. `at` is Unix seconds."""
    return {
        "id": decision.id,
        "at": at,
        "tool": decision.operation.tool,
        "operation_class": decision.operation.op_class.value,
        "row": decision.row,
        "plan": [route.value for route in decision.plan],
        "reasons": list(decision.reasons),
        "model_role": decision.operation.model_role.value,
        "model_choice": list(decision.model_choice),
        "policy": decision.policy,
        "propensity": decision.propensity,
        "flags": dict(_switched(decision.conditions.flags)),
        "stops": {scope.value: why for scope, why in decision.conditions.stops.items()},
        "conditions": {
            route.value: _known(seen, _why_not(decision, route)) for route, seen in decision.conditions.routes.items()
        },
    }


@lru_cache(maxsize=32)
def _switched(flags: Flags) -> dict[str, object]:
    """There are as many flags as a decision has fields, and they hardly ever change."""
    return asdict(flags)


def _known(seen: RouteCondition, why_not: str | None) -> dict[str, object]:
    """`open_in_seconds` is None while only a hand can open the route again; `estimate` where nothing is learnt."""
    return {
        "health": seen.health.value,
        "samples": seen.samples,
        "note": seen.note,
        "breaker": seen.breaker,
        "open_in_seconds": _number(seen.open_in, 1),
        "estimate": _expected(seen.estimate) if seen.estimate is not None else None,
        "why_not": why_not,
    }


def _expected(estimate: Estimate) -> dict[str, object]:
    return {
        "p_success": _number(estimate.p_success, 4),
        "seconds": _number(estimate.seconds, 4),
        "p95_seconds": _number(estimate.p95_seconds, 4),
        "usd": _number(estimate.usd, 8),
        "utility": _number(estimate.utility, 6),
        "samples": _number(estimate.samples, 1),
        "flagged": estimate.flagged,
    }


def _tried(attempt: Attempt) -> dict[str, object]:
    return {
        "route": attempt.route.value,
        "channel": attempt.channel or None,
        "number": attempt.number,
        "hedge": attempt.hedge,
        "seconds": round(attempt.seconds, 4),
        "waited_seconds": round(attempt.waited, 4),
        "budget_seconds": round(attempt.budget, 4),
        "carrier": attempt.carrier.value if attempt.carrier else None,
        "model": attempt.model or None,
        "simulated": attempt.simulated,
        "usd": _number(attempt.usd, 8),
        "failure": attempt.failure.kind.value if attempt.failure else None,
        "message": attempt.failure.message if attempt.failure else None,
    }


def _cached(outcome: Outcome) -> dict[str, object] | None:
    found = outcome.cached
    if found is None:
        return None
    return {"age_seconds": _number(found.age, 1), "stale": found.stale, "saved_usd": _number(found.saved_usd, 8)}


def _cost(outcome: Outcome) -> float | None:
    """Dollars of all attempts together; None when one of them has no known price."""
    total = 0.0
    for each in outcome.attempts:
        if each.usd is None:
            return None
        total += each.usd
    return _number(total, 8)


def _why_not(decision: Decision, route: RouteName) -> str | None:
    """Why a route is not in the plan: the gate, the conditions, or the row, which doesn't lead to it."""
    if route in decision.plan:
        return None
    if route in decision.clearance.forbidden:
        return decision.clearance.forbidden[route]
    left_out = f"{route} left out: "
    cut = next((each for each in decision.reasons if each.startswith(left_out)), None)
    return cut.removeprefix(left_out) if cut else f"row {decision.row} does not lead to it"


def _number(value: float | None, digits: int) -> float | None:
    """Rounded; None for what JSON has no number for."""
    return round(value, digits) if value is not None and isfinite(value) else None
