"""What the page shows of past decisions, of objectives and of money, in values that JSON can hold. None is unknown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from bedrock_support.telemetry.slo.board import Standing
from bedrock_support.telemetry.window import nearest_rank
from bedrock_support.tools.cost import CostReport

EDGES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Upper bounds of the bars of a distribution, as shares of the class's deadline; the last bar is above it."""
Entry = Mapping[str, Any]


def row(entry: Entry) -> dict[str, object]:
    """One line of the list of decisions. `entry` is the ledger's."""
    plan = entry["plan"]
    attempts = cast("list[dict[str, object]]", entry["attempts"])
    return {
        "id": entry["id"],
        "at": entry["at"],
        "tool": entry["tool"],
        "operation_class": entry["operation_class"],
        "row": entry["row"],
        "route": plan[0] if plan else None,
        "ended": entry["ended"],
        "seconds": entry["seconds"],
        "usd": entry["usd"] if attempts else None,
        "cached": entry["cached"] is not None,
        "attempts": len(attempts),
        "simulated": any(each["simulated"] for each in attempts),
    }


def latencies(entries: Iterable[Entry], deadlines: Mapping[str, float]) -> list[dict[str, object]]:
    """By class: how long answered calls took against the class's deadline in seconds."""
    taken: dict[str, list[float]] = {name: [] for name in deadlines}
    for each in entries:
        if each["ended"] == "answered":
            taken[each["operation_class"]].append(each["seconds"])
    return [_distribution(name, deadlines[name], sorted(found)) for name, found in taken.items()]


def _distribution(name: str, deadline: float, seconds: Sequence[float]) -> dict[str, object]:
    below = [bisect_right(seconds, edge * deadline) for edge in EDGES]
    counts = [end - start for start, end in pairwise((0, *below, len(seconds)))]
    return {
        "operation_class": name,
        "deadline_seconds": deadline,
        "samples": len(seconds),
        "p50_seconds": nearest_rank(seconds, 0.5),
        "p95_seconds": nearest_rank(seconds, 0.95),
        "within_deadline": round(1.0 - counts[-1] / len(seconds), 4) if seconds else None,
        "counts": counts if seconds else None,
    }


def objective(found: Standing) -> dict[str, object]:
    """One objective, with its fastest burn over a rule's long window."""
    burns = [each.long_burn for each in found.alerts if each.long_burn is not None and each.fires is not None]
    known = [each.fires for each in found.alerts if each.fires is not None]
    return {
        "name": found.objective.name,
        "title": found.objective.title,
        "target": found.objective.target,
        "good": found.good,
        "bad": found.bad,
        "share": None if found.share is None else round(found.share, 4),
        "met": found.met,
        "burn": round(max(burns), 2) if burns else None,
        "fires": any(known) if known else None,
    }


def money(report: CostReport) -> dict[str, object]:
    """Cost against budget, and what the cache did, of the days reported."""
    return {
        "first_day": report.first_day,
        "last_day": report.last_day,
        "calls": report.calls,
        "spent_usd": report.spent_usd,
        "unknown_cost_calls": report.unknown_cost_calls,
        "cache_hit_rate": report.cache_hit_rate,
        "saved_by_answer_cache_usd": report.saved_by_answer_cache_usd,
        "saved_by_prompt_cache_usd": report.saved_by_prompt_cache_usd,
        "budgets": [each.model_dump() for each in report.budgets],
    }
