"""What the tests of the gap tools share: trees from text, and one run over them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import anyio

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import ToolContext
from bedrock_support.tools.gaps.options import DEFAULT_CONFIDENCE
from bedrock_support.tools.gaps.run import Found, find_gaps
from bedrock_support.tools.gaps.store import FactStore
from tests.triage_rig import RULES, Steps, failing

WORKING = '''
def total(prices):
    """Add up prices."""
    found = 0
    for each in prices:
        found += each
    return found

def mean(prices):
    return total(prices) / len(prices)

def report(prices, out):
    out.write(str(mean(prices)))
    out.write(str(total(prices)))

def largest(prices):
    return max(prices)
'''
"""Code that works, so that a planted stub stands among real functions."""


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """The files under `root`, made with their folders."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return root


async def scan(root: Path, *, floor: float = DEFAULT_CONFIDENCE, store: FactStore | None = None, **more: Any) -> Found:
    return await find_gaps(
        root, store=store or FactStore(None), workers=anyio.CapacityLimiter(2), told=Steps(), floor=floor, **more
    )


def symbols(found: Found) -> dict[str, str]:
    """Symbol -> kind."""
    return {each.symbol: each.kind for each in found.gaps}


def context(root: Path, seconds: float = 30) -> ToolContext:
    clock = SystemClock()
    now = clock.now()
    return ToolContext(
        call_id="c" * 32,
        roots=(root.resolve(),),
        clock=clock,
        op_class=OperationClass.BACKGROUND,
        rule=RULES[OperationClass.BACKGROUND],
        started=now,
        deadline=now + seconds,
        workers=anyio.CapacityLimiter(2),
        progress=Steps(),
        judge=failing(),
    )
