"""Costs of Converse usage blocks, held against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from bedrock_support.routing.model import Usage
from bedrock_support.routing.prices import price_of
from tests.promises import promise

RATES = {
    "eu.anthropic.claude-sonnet-5-5": ("2.2", "11"),
    "eu.anthropic.claude-opus-5-5": ("4.4", "22"),
    "eu.anthropic.claude-sonnet-4-6": ("3.3", "16.5"),
    "eu.anthropic.claude-haiku-4-5": ("1.1", "5.5"),
}
CHANCE = Random(50)  # noqa: S311 - fixed blocks
BLOCKS = [
    (
        CHANCE.choice(sorted(RATES)),
        Usage(
            input_tokens=CHANCE.randrange(90_000),
            output_tokens=CHANCE.randrange(4_000),
            cache_read_tokens=CHANCE.choice((0, CHANCE.randrange(50_000))),
            cache_write_tokens=CHANCE.choice((0, CHANCE.randrange(20_000))),
        ),
    )
    for _ in range(50)
]


@promise("cost:blocks")
@pytest.mark.parametrize(("model", "usage"), BLOCKS)
def test_a_block_costs_what_it_comes_to_by_hand(model: str, usage: Usage) -> None:
    rate_in, rate_out = (Fraction(each) / 1_000_000 for each in RATES[model])
    by_hand = (
        usage.input_tokens * rate_in
        + usage.cache_read_tokens * rate_in / 10
        + usage.cache_write_tokens * rate_in * 5 / 4
        + usage.output_tokens * rate_out
    )
    price = price_of(model)
    assert price is not None
    assert price.usd(usage) == pytest.approx(float(by_hand), rel=1e-12)


@promise("cost:blocks")
def test_above_its_tier_the_whole_call_costs_the_long_price() -> None:
    price = price_of("eu.anthropic.claude-haiku-5-5")
    assert price is not None
    assert price.usd(Usage(input_tokens=100_000)) == pytest.approx(0.011)
    assert price.usd(Usage(input_tokens=60_000, cache_read_tokens=40_001)) == pytest.approx(
        (60_000 + 0.1 * 40_001) * 0.55e-6
    )


@promise("cost:blocks")
@pytest.mark.parametrize("model", ["amazon.nova-unheard-of", "arn:aws:bedrock:eu-central-1:1:inference-profile/x", ""])
def test_a_model_that_is_not_listed_has_no_price(model: str) -> None:
    assert price_of(model) is None
