"""What a call to a model costs, from a small table; unknown where the table is silent."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bedrock_support.routing.model import Operation, Usage

PRICES_PACKAGE = "bedrock_support.routing"
CHARACTERS_PER_TOKEN = 4.0
"""Usual for English prose; logs come out lower, so an estimate is on the cheap side there."""
OUTPUT_SHARE = 0.5
"""Share of the allowed output that an answer is expected to use."""
CACHE_READ, CACHE_WRITE = 0.1, 1.25
"""Price of cached input, as shares of plain input."""
_GEOGRAPHIES = ("eu.", "us.", "apac.", "jp.", "au.", "us-gov.", "global.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens; above `long_above` input tokens the long prices hold for the whole call."""

    input: float
    output: float
    long_above: int | None = None
    long_input: float = 0.0
    long_output: float = 0.0

    def usd(self, usage: Usage) -> float:
        total_input = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        long = self.long_above is not None and total_input > self.long_above
        per_input, per_output = (self.long_input, self.long_output) if long else (self.input, self.output)
        weighted = usage.input_tokens + CACHE_READ * usage.cache_read_tokens + CACHE_WRITE * usage.cache_write_tokens
        return (weighted * per_input + usage.output_tokens * per_output) / 1e6


def _load() -> dict[str, Price]:
    text = files(PRICES_PACKAGE).joinpath("prices.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["price"]
    return {row["match"]: Price(**{key: value for key, value in row.items() if key != "match"}) for row in rows}


_TABLE = _load()  # with the module, which is imported before there is an event loop to block


@cache
def price_of(model: str) -> Price | None:
    """The price of a model id or inference profile; None when the table has none, as for every ARN."""
    bare = next((model[len(each) :] for each in _GEOGRAPHIES if model.startswith(each)), model)
    known = (price for match, price in _TABLE.items() if bare == match or bare.startswith((f"{match}-", f"{match}:")))
    return next(known, None)


def expected_usage(operation: Operation) -> Usage:
    """Tokens that an operation is likely to use, from its length."""
    characters = len(operation.system) + len(operation.brief)
    return Usage(
        input_tokens=round(characters / CHARACTERS_PER_TOKEN),
        output_tokens=round(operation.max_tokens * OUTPUT_SHARE),
        estimated=True,
    )
