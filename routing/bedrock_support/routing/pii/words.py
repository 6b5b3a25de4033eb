"""Words by which names are told, by their use; words.toml says more."""

from __future__ import annotations

import tomllib
from importlib.resources import files


def _load() -> dict[str, frozenset[str]]:
    told = tomllib.loads(files("bedrock_support.routing.pii").joinpath("words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(each.replace("_", " ") for each in words.split()) for name, words in told.items()}


WORDS = _load()  # with the module, which is imported before there is an event loop to block
