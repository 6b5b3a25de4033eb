"""Two processes ask the same at once, and spend from one budget; benchmarks/cache_race.py does it with four."""

from __future__ import annotations

import pytest

from benchmarks.cache_race import race
from benchmarks.cache_traffic import false_hits, measure
from tests.promises import promise


@pytest.mark.slow
@promise("cache:single-flight", "budget:no-overshoot")
def test_one_call_for_all_and_no_cent_too_much() -> None:
    calls, spent, budget = race(2, 16)
    assert calls == 1
    assert 0 < spent <= budget


@promise("cache:no-false-hit")
def test_near_misses_never_hit() -> None:
    assert false_hits(1000) == 0


@promise("cache:varying")
def test_repeats_hit() -> None:
    found = measure(300, 10)
    assert found.hits == found.repeats > 200
