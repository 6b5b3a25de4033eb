"""The namespace belongs to no room: one stray __init__.py would hide the other three."""

from __future__ import annotations

from pathlib import Path

from tests.promises import promise

ROOT = Path(__file__).parents[2]


@promise("house:namespace")
def test_no_room_owns_the_namespace() -> None:
    assert not list(ROOT.glob("*/bedrock_support/__init__.py"))
