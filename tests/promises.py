"""The promise ledger: what the project says it does, and the tests that hold it to it.

A promise lives in one of the tables below, `id -> (source, sentence)`; a test names it with
`@promise("id")`. test_promises.py fails for a promise without a test and for a test without a promise.
Each area of the project keeps its own table in tests/ledger/, so that a promise stands near its subject.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Promise:
    """One sentence of behaviour and where it was promised."""

    source: str
    sentence: str


def promise(*ids: str) -> Callable[[F], F]:
    """Mark a test as the proof of one or more promises."""
    return pytest.mark.promise(*ids)
