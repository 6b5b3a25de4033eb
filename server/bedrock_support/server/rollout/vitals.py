"""The seven health checks of a worker, by real calls through the front door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bedrock_support.server.rollout.checks import Check
from bedrock_support.server.rollout.control import Control
from bedrock_support.server.rollout.levels import SUPPORT_MODE
from bedrock_support.server.rollout.synthetic import Called, calling, log_text
from bedrock_support.server.rollout.validation import Validation


async def vitals(control: Control, worker: str, recorded: Callable[[], Awaitable[int]]) -> list[Check]:
    """The seven, of a worker by name; `recorded` counts the samples that the front wrote of it. Raises Unreachable."""
    validation = Validation(control=control, worker=worker)
    async with calling(await control.url(), worker) as caller:
        on = (await caller.flags()).get(SUPPORT_MODE, False)
        urgent = await caller.triage("emergency", log_text(control.entropy))
        usual = await caller.triage("standard", log_text(control.entropy))
        routed = await caller.tool("explain_routing", {"operation_class": "infrastructure"})
        health = await caller.health()
        compliance, audit = await validation.compliance(caller), await validation.audit(caller)
    routes: Mapping[str, Any] = health.get("routes") or {}
    guards: Mapping[str, Any] = health.get("guards") or {}
    count = await recorded()
    direct: Mapping[str, Any] = guards.get("direct") or {}
    breaker = direct.get("breaker")
    return [
        _answered("direct Bedrock connection", urgent, "direct", on, routes),
        _answered("MCP router", usual, "mcp", on, routes),
        Check(name="intelligent router", ok=bool(routed), value={"told": bool(routed)}),
        Check(name="circuit breaker", ok=breaker == "closed" or not on, value={"direct": breaker}),
        compliance if on else _waiting(compliance),
        audit,
        Check(name="monitoring", ok=count > 0 and bool(routes), value={"recorded": count, "routes": sorted(routes)}),
    ]


def _answered(name: str, called: Called, route: str, on: bool, routes: Mapping[str, Any]) -> Check:
    """With support mode on a call must be answered there; with it off only that the route is set up can be seen."""
    if on:
        ok = not called.error and called.route == route and called.model.get("used") is True
        return Check(name=name, ok=ok, value=called.as_table(), trace=called.decision_id)
    shown: Mapping[str, Any] = routes.get(route) or {}
    state = shown.get("state")
    value: dict[str, object] = {"support_mode": "off: nothing may be asked yet", "state": state}
    return Check(name=name, ok=not called.error and state != "unconfigured", value=value, trace=called.decision_id)


def _waiting(check: Check) -> Check:
    """With support mode off no brief is sent, so that nothing leaked is all that can be shown."""
    value = {**check.value, "support_mode": "off: no brief was sent"}
    return Check(name=check.name, ok=check.value.get("minimisation") == "met", value=value, trace=check.trace)
