"""Fixtures of the tests that judge the server from outside."""

from __future__ import annotations

import pytest

from tests.conformance.node import REQUIRE, Node, NodeMissing, provide, required


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the conformance suite and the Inspector; tests skip without it unless CI requires it."""
    try:
        return provide()
    except NodeMissing as missing:
        if required():
            pytest.fail(f"{REQUIRE}=1, but {missing}")
        pytest.skip(f"NOT JUDGED BY THE OFFICIAL SUITE: {missing}")
