"""The MCP App as clients meet it: only those that say they show apps hear of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from bedrock_support.server.page.app import READ, URI
from tests.promises import promise
from tests.rig import LOG, environment, running, told

SHOWS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
OTHER = [advertise(EXTENSION_ID, {"mimeTypes": ["text/html"]})]


@pytest.fixture(scope="module")
def url() -> Any:
    with running("serve", "--transport", "http", "--port", "0", env=environment()) as (_, address):
        yield address


@promise("app:negotiated")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_the_app_is_offered_to_clients_that_show_apps(url: str, era: Any) -> None:
    async with Client(url, mode=era, extensions=SHOWS) as client:
        tools = {each.name: each for each in (await client.list_tools()).tools}
        assert (tools["get_system_health"].meta or {})["ui"]["resourceUri"] == URI
        assert (tools[READ].meta or {})["ui"] == {"resourceUri": URI, "visibility": ["app"]}
        listed = {str(each.uri): each for each in (await client.list_resources()).resources}
        assert listed[URI].mime_type == APP_MIME_TYPE
        content = (await client.read_resource(URI)).contents[0]
        assert content.mime_type == APP_MIME_TYPE
        assert (content.meta or {})["ui"]["csp"] == {
            "connectDomains": [],
            "resourceDomains": [],
            "frameDomains": [],
            "baseUriDomains": [],
        }
        text = getattr(content, "text", "")
        assert text.startswith("<!doctype html>")
        assert not re.search(r"(src|href)=\"(?!data:|#)|https?://|@import|url\(", text)

        result = told(await client.call_tool("triage_incident", {"text": LOG}))
        picture = told(await client.call_tool(READ, {}))
        assert picture["decisions"][0]["id"] == result["decision_id"]
        found = told(await client.call_tool(READ, {"decision_id": result["decision_id"]}))
        assert found["id"] == result["decision_id"]
        assert "problem" in told(await client.call_tool(READ, {"decision_id": "none"}))
        assert (await client.call_tool(READ, {"what": 1})).is_error


@promise("app:negotiated")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("extensions", [None, OTHER])
async def test_nobody_else_hears_of_it(url: str, era: Any, extensions: Any) -> None:
    async with Client(url, mode=era, extensions=extensions) as client:
        tools = {each.name: each for each in (await client.list_tools()).tools}
        assert READ not in tools
        assert not any(each.meta for each in tools.values())
        assert URI not in {str(each.uri) for each in (await client.list_resources()).resources}
        refused = await client.call_tool(READ, {})
        assert refused.is_error
        assert getattr(refused.content[0], "text", "") == f"Unknown tool: {READ}"
