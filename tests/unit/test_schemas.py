"""What tools/list says of arguments and results, and what it leaves out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field

from bedrock_support.server.schemas import input_schema, output_schema
from tests.promises import promise


class Colour(StrEnum):
    """Never said."""

    RED = "red"


class Inner(BaseModel):
    """Said nowhere either."""

    title: Annotated[str, Field(max_length=5)]


class Arguments(BaseModel):
    """Of the class, not of the tool."""

    title: Annotated[str | None, Field(description="a name", max_length=9)] = None
    colour: Annotated[Colour, Field(description="of it")] = Colour.RED
    inner: list[Inner] = []
    either: int | Inner | None = None


class Result(BaseModel):
    always: list[Inner]
    sometimes: str | None


@promise("server:catalogue")
def test_arguments_are_said_once_and_without_what_nobody_needs() -> None:
    inner = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    colour: dict[str, Any] = {"enum": ["red"], "type": "string", "default": "red", "description": "of it"}
    assert input_schema(Arguments) == {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "a name"},
            "colour": colour,
            "inner": {"type": "array", "items": inner, "default": []},
            "either": {"anyOf": [{"type": "integer"}, inner]},
        },
    }


@promise("server:catalogue")
def test_a_result_promises_only_members_that_are_never_left_out() -> None:
    assert output_schema(Result) == {"type": "object", "required": ["always"]}
