"""get_cost_report: what models cost, what was saved, and what would save most next. No model is asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated

import anyio.to_thread
from pydantic import Field

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import OperationClass, RouteName
from bedrock_support.routing.optimizing.budget import Budgets
from bedrock_support.routing.optimizing.spending import HANDED_OVER, NOWHERE, Line, Spending, Sums, direct, total
from bedrock_support.tools.base import InputError, SupportTool, ToolContext, ToolInput
from bedrock_support.tools.cost_advice import Saving, savings
from bedrock_support.tools.envelope import Result

MOST_DAYS = 400
ENOUGH_DAYS = 3
"""Days with spending before a forecast is made."""


class CostInput(ToolInput):
    """Arguments of get_cost_report."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="days to report, today included")] = 30


class Part(Result):
    """Sums of one class, route or model."""

    name: str
    calls: int
    usd: float | None = Field(default=None, description="Left out: none of these calls has a known cost")
    unknown_cost_calls: int
    failed_usd: float | None = None
    input_tokens: int
    output_tokens: int


class BudgetNow(Result):
    """One budget in its present period."""

    period: str
    operation_class: str | None = None
    usd: float
    spent_usd: float
    held_usd: float
    share: float


class CostReport(Result):
    """Money in USD. A figure that isn't known is left out, never 0."""

    first_day: str
    last_day: str
    currency: str = "USD"
    calls: int = Field(description="Attempts on a route and answers from the cache")
    spent_usd: float | None = Field(default=None, description="Left out: nothing was asked, or no cost is known")
    unknown_cost_calls: int = Field(description="Calls in no sum, because price or tokens aren't known")
    failed_usd: float | None = Field(default=None, description="Part that brought no answer: failures, lost hedges")
    saved_by_answer_cache_usd: float | None = None
    saved_by_prompt_cache_usd: float | None = None
    saved_by_handoff_usd: float | None = Field(
        default=None, description="What Bedrock would have been expected to cost for questions that agents took over"
    )
    saved_by_own_model_usd: float | None = Field(
        default=None, description="The same for answers that the client's model, or a peer, gave during the call"
    )
    handed_over: int = Field(description="Questions that agents took over")
    handled_by_own_model: int = Field(
        description="Calls that the calling agent's own model took, handed-over ones too, which AWS doesn't bill"
    )
    stale_answers: int = Field(description="Answers from memory that were past their time, marked as stale")
    cache_hit_rate: float | None = None
    forecast_month_usd: float | None = Field(
        default=None,
        description=f"This month at the rate of these days; left out below {ENOUGH_DAYS} days with spending",
    )
    by_class: list[Part]
    by_route: list[Part]
    by_model: list[Part]
    budgets: list[BudgetNow]
    next_savings: list[Saving] = Field(description="What would save most, with the sums that say so")
    limits: list[str]


def get_cost_report(
    spending: Spending, budgets: Budgets | None, clock: Clock, tenant: str, *, shared: bool
) -> SupportTool[CostInput, CostReport]:
    """The tool, over the sums of what was spent."""

    async def run(_: ToolContext, params: CostInput) -> CostReport:
        return await anyio.to_thread.run_sync(
            partial(report, spending, budgets, clock, tenant, params.days, shared=shared)
        )

    return SupportTool(
        name="get_cost_report",
        title="Report cost and savings",
        description=(
            "Cost, spend, budget, tokens, savings, forecast: what models cost by class, route and model, what answer "
            "cache and prompt cache saved, how far budgets are used, and what would save most next. Asks no model."
        ),
        input_model=CostInput,
        output_model=CostReport,
        run=run,
        op_class=lambda _: OperationClass.STANDARD,
        reads_files=lambda _: False,
        summary=worded,
        open_world=False,
    )


def report(
    spending: Spending, budgets: Budgets | None, clock: Clock, tenant: str, days: int, *, shared: bool
) -> CostReport:
    """The sums of the last days. Blocks.

    Raises:
        InputError: the store that holds them can't be used.
    """
    today = datetime.fromtimestamp(clock.wall(), UTC).date()
    first = today - timedelta(days=days - 1)
    try:
        lines = spending.lines(tenant, first, today)
    except (OSError, sqlite3.Error, ValueError) as error:
        where = getattr(error, "filename", None) or "its folder"
        problem = f"the sums in it can't be read just now ({getattr(error, 'strerror', None) or error})"
        mend = "See that this folder, and its disk, can be read and written, and ask again"
        raise InputError("BEDROCK_SUPPORT_STORE", where, problem, mend) from error
    billed, hits = direct(lines), [each for each in lines if each.route == NOWHERE]
    all_sums, cached = total(lines), total(hits)
    own = [each for each in lines if each.route == RouteName.MCP.value]
    over = [each for each in own if each.model == HANDED_OVER]
    known = all_sums.calls - cached.calls - all_sums.unknown > 0
    asked = all_sums.calls - cached.calls
    limits = (
        [] if shared else ["BEDROCK_SUPPORT_STORE is not set: only what this process did since it started is known"]
    )
    if not lines:
        limits.append("nothing was asked in these days")
    if all_sums.unknown:
        limits.append(f"{all_sums.unknown} calls have no known cost and are in no sum")
    return CostReport(
        first_day=first.isoformat(),
        last_day=today.isoformat(),
        calls=all_sums.calls,
        spent_usd=round(all_sums.usd, 6) if known else None,
        unknown_cost_calls=all_sums.unknown,
        failed_usd=round(all_sums.failed_usd, 6) if known else None,
        saved_by_answer_cache_usd=round(cached.saved_usd, 6) if cached.calls > cached.saved_unknown else None,
        saved_by_prompt_cache_usd=_prompt_cache(billed),
        saved_by_handoff_usd=_avoided(over),
        saved_by_own_model_usd=_avoided([each for each in own if each not in over]),
        handed_over=total(over).calls,
        stale_answers=cached.stale,
        handled_by_own_model=total(own).calls,
        cache_hit_rate=round(cached.calls / all_sums.calls, 4) if all_sums.calls else None,
        forecast_month_usd=_forecast(lines, today),
        by_class=_parts(lines, lambda each: each.op_class),
        by_route=_parts(lines, lambda each: each.route),
        by_model=_parts(billed, lambda each: each.model or "not answered"),
        budgets=_budgets(budgets, tenant),
        next_savings=savings(lines) if asked else [],
        limits=limits,
    )


def _prompt_cache(billed: Sequence[Line]) -> float | None:
    """What cached input saved against reading it anew, less what writing it cost on top; None when none was used."""
    used = [each for each in billed if each.sums.cache_read_tokens or each.sums.cache_write_tokens]
    return round(total(used).prompt_saved_usd, 6) if used else None


def _avoided(lines: Sequence[Line]) -> float | None:
    """What Bedrock would have been expected to cost; None where that is known of no answer."""
    sums = total(lines)
    answered = sum(each.sums.calls for each in lines) - sums.avoided_unknown
    return round(sums.avoided_usd, 6) if answered > 0 and sums.avoided_usd else None


def _forecast(lines: Sequence[Line], today: date) -> float | None:
    month = [each for each in lines if each.day.startswith(today.strftime("%Y-%m"))]
    spent_on = {each.day for each in direct(month)}
    if len(spent_on) < ENOUGH_DAYS:
        return None
    begun = date.fromisoformat(min(spent_on))
    last = (today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    a_day = total(month).usd / ((today - begun).days + 1)
    return round(total(month).usd + a_day * (last - today).days, 4)


def _parts(lines: Sequence[Line], name: Callable[[Line], str]) -> list[Part]:
    found: dict[str, Sums] = {}
    for each in lines:
        found.setdefault(name(each), Sums()).add(each.sums)
    parts = [
        Part(
            name=key,
            calls=sums.calls,
            usd=round(sums.usd, 6) if sums.calls > sums.unknown else None,
            unknown_cost_calls=sums.unknown,
            failed_usd=round(sums.failed_usd, 6) if sums.calls > sums.unknown else None,
            input_tokens=sums.input_tokens,
            output_tokens=sums.output_tokens,
        )
        for key, sums in found.items()
    ]
    return sorted(parts, key=lambda each: (-(each.usd or 0.0), each.name))


def _budgets(budgets: Budgets | None, tenant: str) -> list[BudgetNow]:
    if budgets is None:
        return []
    return [
        BudgetNow(
            period=each.period,
            operation_class=each.budget.op_class or None,
            usd=each.budget.usd,
            spent_usd=round(each.spent, 6),
            held_usd=round(each.held, 6),
            share=round((each.spent + each.held) / each.budget.usd, 4),
        )
        for each in budgets.accounts(tenant)
    ]


def worded(found: CostReport) -> str:
    """The report in a few lines."""
    spent = "unknown" if found.spent_usd is None else f"{found.spent_usd:.4f} USD"
    lines = [f"{found.first_day} to {found.last_day}: {found.calls} calls, spent {spent}"]
    if found.forecast_month_usd is not None:
        lines.append(f"This month comes to about {found.forecast_month_usd:.2f} USD at this rate")
    if found.cache_hit_rate is not None:
        saved = found.saved_by_answer_cache_usd
        told = "an unknown amount" if saved is None else f"{saved:.4f} USD"
        lines.append(f"{found.cache_hit_rate:.0%} answered from memory, which saved {told}")
    if found.saved_by_prompt_cache_usd is not None:
        lines.append(f"Prompt caching saved {found.saved_by_prompt_cache_usd:.4f} USD, what writing cost deducted")
    if found.saved_by_handoff_usd is not None:
        lines.append(
            f"{found.handed_over} questions went to agents, which saved about {found.saved_by_handoff_usd:.4f} USD"
        )
    if found.saved_by_own_model_usd is not None:
        lines.append(f"Models of clients and peers saved about {found.saved_by_own_model_usd:.4f} USD")
    lines += [
        f"{part.name}: {part.calls} calls, {'unknown' if part.usd is None else f'{part.usd:.4f} USD'}"
        for part in found.by_class[:7]
    ]
    lines += [f"budget {each.period}: {each.share:.0%} of {each.usd:g} USD" for each in found.budgets]
    lines += [f"Next: {each.what} (about {each.usd:.4f} USD of these days)" for each in found.next_savings[:3]]
    return "\n".join((*lines, *found.limits))
