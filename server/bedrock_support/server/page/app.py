"""The page as an MCP App, for clients that negotiate it: one file of HTML, and the tool that it reads figures by.

Source: SEP-1865 (io.modelcontextprotocol/ui, revision 2026-01-26). The host shows the file in a sandboxed frame and
passes the frame's calls on; the frame itself reaches nothing, and no origin is declared that it might.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mcp.server.apps import APP_MIME_TYPE, Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.resources import FunctionResource
from mcp.types import CallToolResult, TextContent, Tool, ToolAnnotations

if TYPE_CHECKING:
    from bedrock_support.routing.queue.message_queue import MessageQueue
    from bedrock_support.server.manager import BedrockSupportManager
    from bedrock_support.server.page.look import PageLook
    from bedrock_support.server.system import SystemHealth
    from bedrock_support.tools.cost import CostReport

URI = "ui://bedrock-support/status.html"
SHOWN_WITH = "get_system_health"
"""The tool whose result a host shows by the app."""
READ = "read_status_page"
"""The app's own tool; hosts keep it from models."""
_CLOSED: dict[str, list[str]] = {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []}
_ID = {"type": "string", "maxLength": 200, "description": "One decision, instead of the picture."}
_negotiated: ContextVar[bool] = ContextVar("apps_negotiated", default=False)


async def note_apps(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: whether whoever sent this message has said that it shows apps."""
    token = _negotiated.set(client_supports_apps(ctx))
    try:
        return await call_next(ctx)
    finally:
        _negotiated.reset(token)


def wanted() -> bool:
    """Whether the client of the message in hand shows apps."""
    return _negotiated.get()


def status_app() -> Apps:
    """The extension with its one resource; the file is put together when it is read."""
    apps = Apps()
    apps.add_resource(
        FunctionResource(
            uri=URI,
            name="status",
            title="Status",
            description="Live state of routes, decisions, latency, objectives, cost and queue.",
            mime_type=APP_MIME_TYPE,
            meta={"ui": {"csp": _CLOSED, "prefersBorder": True}},
            fn=html,
        )
    )
    return apps


def with_app(tools: list[Tool]) -> list[Tool]:
    """The tools as a client that shows apps is told of them."""
    shown = {"ui": {"resourceUri": URI, "visibility": ["model", "app"]}}
    found = [each.model_copy(update={"meta": shown}) if each.name == SHOWN_WITH else each for each in tools]
    if any(each.name == SHOWN_WITH for each in found):
        found.append(_read_tool())
    return found


def _read_tool() -> Tool:
    return Tool(
        name=READ,
        title="Read status page",
        description="The figures that the status app shows. Asks no model.",
        input_schema={"type": "object", "properties": {"decision_id": _ID}, "additionalProperties": False},
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        _meta={"ui": {"resourceUri": URI, "visibility": ["app"]}},
    )


def looking(
    manager: BedrockSupportManager,
    system: SystemHealth,
    cost: Callable[[], Awaitable[CostReport]],
    queue: MessageQueue | None,
    jaeger: str | None,
) -> Callable[[], PageLook]:
    """What makes the one look of a server, when it is first wanted: most servers show neither page nor app."""

    @cache
    def look() -> PageLook:
        from bedrock_support.server.page.look import PageLook

        return PageLook(manager, system, cost, queue, jaeger)

    return look


async def read(look: Callable[[], PageLook], arguments: dict[str, Any]) -> CallToolResult:
    """What READ answers: the picture, or one decision."""
    decision = arguments.get("decision_id")
    if set(arguments) - {"decision_id"} or not (decision is None or isinstance(decision, str)):
        problem = f"{READ}: decision_id is all that it takes, and a string"
        return CallToolResult(content=[TextContent(text=problem)], is_error=True)
    if decision is None:
        picture = await look().picture()
        said = f"system: {picture['system']['state']}; the figures are in structuredContent"
        return CallToolResult(content=[TextContent(text=said)], structured_content=picture)
    found = await look().decision(decision) or {"problem": "not among the last decisions"}
    return CallToolResult(
        content=[TextContent(text=str(found.get("explanation", "unknown")))], structured_content=found
    )


def html() -> str:
    """The whole app in one file: the page's own parts, without what only a page of its own has."""
    folder = files("bedrock_support.server.page") / "static"
    part = {name: (folder / name).read_text(encoding="utf-8") for name in ("status.html", "status.css")}
    scripts = [(folder / name).read_text(encoding="utf-8") for name in ("parts.js", "view.js", "app.js")]
    script = re.sub(r"^import [^;]*;\n|^export ", "", "\n".join(scripts), flags=re.MULTILINE)
    page = part["status.html"]
    page = re.sub(r'<form class="leave".*?</form>\n|<noscript>.*?</noscript>\n', "", page)
    page = page.replace(
        '<link rel="stylesheet" href="/status/status.css">', f"<style>\n{part['status.css']}</style>"
    ).replace('<script type="module" src="/status/status.js"></script>', "")
    return page.replace("</body>", f'<script type="module">\n{script}</script>\n</body>')
