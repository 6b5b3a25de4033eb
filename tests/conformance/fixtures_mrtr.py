"""Fixtures that ask by returning an InputRequiredResult: the multi-round way of 2026-07-28 (SEP-2322).

Keys of requests and words of state are the suite's. Each fixture is a plain function of the answers and the
state that came back; sealing the state against tampering is the server's own business.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)


def form(message: str, field: str, kind: str = "string") -> ElicitRequest:
    """Ask the user for one field."""
    schema: dict[str, Any] = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def model(prompt: str) -> CreateMessageRequest:
    """Ask the client's model."""
    messages = [SamplingMessage(role="user", content=TextContent(text=prompt))]
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=messages, max_tokens=100))


def filled(ctx: Context[Any], key: str, field: str) -> str | None:
    """What the user wrote into a form's field; None while there is no such answer."""
    answer = (ctx.input_responses or {}).get(key)
    if not isinstance(answer, ElicitResult) or not answer.content or field not in answer.content:
        return None
    return str(answer.content[field])


async def elicitation(ctx: Context[Any]) -> str | InputRequiredResult:
    """One form."""
    name = filled(ctx, "user_name", "name")
    if name is None:
        return InputRequiredResult(input_requests={"user_name": form("What is your name?", "name")})
    return f"Hello, {name}!"


async def sampling(ctx: Context[Any]) -> str | InputRequiredResult:
    """One question to the model."""
    answer = (ctx.input_responses or {}).get("capital_question")
    if not isinstance(answer, CreateMessageResult):
        return InputRequiredResult(input_requests={"capital_question": model("What is the capital of France?")})
    return f"Model said: {answer.content.text if answer.content.type == 'text' else answer.content.type}"


async def list_roots(ctx: Context[Any]) -> str | InputRequiredResult:
    """One question for the client's roots."""
    answer = (ctx.input_responses or {}).get("client_roots")
    if not isinstance(answer, ListRootsResult):
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})
    return f"The client has {len(answer.roots)} root(s)."


async def request_state(ctx: Context[Any]) -> str | InputRequiredResult:
    """A form and a state, both of which have to come back."""
    if filled(ctx, "confirm", "ok") is not None and ctx.request_state == "waiting-for-confirm":
        return "state-ok: confirmation received"
    requests: dict[str, InputRequest] = {"confirm": form("Please confirm", "ok", "boolean")}
    return InputRequiredResult(input_requests=requests, request_state="waiting-for-confirm")


async def multiple_inputs(ctx: Context[Any]) -> str | InputRequiredResult:
    """User, model and roots in one round."""
    requests: dict[str, InputRequest] = {
        "user_name": form("What is your name?", "name"),
        "greeting": model("Generate a greeting"),
        "client_roots": ListRootsRequest(),
    }
    if requests.keys() <= (ctx.input_responses or {}).keys():
        return "All inputs received."
    return InputRequiredResult(input_requests=requests, request_state="multiple-inputs")


async def multi_round(ctx: Context[Any]) -> str | InputRequiredResult:
    """Two rounds, each of which needs the one before; an answer out of turn starts again."""
    state = json.loads(ctx.request_state) if ctx.request_state else {"round": 0}
    color = filled(ctx, "step2", "color")
    if state["round"] == 2 and color is not None:
        return f"{state['name']} likes {color}."
    name = filled(ctx, "step1", "name")
    if state["round"] == 1 and name is not None:
        second: dict[str, InputRequest] = {"step2": form("Step 2: What is your favorite color?", "color")}
        return InputRequiredResult(input_requests=second, request_state=json.dumps({"round": 2, "name": name}))
    first: dict[str, InputRequest] = {"step1": form("Step 1: What is your name?", "name")}
    return InputRequiredResult(input_requests=first, request_state=json.dumps({"round": 1}))


async def tampered_state(ctx: Context[Any]) -> str | InputRequiredResult:
    """Believes the state it gets: one that was tampered with must not arrive here at all."""
    if ctx.request_state is not None:
        return f"state-ok: {ctx.request_state}"
    requests: dict[str, InputRequest] = {"confirm": form("Please confirm", "ok", "boolean")}
    return InputRequiredResult(input_requests=requests, request_state="round-1")


async def capabilities(ctx: Context[Any]) -> InputRequiredResult:
    """Asks only in the ways that this request's client declared."""
    declared = ctx.client_capabilities
    requests: dict[str, InputRequest] = {}
    if declared is not None and declared.sampling is not None:
        requests["sample"] = model("Say hello")
    if declared is not None and declared.elicitation is not None:
        requests["ask"] = form("What is your name?", "name")
    return InputRequiredResult(input_requests=requests, request_state="as-declared")


async def prompt(ctx: Context[Any]) -> list[UserMessage] | InputRequiredResult:
    """A prompt that asks before it answers."""
    context = filled(ctx, "user_context", "context")
    if context is None:
        requests: dict[str, InputRequest] = {"user_context": form("What context should be used?", "context")}
        return InputRequiredResult(input_requests=requests)
    return [UserMessage(f"Use the following context: {context}")]


TOOLS: dict[str, Callable[..., Awaitable[object]]] = {
    "elicitation": elicitation,
    "sampling": sampling,
    "list_roots": list_roots,
    "request_state": request_state,
    "multiple_inputs": multiple_inputs,
    "multi_round": multi_round,
    "tampered_state": tampered_state,
    "capabilities": capabilities,
}


def register(mcp: MCPServer[Any]) -> None:
    """Register the multi-round fixtures."""
    for name, tool in TOOLS.items():
        mcp.add_tool(tool, name=f"test_input_required_result_{name}")
    mcp.prompt("test_input_required_result_prompt")(prompt)
