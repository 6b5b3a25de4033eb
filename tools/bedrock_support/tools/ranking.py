"""Which findings go into a brief when not all fit: those that tell most for their length.

A set's worth is the sum of what each word that it holds tells (rare words more, each counted once) and of each
finding's severity and confidence: monotone and submodular, so that greedy picks by worth per token, or the best
single finding, reach a fixed share of the best set under the budget (Khuller, Moss and Naor 1999; Lin and Bilmes 2010).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bedrock_support.routing.length import text_tokens
from bedrock_support.tools.envelope import Finding

SEVERITY = {"critical": 8.0, "high": 4.0, "medium": 2.0, "low": 1.0, "info": 0.5}
"""What a finding is worth beside its words: as many rare words."""
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Picked:
    """What fits, in the order of the rules' ranks, and what doesn't."""

    kept: tuple[Finding, ...]
    left: tuple[Finding, ...]

    def left_out(self) -> str:
        """What was left out, in words; empty when nothing was."""
        if not self.left:
            return ""
        by = Counter(each.severity for each in self.left)
        told = ", ".join(f"{by[name]} {name}" for name in SEVERITY if by[name])
        return f"{len(self.left)} of {len(self.kept) + len(self.left)} findings left out of the brief ({told})"


def pick(findings: Sequence[Finding], texts: Sequence[str], budget: int) -> Picked:
    """The findings for a brief of `budget` tokens, each with its text, kept whole or left out whole."""
    costs = [max(1, text_tokens(text)) for text in texts]
    if sum(costs) <= budget:
        return Picked(tuple(findings), ())
    words = [frozenset(each.lower() for each in _WORD.findall(text)) for text in texts]
    told = _told(words)
    able = [at for at in range(len(findings)) if costs[at] <= budget]

    def gain(at: int, known: set[str]) -> float:
        return SEVERITY[findings[at].severity] * (0.5 + findings[at].confidence) + sum(
            told[each] for each in words[at] - known
        )

    chosen = _greedy(able, costs, words, gain, budget)
    worth, known = 0.0, set[str]()
    for at in chosen:
        worth += gain(at, known)
        known |= words[at]
    best = max(able, key=lambda at: gain(at, set()), default=None)
    if best is not None and gain(best, set()) > worth:
        chosen = [best]
    inside = frozenset(chosen)
    return Picked(
        tuple(each for at, each in enumerate(findings) if at in inside),
        tuple(each for at, each in enumerate(findings) if at not in inside),
    )


def _greedy(
    able: Sequence[int],
    costs: Sequence[int],
    words: Sequence[frozenset[str]],
    gain: Callable[[int, set[str]], float],
    room: int,
) -> list[int]:
    left, chosen, known = list(able), list[int](), set[str]()
    while left:
        at = max(left, key=lambda each: (gain(each, known) / costs[each], -each))
        left.remove(at)
        if costs[at] <= room:
            chosen.append(at)
            room -= costs[at]
            known |= words[at]
    return chosen


def _told(words: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """What each word tells: nothing when every finding holds it, one when a single one of many does."""
    held = Counter(each for found in words for each in found)
    most = math.log(len(words) + 1)
    return {word: math.log((len(words) + 1) / count) / most for word, count in held.items()}
