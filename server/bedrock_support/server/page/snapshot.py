"""What the page shows, as one JSON object. Every figure comes from the parts that keep it; null is unknown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from anyio import to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.matrix import shipped
from bedrock_support.server.manager import BedrockSupportManager
from bedrock_support.server.system import SystemHealth

SHOWN = 50
"""Decisions."""
RECENT = 500
"""Decisions that latencies are of."""
FRESH = 0.5
"""Seconds for which one snapshot serves every reader."""
SLOW_FRESH = 5.0
"""The same for what is read from files: cost and queue."""


@dataclass(slots=True, kw_only=True)
class Snapshots:
    """Makes snapshots, at most one each FRESH seconds whoever asks. For one event loop."""

    manager: BedrockSupportManager
    system: SystemHealth
    clock: Clock
    cost: Callable[[], object]
    """The cost report of this month so far; blocks."""
    queue: Callable[[], Awaitable[object]] | None
    jaeger: str | None
    _kept: tuple[float, dict[str, Any]] | None = None
    _slow: tuple[float, dict[str, Any]] | None = None

    async def now(self) -> dict[str, Any]:
        """The newest snapshot."""
        at = self.clock.now()
        if self._kept is None or at - self._kept[0] >= FRESH:
            self._kept = at, await self._made()
        return self._kept[1]

    async def _made(self) -> dict[str, Any]:
        health = await self.manager.health_report()
        report = self.system.report()
        decisions = [each for each, _ in zip(self.manager.ledger.newest(), range(RECENT), strict=False)]
        return {
            "at": self.clock.wall(),
            "state": report.state,
            "simulated": any(_simulated(each) for each in decisions[:SHOWN]),
            "components": [asdict_of(each) for each in report.components],
            "routes": health["routes"],
            "guards": health["guards"],
            "lifecycle": health["lifecycle"],
            "flags": health["flags"],
            "overhead": self.manager.guardian.overhead.report(),
            "objectives": [
                {
                    "title": each.objective.title,
                    "gate": each.objective.gate,
                    "target": each.objective.target,
                    "share": each.share,
                    "events": each.good + each.bad,
                    "met": each.met,
                    "alerts": [
                        f"{alert.rule.severity} {alert.rule.long / 3600:g} h" for alert in each.alerts if alert.fires
                    ],
                }
                for each in self.system.board.standing()
            ],
            "latencies": latencies(decisions),
            "cache": cache(decisions),
            "decisions": [brief(each) for each in decisions[:SHOWN]],
            "jaeger": self.jaeger,
            **await self._slow_part(),
        }

    async def _slow_part(self) -> dict[str, Any]:
        at = self.clock.now()
        if self._slow is None or at - self._slow[0] >= SLOW_FRESH:
            cost = await to_thread.run_sync(self.cost)
            queue = None if self.queue is None else asdict_of(await self.queue())
            self._slow = at, {"cost": asdict_of(cost), "queue": queue}
        return self._slow[1]


def asdict_of(value: Any) -> dict[str, Any]:
    """A dataclass or a pydantic model as plain JSON values."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return asdict(value)


def latencies(decisions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """By class: count, 50th and 95th percentile by nearest rank and maximum, in seconds, beside the deadline."""
    rows: list[dict[str, Any]] = []
    for op_class, rule in shipped().rules.items():
        took = sorted(float(each["seconds"]) for each in decisions if each["operation_class"] == op_class.value)
        rows.append(
            {
                "class": op_class.value,
                "deadline": rule.deadline,
                "count": len(took),
                "p50": _rank(took, 0.5),
                "p95": _rank(took, 0.95),
                "most": took[-1] if took else None,
            }
        )
    return rows


def cache(decisions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many of the answers were given again."""
    answered = [each for each in decisions if each["ended"] == "answered"]
    hits = sum(each["cached"] is not None for each in answered)
    return {"answered": len(answered), "hits": hits, "rate": hits / len(answered) if answered else None}


def brief(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A decision as a row: the rest is asked for by its id."""
    attempts: list[Mapping[str, Any]] = entry["attempts"]
    return {
        "id": entry["id"],
        "at": entry["at"],
        "tool": entry["tool"],
        "class": entry["operation_class"],
        "plan": entry["plan"],
        "ended": entry["ended"],
        "seconds": entry["seconds"],
        "usd": entry["usd"],
        "cached": entry["cached"] is not None,
        "attempts": len(attempts),
        "simulated": _simulated(entry),
    }


def _simulated(entry: Mapping[str, Any]) -> bool:
    return any(each["simulated"] for each in entry["attempts"])


def _rank(ordered: Sequence[float], share: float) -> float | None:
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None
