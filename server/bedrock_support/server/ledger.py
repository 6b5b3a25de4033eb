"""DecisionLedger: the last decisions with what came of them, for people and for explain."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from bedrock_support.routing.model import Outcome

CAPACITY = 1000


class DecisionLedger:
    """Bounded and in memory; the oldest entry gives way. Holds no prompt and no answer."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[str, dict[str, object]] = OrderedDict()

    def add(self, outcome: Outcome, explanation: str, at: float) -> None:
        """Keep what is safe to keep of an outcome. `at` is Unix seconds."""
        decision = outcome.decision
        if decision is None:
            return
        self._entries[decision.id] = {
            "id": decision.id,
            "at": at,
            "tool": outcome.operation.tool,
            "operation_class": outcome.operation.op_class.value,
            "row": decision.row,
            "plan": list(decision.plan),
            "reasons": list(decision.reasons),
            "policy": decision.policy,
            "propensity": decision.propensity,
            "conditions": {
                route.value: {"health": seen.health.value, "samples": seen.samples, "note": seen.note}
                for route, seen in decision.conditions.routes.items()
            },
            "attempts": [
                {
                    "route": each.route.value,
                    "number": each.number,
                    "seconds": round(each.seconds, 4),
                    "budget_seconds": round(each.budget, 4),
                    "carrier": each.carrier.value if each.carrier else None,
                    "model": each.model or None,
                    "simulated": each.simulated,
                    "failure": each.failure.kind.value if each.failure else None,
                    "message": each.failure.message if each.failure else None,
                }
                for each in outcome.attempts
            ],
            "ended": ended(outcome),
            "seconds": round(outcome.seconds, 4),
            "explanation": explanation,
        }
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def find(self, decision_id: str) -> dict[str, object] | None:
        return self._entries.get(decision_id)

    def newest(self) -> Iterator[dict[str, object]]:
        return reversed(self._entries.values())

    def note(self, decision_id: str, key: str, value: object) -> None:
        """Add a later fact, such as a handed-over answer that came back."""
        if entry := self._entries.get(decision_id):
            entry[key] = value


def ended(outcome: Outcome) -> str:
    """How an outcome ended, in one word."""
    if outcome.reply is not None:
        return "answered"
    if outcome.handoff is not None:
        return "handed_over"
    return "refused" if outcome.refusal is not None else "failed"
