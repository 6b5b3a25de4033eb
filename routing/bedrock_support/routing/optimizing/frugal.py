"""What becomes of a plan as its budget runs out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from bedrock_support.routing.model import Decision, ModelRole, OperationClass, RouteName
from bedrock_support.routing.optimizing.budget import URGENT, Step
from bedrock_support.routing.optimizing.choice import with_role

_HOLDS = (Step.MCP_FIRST, Step.URGENT_ONLY, Step.SPENT)


@dataclass(frozen=True, slots=True)
class Frugal:
    """A decision, and why it is no longer what the router made it."""

    decision: Decision
    reason: str = ""

    def _with(self, plan: tuple[RouteName, ...], reason: str) -> Self:
        decision = replace(self.decision, plan=plan, reasons=(*self.decision.reasons, reason))
        return type(self)(decision, reason)

    def without_direct(self, reason: str) -> Self:
        """The plan less the route that costs money."""
        return self._with(tuple(each for each in self.decision.plan if each is not RouteName.DIRECT), reason)

    def mcp_first(self, reason: str) -> Self:
        """The same routes, the free one first."""
        if RouteName.MCP not in self.decision.plan:
            return self
        return self._with((RouteName.MCP, *(each for each in self.decision.plan if each is not RouteName.MCP)), reason)

    def cheaper(self, reason: str) -> Self:
        """The same plan with the smallest model."""
        operation = self.decision.operation
        if operation.model_role is ModelRole.FAST:
            return self
        decision = with_role(self.decision, ModelRole.FAST, f"{ModelRole.FAST}: {reason}")
        return type(self)(replace(decision, reasons=(*decision.reasons, reason)), reason)

    def unless_emergency(self, reason: str) -> Self:
        """Without the direct route, but for an emergency."""
        emergency = self.decision.operation.op_class is OperationClass.EMERGENCY
        return self if emergency else self.without_direct(reason)


def within_budget(decision: Decision, step: Step, *, priced: bool) -> Frugal:
    """The decision as far as its tightest budget bears it: cheaper at 75 %, MCP first at 90 %, urgent only at 95 %."""
    found = Frugal(decision)
    if not priced:
        # Unknown is not nothing: a model without a price would spend past any budget unseen.
        return found.unless_emergency("the model has no price in prices.toml, and a budget is set")
    if step is Step.NONE or decision.operation.op_class is OperationClass.EMERGENCY:
        return found
    words = f"budget {step}"
    if decision.operation.op_class not in URGENT:
        if decision.conditions.flags.optimization:
            found = found.cheaper(f"{words}: smallest model")
        if step in _HOLDS:
            found = found.mcp_first(f"{words}: MCP first")
        if step is Step.URGENT_ONLY:
            found = found.without_direct(f"{words}: the direct route is kept for what is urgent")
    return found.without_direct(words) if step is Step.SPENT else found
