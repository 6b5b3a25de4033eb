"""What a call to a model costs, from a small table; unknown where the table is silent."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from bedrock_support.routing.length import text_tokens
from bedrock_support.routing.model import Operation, Usage

PRICES_PACKAGE = "bedrock_support.routing"
CURRENCY = "USD"
OUTPUT_SHARE = 0.5
"""Share of the allowed output that an answer is expected to use."""
STANDARD_TIERS = frozenset({"", "default", "standard"})
"""What Bedrock calls the tier of a call that asked for none."""
_REGIONAL = "regional"
_GEOGRAPHIES = ("eu", "us", "apac", "jp", "au", "us-gov", "global")
_VERSION = re.compile(r"(-\d{8})?(-v\d+)?(:\w+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """USD per million tokens of each kind; None for a kind whose price isn't known."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write_5m: float | None = None
    cache_write_1h: float | None = None

    def usd(self, usage: Usage) -> float | None:
        """What these tokens come to; None when some of them have no price."""
        long_writes = usage.cache_write_1h_tokens
        kinds = (
            (usage.input_tokens, self.input),
            (usage.output_tokens, self.output),
            (usage.cache_read_tokens, self.cache_read),
            (usage.cache_write_tokens - long_writes, self.cache_write_5m),
            (long_writes, self.cache_write_1h),
        )
        sums = 0.0
        for tokens, rate in kinds:
            if tokens and rate is None:
                return None
            sums += tokens * (rate or 0.0)
        return sums / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Rates of one model in one geography. Above `long_above` input tokens the long rates hold for the whole call."""

    rates: Rates
    long_above: int | None = None
    long: Rates | None = None
    tiers: Mapping[str, Rates] = field(default_factory=lambda: MappingProxyType({}))
    """Rates of service tiers other than the standard one."""

    @property
    def input(self) -> float:
        return self.rates.input

    @property
    def output(self) -> float:
        return self.rates.output

    def usd(self, usage: Usage) -> float | None:
        """What a call cost; None for a tier or a kind of token without a price."""
        rates = self._rates(usage)
        return None if rates is None else rates.usd(usage)

    def saved(self, usage: Usage) -> float | None:
        """What cached input saved against reading all of it anew, less what writing cost on top; may be below 0."""
        rates = self._rates(usage)
        spent = None if rates is None else rates.usd(usage)
        if rates is None or spent is None:
            return None
        plain = Usage(input_tokens=_all_input(usage), output_tokens=usage.output_tokens)
        without = rates.usd(plain)
        return None if without is None else without - spent

    def _rates(self, usage: Usage) -> Rates | None:
        if usage.tier not in STANDARD_TIERS:
            return self.tiers.get(usage.tier)
        if self.long is not None and self.long_above is not None and _all_input(usage) > self.long_above:
            return self.long
        return self.rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The price table and where it is from."""

    currency: str
    date: str
    source: str
    checked_against: str
    prices: Mapping[tuple[str, str], Price]
    """By model id without its prefix, and geography."""


def _all_input(usage: Usage) -> int:
    return usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens


def _price(row: dict[str, Any]) -> Price:
    long: dict[str, Any] = dict(row.pop("long", {}))
    above: int | None = long.pop("above", None)
    tiers = {name: Rates(**rates) for name, rates in row.pop("tiers", {}).items()}
    return Price(
        rates=Rates(**row), long_above=above, long=Rates(**long) if long else None, tiers=MappingProxyType(tiers)
    )


def table_of(text: str) -> Table:
    """The table in a TOML text.

    Raises:
        ValueError: it isn't in USD, which all sums, budgets and reports are in.
    """
    told = tomllib.loads(text)
    if (currency := told["table"]["currency"]) != CURRENCY:
        raise ValueError(f"table.currency is {currency!r}; give prices in {CURRENCY}, which every sum is told in")
    prices = {(row.pop("match"), row.pop("geography")): _price(row) for row in told["price"]}
    about = {name: str(value) for name, value in told["table"].items()}
    return Table(prices=MappingProxyType(prices), **about)


# With the module, which is imported before there is an event loop to block.
TABLE = table_of(files(PRICES_PACKAGE).joinpath("prices.toml").read_text(encoding="utf-8"))


@cache
def price_of(model: str) -> Price | None:
    """The price of a model id or inference profile; None when the table has none, as for every ARN."""
    bare = bare_model(model)
    geography = model.removesuffix(bare).removesuffix(".")
    for match in {name for name, _ in TABLE.prices}:
        if is_version(bare, match):
            regional = None if geography == "global" else TABLE.prices.get((match, _REGIONAL))
            return TABLE.prices.get((match, geography)) or regional
    return None


def bare_model(model: str) -> str:
    """The model id without the geographic prefix of an inference profile."""
    head, _, rest = model.partition(".")
    return rest if head in _GEOGRAPHIES else model


def is_version(bare: str, name: str) -> bool:
    """Whether only a date or a version follows the name: claude-opus-5-6 is no version of claude-opus-5."""
    return bare.startswith(name) and _VERSION.fullmatch(bare[len(name) :]) is not None


def expected_usage(operation: Operation) -> Usage:
    """Tokens that an operation is likely to use, from its length."""
    return Usage(
        input_tokens=text_tokens(operation.system) + text_tokens(operation.brief),
        output_tokens=round(operation.max_tokens * OUTPUT_SHARE),
        estimated=True,
    )
