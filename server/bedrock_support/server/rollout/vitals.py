"""The seven health checks of a worker, by real calls through the front door, side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bedrock_support.server.rollout.checks import Check, tried
from bedrock_support.server.rollout.control import Control
from bedrock_support.server.rollout.levels import SUPPORT_MODE
from bedrock_support.server.rollout.plan import VITALS
from bedrock_support.server.rollout.steps import Step
from bedrock_support.server.rollout.synthetic import Called, Caller, flags_of, log_text
from bedrock_support.server.rollout.validation import Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The seven, of a worker by name. Their acts raise NoFront and Unreachable."""

    control: Control
    worker: str
    recorded: Callable[[], Awaitable[int]]
    """Counts the samples that the front wrote of the worker."""

    def steps(self) -> list[Step]:
        """What is learnt of the breaker rests on the calls before it, and so does what was recorded."""
        direct, mcp, router, breaker, compliance, audit, monitoring = VITALS
        return [
            Step(name=direct, act=self._with(lambda caller: tried(partial(self._direct, caller)))),
            Step(name=mcp, act=self._with(lambda caller: tried(partial(self._mcp, caller)))),
            Step(name=router, act=self._with(self._router)),
            Step(name=breaker, act=self._with(self._breaker), after=(direct,)),
            Step(name=compliance, act=self._with(self._compliance)),
            Step(name=audit, act=self._with(self._validation.audit)),
            Step(name=monitoring, act=self._with(self._monitoring), after=(direct, mcp, router, compliance, audit)),
        ]

    @property
    def _validation(self) -> Validation:
        return Validation(control=self.control, worker=self.worker)

    def _with(self, check: Callable[[Caller], Awaitable[Check]]) -> Callable[[], Awaitable[list[Check]]]:
        async def act() -> list[Check]:
            async with self.control.calling(self.worker) as caller:
                return [await check(caller)]

        return act

    async def _direct(self, caller: Caller) -> Check:
        called = await caller.triage("emergency", log_text(self.control.entropy))
        return _answered(VITALS[0], called, "direct", await caller.health())

    async def _mcp(self, caller: Caller) -> Check:
        called = await caller.triage("standard", log_text(self.control.entropy))
        return _answered(VITALS[1], called, "mcp", await caller.health())

    async def _router(self, caller: Caller) -> Check:
        routed = await caller.tool("explain_routing", {"operation_class": "infrastructure"})
        return Check(name=VITALS[2], ok=bool(routed), value={"told": bool(routed)})

    async def _breaker(self, caller: Caller) -> Check:
        health = await caller.health()
        guards: Mapping[str, Any] = health.get("guards") or {}
        direct: Mapping[str, Any] = guards.get("direct") or {}
        breaker = direct.get("breaker")
        return Check(name=VITALS[3], ok=breaker == "closed" or not _on(health), value={"direct": breaker})

    async def _compliance(self, caller: Caller) -> Check:
        check = await self._validation.compliance(caller)
        return check if _on(await caller.health()) else _waiting(check)

    async def _monitoring(self, caller: Caller) -> Check:
        routes: Mapping[str, Any] = (await caller.health()).get("routes") or {}
        count = await self.recorded()
        value: dict[str, object] = {"recorded": count, "routes": sorted(routes)}
        return Check(name=VITALS[6], ok=count > 0 and bool(routes), value=value)


def _on(health: Mapping[str, Any]) -> bool:
    """Whether support mode is."""
    return flags_of(health).get(SUPPORT_MODE, False)


def _answered(name: str, called: Called, route: str, health: Mapping[str, Any]) -> Check:
    """With support mode on a call must be answered there; with it off only that the route is set up can be seen."""
    if _on(health):
        ok = not called.error and called.route == route and called.model.get("used") is True
        return Check(name=name, ok=ok, value=called.as_table(), trace=called.decision_id)
    routes: Mapping[str, Any] = health.get("routes") or {}
    shown: Mapping[str, Any] = routes.get(route) or {}
    state = shown.get("state")
    value: dict[str, object] = {"support_mode": "off: nothing may be asked yet", "state": state}
    return Check(name=name, ok=not called.error and state != "unconfigured", value=value, trace=called.decision_id)


def _waiting(check: Check) -> Check:
    """With support mode off no brief is sent, so that nothing leaked is all that can be shown."""
    value = {**check.value, "support_mode": "off: no brief was sent"}
    return Check(name=check.name, ok=check.value.get("minimisation") == "met", value=value, trace=check.trace)
