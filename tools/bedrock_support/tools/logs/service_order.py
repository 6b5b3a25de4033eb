"""The finding about which service failed first."""

from __future__ import annotations

from collections.abc import Sequence

from bedrock_support.tools.envelope import Finding
from bedrock_support.tools.logs.quotes import Quotes, readable
from bedrock_support.tools.logs.services import SKEW_SECONDS, FirstError
from bedrock_support.tools.logs.times import shown

SURE, CLOSE, PART = 0.7, 0.4, 0.2
"""Confidence when the first leads by more than clocks differ, when not, and what is taken off if a part was read."""
_SHOWN = 6


def order_finding(errors: Sequence[FirstError], quotes: Quotes, number: int, whole: bool) -> list[Finding]:
    """One finding for two services and more, none for fewer; its evidence is the first error of each."""
    if len(errors) < 2:
        return []
    first, second = errors[0], errors[1]
    lead = second.seconds - first.seconds
    names = [readable(each.service.encode(), 60) for each in errors]
    steps = [f"{name} {shown(each.seconds)}" for name, each in zip(names, errors, strict=True)]
    rest = f", and {len(steps) - _SHOWN} more" if len(steps) > _SHOWN else ""
    close = lead <= SKEW_SECONDS
    caveat = (
        f"The first two are {lead} s apart, which clocks of two machines may hide."
        if close
        else f"It leads by {lead} s; a clock that is wrong by more would change the order."
    )
    path, line = quotes.where(first.place)
    value = (CLOSE if close else SURE) - (0 if whole else PART)
    return [
        Finding(
            id=f"F{number}",
            severity="medium",
            title=f"First to fail of {len(errors)} services: {names[0]}",
            detail=f"First errors: {', then '.join(steps[:_SHOWN])}{rest}. {caveat}",
            path=path,
            line=line,
            confidence=round(value, 2),
            evidence_ids=[quotes.cite(each.place, "log line") for each in errors[:_SHOWN]],
            disproof="The services' clocks differ by more than the lead, or an earlier error was not logged",
        )
    ]
