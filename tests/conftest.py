"""What every test runs under: asyncio by the anyio plugin, and no blocking call of ours on the loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

# No deadline: a slow machine is no defect. No database: a failure shows its own example.
settings.register_profile("house", deadline=None, database=None)
settings.load_profile("house")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """Code of ours that blocks the event loop fails the test that runs it."""
    with blockbuster_ctx("bedrock_support") as guard:
        yield guard
