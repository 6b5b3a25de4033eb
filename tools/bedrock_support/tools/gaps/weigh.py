"""From signals to a calibrated confidence: a sum of weights through the logistic function.

The weights are the log-odds of a regularised logistic regression (Cox 1958) over signals and over pairs of body kind
and signal. It was fitted on functions of released packages, some replaced by stubs; docs/gaps.md says how and how well.
Nothing is asked and nothing is drawn at run time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp

GROUPS = {
    "pass": "void",
    "ellipsis": "dots",
    "constant": "const",
    "not_implemented": "nie",
    "echo": "echo",
    "simulated": "act",
    "log_only": "act",
    "swallowed": "swallow",
    "dead_flag": "dead",
    "unreachable": "park",
    "half_done": "half",
    "hollow": "hollow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How sure, and which signals said so, strongest first."""

    confidence: float
    against: tuple[str, ...]
    """Signals that raised the confidence."""
    excuses: tuple[str, ...]
    """Signals that lowered it."""


@cache
def _table() -> tuple[float, dict[str, float]]:
    loaded = json.loads(files("bedrock_support.tools.gaps").joinpath("weights.json").read_text(encoding="utf-8"))
    return float(loaded["bias"]), {name: float(weight) for name, weight in loaded["weights"].items()}


def weigh(kind: str, marks: Iterable[str]) -> Verdict:
    """Confidence in [0, 1] that a body of this kind with these signals is a gap."""
    bias, weights = _table()
    group = GROUPS[kind]
    shares = {mark: weights.get(mark, 0.0) + weights.get(f"{group}*{mark}", 0.0) for mark in marks}
    total = bias + weights.get(f"k:{kind}", 0.0) + sum(shares.values())
    ranked = sorted(shares, key=lambda mark: (-shares[mark], mark))
    return Verdict(
        confidence=1 / (1 + exp(-max(-30.0, min(30.0, total)))),
        against=tuple(mark for mark in ranked if shares[mark] >= 0.2),
        excuses=tuple(mark for mark in reversed(ranked) if shares[mark] <= -0.2),
    )
