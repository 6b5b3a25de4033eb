"""The gates on answers: time of generated and of remembered ones, hits among repeats, share of the budget.

Asked by calls of the rollout's own: what the users of a system ask again is theirs, so that a share of hits in their
traffic says nothing about a release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from bedrock_support.server.rollout.checks import Check
from bedrock_support.server.rollout.control import Control
from bedrock_support.server.rollout.gates import p95
from bedrock_support.server.rollout.synthetic import Called, Caller, log_text
from bedrock_support.telemetry.slo.objectives import shipped_objectives

ASKED_AS = "implementation"
"""The class of the calls: Bedrock comes first, and its answers are remembered."""
REPEATS = 5
"""Times that each question is asked again."""
AT_ONCE = 4
MOST_ASKED = 3
"""Questions at most, as a multiple of the samples needed: on a busy machine some are answered over MCP instead."""
OPTIMIZATION, SUPPORT_MODE = "ENABLE_PERFORMANCE_OPTIMIZATION", "ENABLE_BEDROCK_SUPPORT_MODE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What gates let through. Defaults are those of the objectives."""

    generated_seconds: float
    cached_seconds: float
    hits: float
    budget: float

    @staticmethod
    def of(given: Mapping[str, float]) -> Limits:
        """The shipped limits, some of them replaced. Raises ValueError for a name that is none."""
        shipped = {each.name: each for each in shipped_objectives()}
        limits = {
            "generated_seconds": shipped["generation_latency"].seconds or 0.0,
            "cached_seconds": shipped["cached_latency"].seconds or 0.0,
            "hits": shipped["cache_hits"].target,
            "budget": shipped["cost"].target,
        }
        if unknown := given.keys() - limits.keys():
            raise ValueError(f"{min(unknown)} is no limit; there are {', '.join(limits)}")
        return Limits(**{**limits, **given})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One synthetic call."""

    called: Called
    seconds: float
    repeat: bool

    @property
    def remembered(self) -> bool:
        return self.called.model.get("cached_age_s") is not None

    @property
    def generated(self) -> bool:
        """By Bedrock: what the calls' own stand-in answered over MCP says nothing of any model's time."""
        return self.called.model.get("used") is True and self.called.route == "direct" and not self.remembered


async def quality(control: Control, worker: str, least: int, limits: Limits) -> list[Check]:
    """The gates on a worker by name, each with at least so many samples. Raises NoFront, Unreachable."""
    async with control.calling(worker) as caller:
        flags = await caller.flags()
        spent = _spent(await caller.tool("get_cost_report", {"days": 1}))
    if not flags.get(SUPPORT_MODE):
        off: Mapping[str, object] = {"support_mode": "off: no answer is generated or remembered"}
        return [Check(name="gate: answers", ok=True, value=off), budget_gate(spent, limits)]
    made: list[Timed] = []
    begun = 0

    def wanted() -> bool:
        return begun < least or (sum(each.generated for each in made) < least and begun < least * MOST_ASKED)

    async def some() -> None:
        nonlocal begun
        async with control.calling(worker) as caller:
            while wanted():
                begun += 1
                await ask(caller, control, made)

    async with anyio.create_task_group() as group:
        for _ in range(min(AT_ONCE, least)):
            group.start_soon(some)
    return [*judged(made, least, limits, remembers=bool(flags.get(OPTIMIZATION))), budget_gate(spent, limits)]


async def ask(caller: Caller, control: Control, made: list[Timed], repeats: int = REPEATS) -> None:
    """One question, then the same again and again."""
    text = log_text(control.entropy)
    for turn in range(1 + repeats):
        began = control.clock.now()
        called = await caller.triage(ASKED_AS, text)
        made.append(Timed(called=called, seconds=control.clock.now() - began, repeat=turn > 0))


def judged(made: Sequence[Timed], least: int, limits: Limits, *, remembers: bool) -> list[Check]:
    """The gates on calls that were made. `remembers`: whether answers may be given again at all."""
    generated = [each.seconds for each in made if each.generated]
    checks = [_p95("generated answers", generated, least, limits.generated_seconds)]
    if not remembers:
        off: Mapping[str, object] = {"optimization": "off: no answer is remembered"}
        return [
            *checks,
            Check(name="gate: remembered answers", ok=not any(each.remembered for each in made), value=off),
        ]
    repeats = [each for each in made if each.repeat and not each.called.error]
    hits = sum(each.remembered for each in repeats) / len(repeats) if repeats else None
    known = len(repeats) >= least and hits is not None
    value = {"samples": len(repeats), "least": least, "rate": hits, "limit": limits.hits, "state": _state(known)}
    return [
        *checks,
        _p95("remembered answers", [each.seconds for each in made if each.remembered], least, limits.cached_seconds),
        Check(name="gate: repeats answered from memory", ok=known and (hits or 0.0) >= limits.hits, value=value),
    ]


def budget_gate(spent: float | None, limits: Limits) -> Check:
    """Without a budget there is nothing to keep to, which is said and holds nobody up."""
    if spent is None:
        return Check(name="gate: budget", ok=True, value={"state": "no budget is set"})
    return Check(name="gate: budget", ok=spent <= limits.budget, value={"rate": spent, "limit": limits.budget})


def _p95(what: str, seconds: Sequence[float], least: int, limit: float) -> Check:
    slow = p95(seconds)
    known = len(seconds) >= least and slow is not None
    value = {
        "samples": len(seconds),
        "least": least,
        "p95_seconds": None if slow is None else round(slow, 4),
        "limit_seconds": limit,
        "state": _state(known),
    }
    return Check(name=f"gate: p95 of {what}", ok=known and slow is not None and slow <= limit, value=value)


def _state(known: bool) -> str:
    return "known" if known else "unknown"


def _spent(report: Mapping[str, Any]) -> float | None:
    """The greatest share of any budget; None without budgets."""
    budgets: Sequence[Mapping[str, Any]] = report.get("budgets") or []
    return max((float(each["share"]) for each in budgets), default=None)
