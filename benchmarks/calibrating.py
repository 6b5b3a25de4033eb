"""How far confidences are from what was right."""

from __future__ import annotations


def calibration_error(pairs: list[tuple[float, bool]]) -> float:
    """Expected calibration error over ten bins of confidence."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for each in pairs:
        bins.setdefault(min(9, int(each[0] * 10)), []).append(each)
    gaps = [
        len(held) * abs(sum(sure for sure, _ in held) / len(held) - sum(right for _, right in held) / len(held))
        for held in bins.values()
    ]
    return sum(gaps) / len(pairs) if pairs else 0.0
