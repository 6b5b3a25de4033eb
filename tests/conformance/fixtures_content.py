"""Fixtures that only return content: tools, resources and prompts of every content type."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import AudioContent, EmbeddedResource, ImageContent, TextContent, TextResourceContents
from pydantic import Field

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
"""A PNG of one red pixel, in base64."""
SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
"""A WAV of one sample, in base64."""

RICH_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""Every JSON Schema 2020-12 keyword whose way through tools/list the suite follows (SEP-1613, SEP-2106)."""


def embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    """A text resource carried inside a result."""
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def simple_text() -> str:
    """One text block."""
    return "This is a simple text response for testing."


def image_content() -> list[ImageContent]:
    """One image block."""
    return [ImageContent(data=PIXEL, mime_type="image/png")]


def audio_content() -> list[AudioContent]:
    """One audio block."""
    return [AudioContent(data=SILENCE, mime_type="audio/wav")]


def embedded_resource() -> list[EmbeddedResource]:
    """One embedded resource."""
    return [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


def multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Text, image and resource in one result."""
    return [
        TextContent(text="Multiple content types test:"),
        ImageContent(data=PIXEL, mime_type="image/png"),
        embedded("test://mixed-content-resource", "application/json", json.dumps({"test": "data", "value": 123})),
    ]


def error_handling() -> str:
    """Fails on purpose: the failure has to come back as a tool error."""
    raise RuntimeError("This tool intentionally returns an error for testing")


def x_mcp_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "nowhere",
) -> str:
    """Has one argument that clients mirror into the header Mcp-Param-Region (SEP-2243)."""
    return f"region={region}"


def json_schema_2020_12_tool() -> str:
    """Only its input schema is of interest; register() installs it."""
    return "json_schema_2020_12_tool"


TOOLS: dict[str, Callable[..., object]] = {
    "test_simple_text": simple_text,
    "test_image_content": image_content,
    "test_audio_content": audio_content,
    "test_embedded_resource": embedded_resource,
    "test_multiple_content_types": multiple_content_types,
    "test_error_handling": error_handling,
    "test_x_mcp_header": x_mcp_header,
    "json_schema_2020_12_tool": json_schema_2020_12_tool,
}


def static_text() -> str:
    """A text resource."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """A binary resource."""
    return base64.b64decode(PIXEL)


def templated(id: str) -> str:
    """A resource whose address has a parameter."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def watched() -> str:
    """A resource that clients subscribe to."""
    return "Watched resource content"


def simple_prompt() -> list[UserMessage]:
    """A prompt without arguments."""
    return [UserMessage("This is a simple prompt for testing.")]


def prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    """A prompt that repeats its two arguments."""
    return [UserMessage(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]


# The argument's name is the suite's.
def prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
    """A prompt that carries a resource under the address asked for."""
    return [
        UserMessage(embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
        UserMessage("Please process the embedded resource above."),
    ]


def prompt_with_image() -> list[UserMessage]:
    """A prompt that carries an image."""
    return [
        UserMessage(ImageContent(data=PIXEL, mime_type="image/png")),
        UserMessage("Please analyze the image above."),
    ]


def register(mcp: MCPServer[Any]) -> None:
    """Register the content fixtures."""
    for name, tool in TOOLS.items():
        mcp.add_tool(tool, name=name)
    # MCPServer has no public way to give a tool an input schema that no Python signature can express.
    rich = mcp._tool_manager.get_tool("json_schema_2020_12_tool")  # pyright: ignore[reportPrivateUsage]
    assert rich is not None
    rich.parameters = RICH_SCHEMA

    mcp.resource("test://static-text", mime_type="text/plain")(static_text)
    mcp.resource("test://static-binary", mime_type="image/png")(static_binary)
    mcp.resource("test://template/{id}/data", mime_type="application/json")(templated)
    mcp.resource("test://watched-resource", mime_type="text/plain")(watched)

    mcp.prompt("test_simple_prompt")(simple_prompt)
    mcp.prompt("test_prompt_with_arguments")(prompt_with_arguments)
    mcp.prompt("test_prompt_with_embedded_resource")(prompt_with_embedded_resource)
    mcp.prompt("test_prompt_with_image")(prompt_with_image)
