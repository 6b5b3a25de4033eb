"""The six synthetic checks of a running system: each a real call through the front door, each with its decision id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio

from bedrock_support.routing.clock import Entropy
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.rollout.checks import Check, tried
from bedrock_support.server.rollout.control import Control, NoFront, Unsettled
from bedrock_support.server.rollout.files import Wanted
from bedrock_support.server.rollout.plan import FALLBACK, VALIDATIONS
from bedrock_support.server.rollout.synthetic import Caller, Unreachable, log_text

OPTIMIZATION = "ENABLE_PERFORMANCE_OPTIMIZATION"
PROBE = "probe"
"""Name of the worker that is started for the fallback check, and ended after it."""
DEAD_END = {
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nobody",
    "AWS_SESSION_TOKEN": "",
    "ENABLE_PERFORMANCE_OPTIMIZATION": "false",
}
"""A Bedrock that refuses every connection: port 9 is discard's, which nobody serves. No credential is sent there."""
PERSON, PERSON_CARD = "erika.mustermann@example.org", "DE89370400440532013000"
"""Made-up personal data; the account is the usual example of an IBAN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Runs the checks. Every check returns and raises nothing of its own."""

    control: Control
    worker: str = ""
    """Ask this worker by name; else whoever the weights give."""

    @property
    def entropy(self) -> Entropy:
        return self.control.entropy

    def checks(self) -> dict[str, Callable[[], Awaitable[Check]]]:
        """The six by name; none needs another."""
        acts = (self.routing, self.direct, self.fallback, self.cache, self.compliance, self.audit)
        made: dict[str, Callable[[], Awaitable[Check]]] = {
            name: partial(self._checked, name, act) for name, act in zip(VALIDATIONS, acts, strict=True)
        }
        # A leak, or a call without its record, is one too many: no second try makes it good.
        late = {name: partial(tried, made[name]) for name in ("routing decision", "direct call", "cache")}
        return made | late

    async def all(self) -> list[Check]:
        """The six: five side by side, then the one that starts a process of its own, which takes a core for itself."""
        found: dict[str, Check] = {}
        checks = self.checks()

        async def one(name: str) -> None:
            found[name] = await checks[name]()

        async with anyio.create_task_group() as group:
            for name in checks:
                if name != FALLBACK:
                    group.start_soon(one, name)
        await one(FALLBACK)
        return [found[name] for name in VALIDATIONS]

    async def _checked(self, name: str, check: Callable[[Caller], Awaitable[Check]]) -> Check:
        try:
            async with self.control.calling(self.worker) as caller:
                return await check(caller)
        except (Unreachable, NoFront, Unsettled, SettingsError, OSError) as error:
            return Check(name=name, ok=False, value={"problem": str(error)})

    async def routing(self, caller: Caller) -> Check:
        """A standard call leaves a decision that can be read back: row, plan and reasons, the route the plan's."""
        called = await caller.triage("standard", log_text(self.entropy))
        decision = await caller.decision(called.decision_id) if called.decision_id else {}
        sound = bool(decision.get("row") and decision.get("reasons")) and called.route in (decision.get("plan") or [])
        return _about("routing decision", not called.error and sound, called.as_table() | _of(decision), decision)

    async def direct(self, caller: Caller) -> Check:
        """An emergency is answered by Bedrock."""
        called = await caller.triage("emergency", log_text(self.entropy))
        decision = await caller.decision(called.decision_id) if called.decision_id else {}
        ok = not called.error and called.route == "direct" and called.model.get("used") is True
        return _about("direct call", ok, called.as_table() | _of(decision), decision)

    async def fallback(self, _: Caller) -> Check:
        """With a Bedrock that refuses connections, urgent work is tried on direct and answered over MCP."""
        control = self.control
        refused: list[bool] = []
        probe = Wanted(name=PROBE, weight=0, generation=control.generation(), env=DEAD_END)
        try:
            await control.settle(await control.wish(lambda fleet: fleet.with_worker(probe)))
            async with control.calling(PROBE) as caller:
                return await tried(partial(self._fell_over, caller, refused))
        finally:
            with anyio.CancelScope(shield=True):  # a check beside this one may have failed
                await control.settle(await control.wish(lambda fleet: fleet.without(PROBE)))

    async def _fell_over(self, caller: Caller, refused: list[bool]) -> Check:
        """`refused` holds what earlier tries saw: a route that refused them is rightly not asked first any more."""
        called = await caller.triage("infrastructure", log_text(self.entropy))
        decision = await caller.decision(called.decision_id) if called.decision_id else {}
        attempts: list[Mapping[str, Any]] = decision.get("attempts") or []
        refused.append(any(each.get("route") == "direct" and each.get("failure") for each in attempts))
        ok = not called.error and called.route == "mcp" and called.model.get("used") is True and any(refused)
        return _about("MCP fallback", ok, called.as_table() | _of(decision), decision)

    async def cache(self, caller: Caller) -> Check:
        """The same question twice is answered from memory when the optimizer is on, and not when it is off."""
        text = log_text(self.entropy)
        wanted = (await caller.flags()).get(OPTIMIZATION)
        first, second = await caller.triage("implementation", text), await caller.triage("implementation", text)
        decision = await caller.decision(second.decision_id) if second.decision_id else {}
        cached = bool(decision.get("cached"))
        ok = not first.error and not second.error and bool(decision) and wanted is not None and cached == wanted
        return _about("cache", ok, {"cached": cached, "optimization": wanted} | _of(decision), decision)

    async def compliance(self, caller: Caller) -> Check:
        """Personal data in a log doesn't reach the model, and the gate says of itself that it redacts."""
        text = f"{log_text(self.entropy)}2026-01-05T09:02:02Z ERROR mail to {PERSON} failed, account {PERSON_CARD}\n"
        called = await caller.triage("standard", text)
        brief = " ".join(caller.briefs)
        leaked = [kind for kind, data in (("e-mail", PERSON), ("IBAN", PERSON_CARD)) if data in brief]
        report = await caller.tool("compliance_report", {})
        state = _statement(report, "minimisation")
        value = {"briefs": len(caller.briefs), "leaked": leaked, "minimisation": state, **called.as_table()}
        ok = not called.error and bool(brief) and not leaked and state == "met"
        return Check(name="compliance", ok=ok, value=value, trace=called.decision_id)

    async def audit(self, caller: Caller) -> Check:
        """A call appears in the audit trail, and the trail verifies."""
        before = _operations(await caller.tool("compliance_report", {}))
        called = await caller.triage("standard", log_text(self.entropy))
        report = await caller.tool("compliance_report", {})
        state, after = _statement(report, "audit"), _operations(report)
        value = {"audit": state, "operations_before": before, "operations_after": after}
        ok = not called.error and state == "met" and after > before
        return Check(name="audit", ok=ok, value=value, trace=called.decision_id)


def _about(name: str, ok: bool, value: Mapping[str, object], decision: Mapping[str, Any]) -> Check:
    return Check(name=name, ok=ok, value=value, trace=str(decision.get("id") or ""))


def _of(decision: Mapping[str, Any]) -> dict[str, object]:
    attempts: list[Mapping[str, Any]] = decision.get("attempts") or []
    shown = [{name: each.get(name) for name in ("route", "failure", "seconds", "simulated")} for each in attempts]
    return {"row": decision.get("row"), "plan": decision.get("plan"), "attempts": shown}


def _statement(report: Mapping[str, Any], name: str) -> str:
    stated: list[Mapping[str, Any]] = report.get("statements") or []
    return next((str(each.get("state")) for each in stated if each.get("id") == name), "unknown")


def _operations(report: Mapping[str, Any]) -> int:
    processing: Mapping[str, Any] = report.get("processing") or {}
    counted: Mapping[str, int] = processing.get("operations") or {}
    return sum(counted.values())
