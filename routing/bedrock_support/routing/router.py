"""IntelligentRouter: from a clearance and the conditions of the moment to an explained plan."""

from __future__ import annotations

from bedrock_support.routing.estimate import Estimate, choose
from bedrock_support.routing.matrix import Matrix, Row
from bedrock_support.routing.model import (
    Clearance,
    Conditions,
    Decision,
    Flags,
    Health,
    Kind,
    RouteCondition,
    RouteName,
    stopped,
)

MARGIN = 0.002
"""Gap in utility, as a share of a success, under which the matrix's own order stands."""

_UNSEEN = RouteCondition(health=Health.UNKNOWN, note="not reported")
_UNUSABLE = frozenset({Health.UNCONFIGURED})


class IntelligentRouter:
    """Pure: the same clearance, conditions and id give the same decision. No I/O, clock or chance."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix

    @property
    def matrix(self) -> Matrix:
        return self._matrix

    def decide(self, clearance: Clearance, conditions: Conditions, *, decision_id: str) -> Decision:
        """An ordered plan, possibly empty, with the row and every reason that shaped it.

        A plan only ever shrinks or changes order after its row: no step adds a route.
        """
        operation = clearance.operation
        flags = conditions.flags
        direct, mcp = (self._health(conditions, route) for route in (RouteName.DIRECT, RouteName.MCP))
        row = self._matrix.row(operation.op_class, direct, mcp)
        reasons = [f"row {row.name}: {row.why}"]
        plan = list(row.plan)
        for route in row.plan:
            if cut := self._cut(route, plan, row, clearance, conditions):
                plan.remove(route)
                reasons.append(f"{route} left out: {cut}")
        if not plan:
            reasons.append("no route is left: the local findings stand alone")
        elif not flags.intelligent_routing:
            reasons.append("intelligent routing is off: health and experience did not change the order")
        elif flags.health_monitoring:
            plan = _ordered(plan, conditions, reasons)
        return Decision(
            id=decision_id,
            clearance=clearance,
            plan=tuple(plan),
            row=row.name,
            reasons=tuple(reasons),
            priority=self._matrix.rules[operation.op_class].priority,
            policy=self._matrix.version,
            conditions=conditions,
            hedge=self._matrix.rules[operation.op_class].hedge and len(plan) > 1 and operation.kind is Kind.READ,
        )

    def explain(self, decision: Decision) -> str:
        """The decision in words, for people."""
        operation = decision.operation
        lines = [
            f"Decision {decision.id} for {operation.tool}, class {operation.op_class} ({decision.priority} priority).",
            f"Plan: {' then '.join(decision.plan) or 'none'} (policy {decision.policy}).",
            *(f"- {reason}" for reason in decision.reasons),
        ]
        for route in RouteName:
            seen = decision.conditions.routes.get(route, _UNSEEN)
            lines.append(f"- {route} was {seen.health} from {seen.samples} attempts. {seen.note}".rstrip())
            if seen.estimate is not None:
                lines.append(f"  {route} was expected {_worded(seen.estimate)}")
        return "\n".join(lines)

    @staticmethod
    def _health(conditions: Conditions, route: RouteName) -> Health:
        """Health as the matrix may see it: flags can blind the router, never mislead it."""
        seen = conditions.routes.get(route, _UNSEEN).health
        if seen is Health.UNCONFIGURED:
            return seen if conditions.flags.intelligent_routing else Health.UNKNOWN
        return seen if conditions.flags.health_monitoring and conditions.flags.intelligent_routing else Health.UNKNOWN

    @staticmethod
    def _cut(
        route: RouteName, plan: list[RouteName], row: Row, clearance: Clearance, conditions: Conditions
    ) -> str | None:
        """Why a route of the row can't be in this plan, or None."""
        flags: Flags = conditions.flags
        if halt := stopped(route, conditions.stops):
            return halt
        if not flags.support_mode:
            return "support mode is off"
        if route not in clearance.routes:
            return clearance.forbidden.get(route, "the compliance gate does not allow it")
        seen = conditions.routes.get(route, _UNSEEN)
        if seen.health in _UNUSABLE:
            return seen.note or "not configured"
        if route is RouteName.DIRECT and row.plan[0] is not route and not flags.direct_fallback and len(plan) > 1:
            return "the direct fallback is off"
        return None


def _ordered(plan: list[RouteName], conditions: Conditions, reasons: list[str]) -> list[RouteName]:
    """The plan by what each route may be expected to bring; what lets nothing pass now goes last."""
    seen = {route: conditions.routes.get(route, _UNSEEN) for route in plan}
    estimates = {route: each.estimate for route, each in seen.items() if each.estimate is not None}
    ordered = plan
    # A route that nothing is known of can't be weighed against one that something is known of.
    if len(estimates) == len(plan) and all(each.samples > 0 for each in estimates.values()):
        ordered = list(choose(estimates, plan, MARGIN))
        if ordered != plan:
            best, other = (f"{route} {_worded(estimates[route])}" for route in ordered[:2])
            reasons.append(f"experience changed the order: {best}; {other}")
    held = [route for route in ordered if seen[route].open_in > 0]
    if held and len(held) < len(ordered):
        reasons += [f"{route} goes last: its guard lets nothing pass for {seen[route].open_in:.1f} s" for route in held]
        return [route for route in ordered if route not in held] + held
    return ordered


def _worded(estimate: Estimate) -> str:
    cost = "cost unknown" if estimate.usd is None else f"{estimate.usd:.4f} USD"
    return (
        f"to answer in time with {estimate.p_success:.0%}, after {estimate.seconds:.1f} s, {cost}, "
        f"worth {estimate.utility:.3f} (from {estimate.samples:.0f} attempts)"
    )
