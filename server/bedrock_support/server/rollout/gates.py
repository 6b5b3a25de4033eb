"""The gates: pure functions of recorded samples. Too few samples are unknown, and unknown fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

from bedrock_support.server.rollout.checks import Check
from bedrock_support.server.rollout.store import Sample
from bedrock_support.telemetry.window import nearest_rank

MOST_ERRORS = 0.01
"""Share of calls that may fail."""
SURE = 0.95
REQUIRED = ("standard", "infrastructure")
"""Classes that must have shown themselves; synthetic calls supply what traffic doesn't."""


def p95(values: Sequence[float]) -> float | None:
    """The 95th percentile by nearest rank; None of nothing."""
    return nearest_rank(values, 0.95)


def upper_bound(failed: int, count: int) -> float:
    """The true rate of failures is below this with 95 % confidence (Clopper and Pearson 1934, one-sided)."""
    if count == 0 or failed >= count:
        return 1.0
    low, high = failed / count, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        below = sum(comb(count, k) * middle**k * (1 - middle) ** (count - k) for k in range(failed + 1))
        low, high = (middle, high) if below > 1 - SURE else (low, middle)
    return high


def judge(samples: Sequence[Sample], deadlines: Mapping[str, float], least: int, lost: int) -> list[Check]:
    """All gates on samples of one worker generation.

    Args:
        deadlines: seconds by class.
        least: samples that each gate needs.
        lost: samples that the front could not write meanwhile.
    """
    # Whatever failed counts, but only calls of tools count as done: handshakes would thin the failures out.
    failed = sum(not each.ok for each in samples)
    count = sum(each.of_tool for each in samples)
    rate = failed / count if count else None
    problems = sorted({each.problem for each in samples if each.problem})[:5]
    checks = [
        Check(name="gate: all samples were recorded", ok=lost == 0, value={"lost": lost}),
        Check(
            name="gate: errors",
            ok=count >= least and rate is not None and rate <= MOST_ERRORS,
            value={
                "samples": count,
                "least": least,
                "failed": failed,
                "rate": rate,
                "limit": MOST_ERRORS,
                "below_with_95_percent_confidence": round(upper_bound(min(failed, 500), min(count, 500)), 4),
                "problems": problems,
                "state": "known" if count >= least else "unknown",
            },
        ),
    ]
    seen = {each.op_class for each in samples if each.op_class}
    for op_class in sorted(seen | set(REQUIRED)):
        took = [each.ms / 1000 for each in samples if each.op_class == op_class]
        known = len(took) >= least
        if not known and op_class not in REQUIRED:
            continue  # rare in traffic, and not asked for
        slow = p95(took)
        limit = deadlines[op_class]
        checks.append(
            Check(
                name=f"gate: p95 of {op_class}",
                ok=known and slow is not None and slow <= limit,
                value={
                    "samples": len(took),
                    "least": least,
                    "p95_seconds": None if slow is None else round(slow, 4),
                    "limit_seconds": limit,
                    "state": "known" if known else "unknown",
                },
            )
        )
    return checks


def missing(samples: Sequence[Sample], least: int) -> dict[str, int]:
    """How many more samples each required class needs."""
    have = {name: sum(each.op_class == name for each in samples) for name in REQUIRED}
    return {name: least - count for name, count in have.items() if count < least}
