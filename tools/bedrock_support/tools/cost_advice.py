"""What would save most next, told by what was spent: estimates over the days reported, each with its rule."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from bedrock_support.routing.model import OperationClass, RouteName
from bedrock_support.routing.optimizing.spending import NOWHERE, Line, Sums, direct, total
from bedrock_support.routing.prices import price_of
from bedrock_support.tools.envelope import Result

_URGENT = (OperationClass.EMERGENCY.value, OperationClass.INFRASTRUCTURE.value)
WORTH = 0.0001
"""USD below which nothing is said."""


class Saving(Result):
    """One thing to change."""

    what: str
    usd: float = Field(description="What it would have saved in these days, as far as the sums tell")
    because: str


def savings(lines: Sequence[Line]) -> list[Saving]:
    """Every change that the sums speak for, the greatest first."""
    found = [*_smaller_model(lines), *_failures(lines), *_own_model(lines)]
    return sorted((each for each in found if each.usd >= WORTH), key=lambda each: -each.usd)


def _smaller_model(lines: Sequence[Line]) -> list[Saving]:
    """The same tokens at the price of the cheapest model that these calls used."""
    billed = [each for each in direct(lines) if each.model and price_of(each.model)]
    if not billed:
        return []
    cheapest = min({each.model for each in billed}, key=_rate)
    found: list[Saving] = []
    for model in {each.model for each in billed} - {cheapest}:
        sums = total(each for each in billed if each.model == model)
        share = 1.0 - _rate(cheapest) / _rate(model)
        found.append(
            Saving(
                what=f"use {cheapest} where {model} answers now, if its answers are good enough",
                usd=round(sums.usd * share, 6),
                because=f"{sums.calls} calls cost {sums.usd:.4f} USD; per token it costs {1 - share:.0%} of that",
            )
        )
    return found


def _failures(lines: Sequence[Line]) -> list[Saving]:
    sums = total(direct(lines))
    if not sums.calls:
        return []
    because = f"{sums.failed_usd:.4f} of {sums.usd:.4f} USD went into attempts without an answer"
    return [Saving(what="find out why attempts fail (explain_routing)", usd=round(sums.failed_usd, 6), because=because)]


def _own_model(lines: Sequence[Line]) -> list[Saving]:
    """Classes that can wait, sent over MCP: their direct attempts cost what the agent's own model doesn't."""
    by_class: dict[str, Sums] = {}
    for each in direct(lines):
        if each.op_class not in _URGENT:
            by_class.setdefault(each.op_class, Sums()).add(each.sums)
    served = {each.op_class for each in lines if each.route == RouteName.MCP.value}
    return [
        Saving(
            what=f"let the agent's own model take {op_class} (MCP first)",
            usd=round(sums.usd, 6),
            because=f"{sums.calls} calls of it went to Bedrock, and over MCP it has been answered too",
        )
        for op_class, sums in by_class.items()
        if op_class in served and op_class != NOWHERE
    ]


def _rate(model: str) -> float:
    """USD per million tokens, three of input to one of output, as these calls have it."""
    price = price_of(model)
    return float("inf") if price is None else 0.75 * price.input + 0.25 * price.output
