"""Costs of Converse usage blocks, held against values worked out by hand and against a second price table."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage as OtherUsage
from genai_prices import calc_price

from bedrock_support.routing.bedrock.wire import usage
from bedrock_support.routing.model import Usage
from bedrock_support.routing.optimizing.budget import Budget
from bedrock_support.routing.prices import TABLE, price_of, table_of
from bedrock_support.tools.cost import BudgetNow, CostReport, Part
from tests.promises import promise

FIXTURE = Path(__file__).parents[1] / "data" / "usage_blocks.json"
BLOCKS: list[dict[str, Any]] = json.loads(FIXTURE.read_text(encoding="utf-8"))["blocks"]
MILLION = Decimal(1_000_000)
DIFFERS = {
    ("amazon.nova-micro", "eu"): "the second source lists us-east-1 for every Region",
    ("amazon.nova-lite", "eu"): "the second source lists us-east-1 for every Region",
    ("amazon.nova-pro", "eu"): "the second source lists us-east-1 for every Region",
}
"""Rows on which the sources disagree, each with why; a row that agrees again must leave the list."""
SHAPES: tuple[dict[str, Any], ...] = (
    {"input_tokens": 1000, "output_tokens": 500},
    {"input_tokens": 1000, "cache_read_tokens": 4000, "output_tokens": 10},
    {"input_tokens": 1000, "cache_write_tokens": 4000, "output_tokens": 10},
    {"input_tokens": 150_000, "output_tokens": 500},
)


def worked_out(by_hand: str) -> Decimal:
    """The value of "(n x p + ...) / 1000000"."""
    inside = by_hand.removeprefix("(").removesuffix(") / 1000000")
    terms = (each.split(" x ") for each in inside.split(" + "))
    return sum((Decimal(tokens) * Decimal(rate) for tokens, rate in terms), Decimal(0)) / MILLION


@promise("cost:blocks", "cost:fifty-blocks")
@pytest.mark.parametrize("block", BLOCKS, ids=lambda each: each["by_hand"][:40])
def test_a_block_costs_what_it_comes_to_by_hand(block: dict[str, Any]) -> None:
    read = usage(block["answer"])
    price = price_of(block["model"])
    found = price.usd(read) if price is not None else None
    if block["usd"] is None:
        assert found is None
        return
    assert worked_out(block["by_hand"]) == Decimal(block["usd"])
    assert found == pytest.approx(float(block["usd"]), rel=1e-12)


@promise("cost:fifty-blocks")
def test_there_are_fifty_of_every_kind() -> None:
    assert len(BLOCKS) == 50
    read = [usage(each["answer"]) for each in BLOCKS]
    assert all(any(getattr(each, name) for each in read) for name in ("cache_read_tokens", "cache_write_1h_tokens"))
    assert {"default", "flex", "priority", "reserved"} <= {each.tier for each in read}
    assert sum(each["usd"] is None for each in BLOCKS) == 3


@promise("cost:blocks")
@pytest.mark.parametrize(
    "model",
    [
        "amazon.nova-unheard-of",
        "amazon.nova-pro-v1:0",
        "eu.anthropic.claude-opus-5-6",
        "arn:aws:bedrock:eu-central-1:1:inference-profile/x",
        "",
    ],
)
def test_a_model_that_is_not_listed_has_no_price(model: str) -> None:
    assert price_of(model) is None


@promise("cost:blocks")
def test_tokens_or_tiers_without_a_price_make_the_cost_unknown() -> None:
    nova = price_of("eu.amazon.nova-micro-v1:0")
    assert nova is not None
    assert nova.usd(Usage(input_tokens=1, cache_write_tokens=1)) is None
    assert nova.saved(Usage(input_tokens=1, cache_write_tokens=1)) is None
    assert nova.usd(Usage(input_tokens=1, tier="flex")) is None


def agrees(match: str, geography: str) -> bool:
    """Whether the second source charges the same for every shape that both can price."""
    model = {"regional": f"eu.{match}", "global": f"global.{match}"}.get(geography, f"{geography}.{match}")
    # The second source knows these two by their whole names alone.
    model += {"anthropic.claude-haiku-4-5": "-20251001-v1:0"}.get(match, "-v1:0" if "nova" in match else "")
    price = price_of(model)
    assert price is not None
    for shape in SHAPES:
        ours = price.usd(Usage(**shape))
        if ours is None:
            continue
        cached = shape.get("cache_read_tokens", 0) + shape.get("cache_write_tokens", 0)
        theirs = calc_price(
            OtherUsage(**{**shape, "input_tokens": shape["input_tokens"] + cached}),
            model,
            provider_id="aws",
            genai_request_timestamp=datetime(2026, 11, 24, tzinfo=UTC),
        )
        if ours != pytest.approx(float(theirs.total_price), rel=1e-9):
            return False
    return True


@promise("cost:second-source")
@pytest.mark.parametrize(("match", "geography"), sorted(TABLE.prices))
def test_a_second_source_says_the_same_or_the_difference_is_listed(match: str, geography: str) -> None:
    assert agrees(match, geography) is ((match, geography) not in DIFFERS)


@promise("cost:usd")
def test_a_table_in_another_currency_is_refused_and_no_figure_is_in_one() -> None:
    with pytest.raises(ValueError, match="currency is 'EUR'; give prices in USD"):
        table_of('price = []\n[table]\ncurrency = "EUR"\ndate = 2026-11-24\nsource = "s"\nchecked_against = "c"\n')
    with pytest.raises(TypeError, match="eur"):
        Budget(**{"eur": 5.0})  # pyright: ignore[reportArgumentType, reportCallIssue] - what a file may hold
    money = [name for shape in (CostReport, Part, BudgetNow) for name in shape.model_fields if "usd" in name]
    assert len(money) >= 10
    assert not [name for shape in (CostReport, Part, BudgetNow) for name in shape.model_fields if "eur" in name]
    assert CostReport.model_fields["currency"].default == TABLE.currency


@promise("cost:table-origin")
def test_the_table_says_where_it_is_from() -> None:
    assert TABLE.currency == "USD"
    assert date.fromisoformat(TABLE.date).year >= 2026
    assert "LiteLLM" in TABLE.source
    assert "genai-prices" in TABLE.checked_against
