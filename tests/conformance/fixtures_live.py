"""Fixtures that talk to the client while the call runs: progress, logs, sampling, elicitation, list changes.

Live requests exist in the handshake revisions only; the 2026-07-28 counterparts are in fixtures_mrtr.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Prompt
from mcp.shared.exceptions import MCPError
from mcp.types import MISSING_REQUIRED_CLIENT_CAPABILITY, SamplingMessage, TextContent
from pydantic import BaseModel, Field

STEP = 0.05
"""Seconds between two notifications, so that they can't be taken for one."""
RECONNECT = 0.2
"""Seconds in which the client is expected to come back after its stream was closed."""


class Answer(BaseModel):
    """A form of one free field."""

    response: str = Field(description="User's response")


class Defaults(BaseModel):
    """A form with a default value of every primitive type (SEP-1034)."""

    name: str = Field(default="John Doe", description="User name")
    age: int = Field(default=30, description="User age")
    score: float = Field(default=95.5, description="User score")
    status: str = Field(
        default="active",
        description="User status",
        json_schema_extra={"enum": ["active", "inactive", "pending"]},
    )
    verified: bool = Field(default=True, description="Verification status")


def titled(**titles: str) -> list[Any]:
    """Options of a choice: JSON Schema constants with a title each."""
    return [{"const": value, "title": title} for value, title in titles.items()]


# Field names are the suite's.
class Choices(BaseModel):
    """A form with the five ways to write a choice (SEP-1330)."""

    untitledSingle: str = Field(json_schema_extra={"enum": ["active", "inactive", "pending"]})
    titledSingle: str = Field(json_schema_extra={"oneOf": titled(low="Low", medium="Medium", high="High")})
    untitledMulti: list[str] = Field(
        json_schema_extra={"items": {"type": "string", "enum": ["read", "write", "execute"]}}
    )
    titledMulti: list[str] = Field(
        json_schema_extra={"items": {"anyOf": titled(feature="New feature", bug="Bug fix", docs="Documentation")}}
    )
    legacyEnum: str = Field(
        json_schema_extra={"enum": ["small", "medium", "large"], "enumNames": ["Small", "Medium", "Large"]}
    )


async def tool_with_logging(ctx: Context[Any]) -> str:
    """Sends three log messages."""
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(message)  # pyright: ignore[reportDeprecated]
        await anyio.sleep(STEP)
    return "Tool with logging executed successfully"


async def tool_with_progress(ctx: Context[Any]) -> str:
    """Reports progress at 0, 50 and 100."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"Completed step {done} of 100")
        await anyio.sleep(STEP)
    return "Progress reported"


async def sampling(prompt: str, ctx: Context[Any]) -> str:
    """Has the client's model complete the prompt."""
    # Without related_request_id the request would go to the GET stream, and be lost while none is open.
    result = await ctx.session.create_message(  # pyright: ignore[reportDeprecated]
        messages=[SamplingMessage(role="user", content=TextContent(text=prompt))],
        max_tokens=100,
        related_request_id=ctx.request_id,
    )
    return f"LLM response: {result.content.text if result.content.type == 'text' else result.content.type}"


async def ask(ctx: Context[Any], message: str, form: type[BaseModel]) -> str:
    """Show the client's user a form and word what came back."""
    result = await ctx.elicit(message, form)
    content = result.data.model_dump_json() if result.action == "accept" else "{}"
    return f"action={result.action}, content={content}"


async def elicitation(message: str, ctx: Context[Any]) -> str:
    """Asks the user one free question."""
    return f"User response: {await ask(ctx, message, Answer)}"


async def elicitation_defaults(ctx: Context[Any]) -> str:
    """Asks with defaults."""
    return f"Elicitation completed: {await ask(ctx, 'Please check your data', Defaults)}"


async def elicitation_enums(ctx: Context[Any]) -> str:
    """Asks for choices."""
    return f"Elicitation completed: {await ask(ctx, 'Please choose', Choices)}"


async def missing_capability(ctx: Context[Any]) -> str:
    """Runs only for a client that declared sampling; any other gets a protocol error, not a tool error."""
    declared = ctx.client_capabilities
    if declared is None or declared.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="This tool needs a client that declares sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return "The client declared sampling."


async def reconnection(ctx: Context[Any]) -> str:
    """Closes the stream of its own call and answers to the client that came back (SEP-1699)."""
    await ctx.info("Before disconnect")  # pyright: ignore[reportDeprecated]
    await ctx.close_sse_stream()
    await anyio.sleep(RECONNECT)
    await ctx.info("After reconnect")  # pyright: ignore[reportDeprecated]
    return "Reconnection test completed"


def passing() -> str:
    """Comes and goes, so that a list changes."""
    return "gone"


async def trigger_tool_change(ctx: Context[Any]) -> str:
    """Changes the list of tools and tells the listeners (SEP-2575)."""
    ctx.mcp_server.add_tool(passing, name="test_dynamic_tool")
    ctx.mcp_server.remove_tool("test_dynamic_tool")
    await ctx.notify_tools_changed()
    return "tool list changed"


async def trigger_prompt_change(ctx: Context[Any]) -> str:
    """Changes the list of prompts and tells the listeners (SEP-2575)."""
    ctx.mcp_server.add_prompt(Prompt.from_function(passing, name="test_dynamic_prompt"))
    ctx.mcp_server.remove_prompt("test_dynamic_prompt")
    await ctx.notify_prompts_changed()
    return "prompt list changed"


TOOLS: dict[str, Callable[..., Awaitable[str]]] = {
    "test_tool_with_logging": tool_with_logging,
    "test_logging_tool": tool_with_logging,
    "test_tool_with_progress": tool_with_progress,
    "test_sampling": sampling,
    "test_elicitation": elicitation,
    "test_streaming_elicitation": elicitation,
    "test_elicitation_sep1034_defaults": elicitation_defaults,
    "test_elicitation_sep1330_enums": elicitation_enums,
    "test_missing_capability": missing_capability,
    "test_reconnection": reconnection,
    "test_trigger_tool_change": trigger_tool_change,
    "test_trigger_prompt_change": trigger_prompt_change,
}


def register(mcp: MCPServer[Any]) -> None:
    """Register the live fixtures."""
    for name, tool in TOOLS.items():
        mcp.add_tool(tool, name=name)
