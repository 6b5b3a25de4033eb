"""How much of the trouble at one entity another could account for: its extra seconds and failures, times its calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bedrock_support.tools.causes.model import Kind, Shift

LEAST = 0.02
"""A factor never falls below: measures may miss calls."""
_MEAN = re.compile(r"\b(average|avg|mean)\b", re.IGNORECASE)
_QUANTILE = re.compile(r"(\bp\d\d|\d\d$|max|min|quantile|percentile)", re.IGNORECASE)


def main_shift(shifts: Iterable[Shift], kind: Kind, metric: str | None = None) -> Shift | None:
    """The shift that stands for a kind: of the metric asked for, else of means, else of what isn't a quantile."""
    fitting = [each for each in shifts if each.series.kind == kind and not each.series.own]

    def order(each: Shift) -> tuple[bool, bool, bool]:
        name = each.series.metric
        return (name != metric, _MEAN.search(name) is None, _QUANTILE.search(name) is not None)

    return min(fitting, key=order, default=None)


def factors(shifts: Mapping[str, Sequence[Shift]], target: str, kinds: Iterable[Kind]) -> dict[str, float]:
    """For each entity with known traffic: from LEAST (can't explain the target's trouble) to 1 (can)."""
    if target not in shifts or not (calls := _traffic(shifts[target])):
        return {}
    extra: dict[Kind, float] = {kind: _extra(shifts[target], kind) for kind in kinds}
    found: dict[str, float] = {}
    for entity, own in shifts.items():
        rate = _traffic(own)
        shares = [
            _extra(own, kind) * rate / calls / whole for kind, whole in extra.items() if rate is not None and whole > 0
        ]
        if shares:
            found[entity] = min(1.0, max([LEAST, *shares]))
    return found


def _traffic(shifts: Sequence[Shift]) -> float | None:
    return max((each.during for each in shifts if each.series.kind == "traffic"), default=None)


def _extra(shifts: Sequence[Shift], kind: Kind) -> float:
    shift = main_shift(shifts, kind)
    felt = [shift] if shift is not None else []
    if kind == "errors":
        # Who is gone counts no errors itself; its callers do.
        felt += [each for each in shifts if each.series.own and each.series.kind == kind]
    more = [each.before - each.during if kind == "availability" else each.during - each.before for each in felt]
    return max((extra for extra, each in zip(more, felt, strict=True) if each.score > 0), default=0.0)
