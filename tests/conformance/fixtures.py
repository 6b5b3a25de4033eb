"""Everything the official conformance suite expects to find on a server, registered on one of ours.

The suite tests a server through tools, resources and prompts with agreed names. They are of no use to an
agent, so they live here and never ship: the test entry point serve.py lays them over the product's server.
Scenarios of the tasks extension (`tasks-*`) have no fixtures here.
"""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer

from tests.conformance import fixtures_content, fixtures_handlers, fixtures_live, fixtures_mrtr


def register(mcp: MCPServer[Any]) -> None:
    """Lay the suite's fixtures over a server that may already have tools of its own."""
    fixtures_content.register(mcp)
    fixtures_live.register(mcp)
    fixtures_mrtr.register(mcp)
    fixtures_handlers.register(mcp)
