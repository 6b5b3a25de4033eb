"""The objectives as data, read once from objectives.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from bedrock_support.routing.model import OperationClass


class Kind(StrEnum):
    """How an objective tells good from bad."""

    WITHIN = "within"
    SUCCESS = "success"
    HIT = "hit"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One objective: `target` is the least share of good events, or for AT_MOST the greatest value."""

    name: str
    title: str
    kind: Kind
    target: float
    gate: bool
    window: float
    """Seconds that a gate looks back."""
    seconds: float | None = None
    op_class: OperationClass | None = None


@cache
def shipped_objectives() -> tuple[Objective, ...]:
    """The objectives that come with the product."""
    return read_objectives(files("bedrock_support.telemetry.slo").joinpath("objectives.toml").read_text("utf-8"))


def read_objectives(text: str) -> tuple[Objective, ...]:
    """Objectives from TOML.

    Raises:
        ValueError: a field is missing or impossible, or a name stands twice.
    """
    found = tuple(_objective(each) for each in tomllib.loads(text).get("slo", []))
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"objectives named twice: {', '.join(twice)}")
    return found


def _objective(raw: dict[str, Any]) -> Objective:
    try:
        made = Objective(
            name=str(raw["name"]),
            title=str(raw["title"]),
            kind=Kind(raw["kind"]),
            target=float(raw["target"]),
            gate=bool(raw["gate"]),
            window=float(raw["window"]),
            seconds=float(raw["seconds"]) if "seconds" in raw else None,
            op_class=OperationClass(raw["class"]) if "class" in raw else None,
        )
    except KeyError as error:
        raise ValueError(f"objective {raw.get('name')!r}: {error} is missing") from error
    if not 0.0 < made.target < 1.0:
        raise ValueError(f"objective {made.name!r}: target = {made.target}: not between 0 and 1")
    if (made.kind is Kind.WITHIN) != (made.seconds is not None):
        raise ValueError(f"objective {made.name!r}: `seconds` belongs to kind within, and to it alone")
    return made
