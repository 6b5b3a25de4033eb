"""What tools/list says of arguments and results. Every client pays for each word of it, in every conversation."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel

Schema = dict[str, Any]

SAID_BY_ERRORS = frozenset({"maxLength", "minLength"})
"""Bounds that nobody meets by accident; whoever does is told by the error, which names field, value and mend."""


def input_schema(model: type[BaseModel]) -> Schema:
    """The arguments, for a model to read: without titles, with each definition where it is used, and without the null
    that an argument left out stands for (null is taken all the same)."""
    schema = model.model_json_schema()
    defined = cast("dict[str, Schema]", schema.pop("$defs", {}))
    schema.pop("description", None)  # of the Python class; the tool has its own
    return _lean(schema, defined)


def output_schema(model: type[BaseModel]) -> Schema:
    """The members that a result always has. Their types would cost thousands of tokens, and a result shows them."""
    schema = model.model_json_schema(mode="serialization")
    required = [name for name in schema.get("required", []) if not _may_be_null(schema["properties"][name])]
    return {"type": "object", "required": required} if required else {"type": "object"}


def _lean(schema: Schema, defined: dict[str, Schema]) -> Schema:
    if "$ref" in schema:
        named = defined[schema["$ref"].rpartition("/")[2]]
        inlined = {key: each for key, each in named.items() if key != "description"}
        return _lean(inlined | {key: each for key, each in schema.items() if key != "$ref"}, defined)
    if "anyOf" in schema:
        choices = [each for each in schema["anyOf"] if each.get("type") != "null"]
        rest = {key: each for key, each in schema.items() if key != "anyOf" and (key, each) != ("default", None)}
        schema = choices[0] | rest if len(choices) == 1 else {"anyOf": choices} | rest
        if "$ref" in schema:
            return _lean(schema, defined)
    lean: Schema = {}
    for key, value in schema.items():
        if key == "title" or key in SAID_BY_ERRORS or (key, value) == ("additionalProperties", True):
            continue
        if key == "properties":
            lean[key] = {name: _lean(each, defined) for name, each in value.items()}
        elif key == "anyOf":
            lean[key] = [_lean(each, defined) for each in value]
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            lean[key] = _lean(cast("Schema", value), defined)
        else:
            lean[key] = value
    return lean


def _may_be_null(schema: Schema) -> bool:
    """Members that are None are left out of a result."""
    return any(each.get("type") == "null" for each in schema.get("anyOf", []))
