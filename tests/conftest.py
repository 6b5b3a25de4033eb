"""What every test runs under: asyncio by the anyio plugin, and no blocking call of ours on the loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

# No deadline: a slow machine is no defect. No database: a failure shows its own example.
settings.register_profile("house", deadline=None, database=None)
settings.load_profile("house")


ROOMS = [f"bedrock_support.{room}" for room in ("server", "tools", "telemetry", "routing")]
"""Each by its name: of a namespace package only the first folder would be watched."""

START_UP = (("bedrock_support/server/wiring.py", "build"), ("bedrock_support/telemetry/otel.py", "build_provider"))
"""May read what they need: they run before anything is served."""
MEASURING = ("coverage/collector.py", "lock_data")
"""Coverage's own lock, for which a line of ours may have to wait while a thread begins."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """Code of ours that blocks the event loop fails the test that runs it."""
    with blockbuster_ctx(ROOMS) as guard:
        for each in guard.functions.values():
            for file, function in (*START_UP, MEASURING):
                each.can_block_in(file, function)
        yield guard
