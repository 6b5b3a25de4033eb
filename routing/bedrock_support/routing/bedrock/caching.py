"""Prompt caching: which models keep the start of a request, and from how many tokens on."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bedrock_support.routing.prices import bare_model, is_version

CHARACTERS_PER_TOKEN = 4.5
"""High on purpose: instructions that only may be long enough count as too short (`benchmarks.token_estimate`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """What one model family does with a checkpoint."""

    min_tokens: int
    ttls: tuple[str, ...]
    """"5m" or "1h"; the first is what a checkpoint without one gets."""


def _load() -> dict[str, Caching]:
    text = files("bedrock_support.routing.bedrock").joinpath("caching.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["model"]
    return {row["match"]: Caching(min_tokens=row["min_tokens"], ttls=tuple(row["ttls"])) for row in rows}


TABLE = _load()  # with the module, which is imported before there is an event loop to block


@cache
def caching_of(model: str) -> Caching | None:
    """What the model does with a checkpoint; None when it isn't known to take one, as for every ARN."""
    bare = bare_model(model)
    return next((each for match, each in TABLE.items() if is_version(bare, match)), None)


def worth_a_checkpoint(model: str, prefix: str) -> bool:
    """Whether the model keeps a prefix of this length for the next call."""
    found = caching_of(model)
    return found is not None and len(prefix) / CHARACTERS_PER_TOKEN >= found.min_tokens
