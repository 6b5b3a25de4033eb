"""A good upstream of both eras, built with the SDK: started by peer_rig, which must not pay for these imports."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Elicit, ListRoots, Resolve, Sample
from mcp.shared.exceptions import MCPError
from mcp.types import CreateMessageResult, ListRootsResult, SamplingMessage, TextContent
from pydantic import BaseModel


class Agree(BaseModel):
    agree: bool


async def model(text: str) -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text=text))], max_tokens=64)


async def user(text: str) -> Elicit[Agree]:
    return Elicit(text, Agree)


async def folders() -> ListRoots:
    return ListRoots()


async def echo(text: str) -> str:
    """Says it again."""
    return text


async def wait(seconds: float) -> str:
    """Takes its time."""
    await anyio.sleep(seconds)
    return str(os.getpid())


async def ask_model(text: str, answer: Annotated[CreateMessageResult, Resolve(model)]) -> str:
    """Asks the client's model."""
    return getattr(answer.content, "text", "")


async def ask_user(text: str, answer: Annotated[Agree, Resolve(user)]) -> str:
    """Asks the client's user."""
    return str(answer.agree)


async def ask_folders(answer: Annotated[ListRootsResult, Resolve(folders)]) -> str:
    """Asks for the client's folders."""
    return " ".join(str(root.uri) for root in answer.roots)


async def late() -> str:
    """Came later."""
    return "late"


async def fail() -> str:
    """Says too much in its error."""
    raise MCPError(-32099, "a secret\nwas told")


async def steps(ctx: Context) -> str:
    """Says how far it is, and once that it is less far."""
    for done in (1, 3, 2, 4):
        await ctx.report_progress(done, 4, f"secret {done}")
        await anyio.sleep(0.05)
    return "done"


def serve(*, http: bool) -> None:
    """Over stdio, or over HTTP on a free port of loopback, printing the URL."""
    server = MCPServer("good", version="1", log_level="ERROR")
    for each in (echo, wait, ask_model, ask_user, ask_folders, fail, steps):
        server.add_tool(each)

    async def grow(ctx: Context) -> str:
        """Adds a tool, and says so to clients of both eras."""
        server.add_tool(late)
        await ctx.notify_tools_changed()
        await ctx.session.send_tool_list_changed()
        return "grown"

    server.add_tool(grow)
    if not http:
        server.run("stdio")
        return
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    app = server.streamable_http_app(host="127.0.0.1")
    uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)).run(sockets=[listening])
