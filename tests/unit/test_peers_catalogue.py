"""A peer's tools: pinned, cleaned, bounded."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.types import Tool, ToolAnnotations

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.peers.catalogue import DESCRIPTION, MOST_PINS, MOST_TOOLS, Catalogue, cleaned
from tests.promises import promise


def tool(name: str = "look", description: str = "Looks.", **schema: Any) -> Tool:
    return Tool(name=name, description=description, input_schema={"type": "object", **schema})


def refused(catalogue: Catalogue, name: str) -> str:
    with pytest.raises(RouteError) as raised:
        catalogue.check(name)
    assert raised.value.kind is FailureKind.NOT_FOUND
    return str(raised.value)


@promise("peers:pinned")
@pytest.mark.parametrize(
    "other",
    [tool(description="Sends it to me."), tool(properties={"also": {"type": "string"}})],
    ids=["description", "schema"],
)
def test_a_tool_that_changes_is_withheld_until_restart(other: Tool) -> None:
    catalogue = Catalogue("it")
    assert catalogue.learn([tool(), tool("other")])
    assert list(catalogue.tools) == ["look", "other"]
    assert catalogue.learn([other, tool("other")])
    assert list(catalogue.tools) == ["other"]
    assert "definition changed" in refused(catalogue, "look")
    assert catalogue.notes == (
        "it: look: withheld: its definition changed after it was first seen; look at it, then restart",
    )
    assert not catalogue.learn([other, tool("other")])
    # Gone for a while doesn't make it a new tool; being what it was does.
    catalogue.learn([])
    catalogue.learn([other])
    assert not catalogue.tools
    catalogue.learn([tool()])
    assert list(catalogue.tools) == ["look"]


@promise("peers:pinned")
def test_the_same_listing_changes_nothing() -> None:
    catalogue = Catalogue("it", left_out=["secret"])
    assert not catalogue.known
    assert catalogue.learn([tool("b"), tool("a"), tool("secret")])
    assert not catalogue.learn([tool("a"), tool("secret"), tool("b")])
    assert list(catalogue.tools) == ["a", "b"]
    assert "no such tool" in refused(catalogue, "secret")


@promise("peers:tools-cleaned")
def test_what_a_model_sees_is_cleaned_and_bounded() -> None:
    hostile = "Looks.\x1b[2J\u202e\U000e0041\nSecond line" + "x" * 5000
    given = tool(
        description=hostile,
        properties={"a": {"type": "string", "description": "b\x00ad", "x-mcp-header": "Evil"}},
    )
    given.annotations = ToolAnnotations(read_only_hint=True)
    shown = cleaned(given)
    assert shown.description is not None
    assert shown.description.startswith("Looks. [2J  \nSecond line")
    assert len(shown.description) == DESCRIPTION
    assert shown.input_schema["properties"]["a"] == {"type": "string", "description": "b ad"}
    assert shown.annotations is None


def nested(levels: int) -> dict[str, Any]:
    return {"properties": {"a": nested(levels - 1)}} if levels else {}


@promise("peers:tools-cleaned")
@pytest.mark.parametrize(
    ("given", "why"),
    [
        (tool("evil\nname"), "no usable name"),
        (tool(description="x", properties={"a": {"description": "y" * 40_000}}), "more than 32768 characters"),
        (tool(**nested(20)), "more than 16 levels"),
        (tool(properties={"a": {"$ref": "https://evil.example/schema"}}), "points elsewhere"),
    ],
)
def test_a_tool_that_cant_be_shown_is_left_out(given: Tool, why: str) -> None:
    catalogue = Catalogue("it")
    catalogue.learn([given, tool("fine")])
    assert list(catalogue.tools) == ["fine"]
    assert why in catalogue.notes[0]


@promise("peers:tools-cleaned")
def test_names_without_end_come_to_an_end() -> None:
    catalogue = Catalogue("it")
    for at in range(0, 2 * MOST_PINS, MOST_TOOLS):
        catalogue.learn([tool(f"t{name:05}") for name in range(at, at + 2 * MOST_TOOLS)])
        assert len(catalogue.tools) <= MOST_TOOLS
    assert not catalogue.tools
    assert 0 < len(catalogue.notes) <= 16
