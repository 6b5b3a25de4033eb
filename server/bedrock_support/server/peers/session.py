"""The SDK's client session as a peer's connection needs it: what it declares, how it finds the era, what it lists."""

from __future__ import annotations

import logging
from typing import Any

from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp.types import CONNECTION_CLOSED, ClientCapabilities, Implementation, PaginatedRequestParams, Tool
from pydantic import ValidationError

from bedrock_support.server.peers.catalogue import MOST_TOOLS

MOST_PAGES = 16
US = Implementation(name="bedrock-support", version="1")

for _name in ("client", "mcp.client.streamable_http"):
    # The SDK's client logs what a server sent, word for word; it belongs in no log, and its sender could fill the disk.
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class MirroringSession(ClientSession):
    """Declares exactly what it is given: the SDK's own declares form and URL elicitation together."""

    def __init__(self, read: Any, write: Any, declared: ClientCapabilities, **callbacks: Any) -> None:
        super().__init__(read, write, client_info=US, **callbacks)
        self._declared = declared

    def _build_capabilities(self, version: str) -> ClientCapabilities:
        return self._declared


async def negotiate(session: ClientSession, era: str) -> None:
    """Find the protocol version: ask as 2026-07-28 does, else by the handshake of the eras before."""
    if era != "legacy":
        try:
            await session.discover()
        except (MCPError, RuntimeError, ValidationError) as error:
            if era != "auto" or (isinstance(error, MCPError) and error.code == CONNECTION_CLOSED):
                raise
        else:
            return
    await session.initialize()


async def all_tools(session: ClientSession) -> list[Tool]:
    """All pages of the listing, within bounds."""
    if session.server_capabilities is None or session.server_capabilities.tools is None:
        return []
    found: list[Tool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        found += page.tools
        cursor = page.next_cursor
        if not cursor or len(found) > MOST_TOOLS:
            break
    return found
