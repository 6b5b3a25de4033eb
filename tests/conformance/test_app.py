"""The MCP App in a host of ours in headless Chromium: figures by postMessage alone, and axe-core's judgement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from anyio import Path as AsyncPath
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from bedrock_support.server.page.app import URI
from tests.app_rig import hosted, opened
from tests.conformance.node import Node
from tests.page_rig import Tab, chromium, tab
from tests.promises import promise
from tests.rig import LOG, environment, running, with_bedrock

SHOWS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]


@pytest.fixture(scope="module")
def browser() -> Iterator[str]:
    started = chromium()
    try:
        address = started.__enter__()
    except LookupError as missing:
        pytest.skip(str(missing))
    yield address
    started.__exit__(None, None, None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running("sandbox", "--port", "0", env=environment()) as (_, sandbox):
        env = environment(BEDROCK_SUPPORT_JAEGER="http://127.0.0.1:16686", **with_bedrock(sandbox))
        with running("serve", "--transport", "http", "--port", "0", env=env) as (_, url):
            yield url


async def text_of(client: Client) -> str:
    return getattr((await client.read_resource(URI)).contents[0], "text", "")


async def messages(page: Tab, method: str) -> list[dict[str, Any]]:
    """What the app sent by that name."""
    return await page.run(f"window.seen.messages.filter((each) => each.method === {method!r})")


@promise("app:hosted")
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_host_shows_live_figures_that_come_by_postmessage(
    browser: str, server: str, theme: str, node: Node
) -> None:
    async with tab(browser) as page, Client(server, extensions=SHOWS) as client:
        await client.call_tool("triage_incident", {"text": LOG, "operation_class": "emergency"})
        async with hosted(client, await text_of(client), theme=theme) as host:
            view = await opened(page, host)
            await view.until("document.documentElement.dataset.at")
            assert await view.run("document.documentElement.dataset.theme") == theme
            ground = await view.run("getComputedStyle(document.body).backgroundColor")
            assert ground == ("rgb(246, 247, 249)" if theme == "light" else "rgb(18, 22, 29)")
            before = await view.run("document.querySelectorAll('#decisions [data-id]').length")
            await client.call_tool("triage_incident", {"text": LOG + " again", "operation_class": "emergency"})
            await view.until(f"document.querySelectorAll('#decisions [data-id]').length > {before}")
            await view.run("document.querySelector('#decisions [data-id]').click()")
            await view.until("document.getElementById('detail').open")
            assert "emergency" in await view.run("document.getElementById('told').innerText")
            await view.run("document.getElementById('close').click()")
            assert not await view.run("document.getElementById('detail').open")
            began = (await messages(page, "ui/initialize"))[0]["params"]
            assert began["protocolVersion"] == "2026-01-26"
            assert (await messages(page, "ui/notifications/size-changed"))[-1]["params"]["height"] > 400
            axe = await AsyncPath(node.modules / "axe-core" / "axe.min.js").read_text("utf-8")
            await view.run(f"{axe}; 0")
            found = await view.run("axe.run().then((r) => r.violations.map((v) => [v.impact, v.id, v.nodes.length]))")
            assert [each for each in found if each[0] in ("serious", "critical")] == []
            assert page.complaints == []


@promise("app:hosted")
async def test_a_host_that_passes_no_calls_on_still_sees_the_components_and_can_end_it(
    browser: str, server: str
) -> None:
    async with (
        tab(browser) as page,
        Client(server, extensions=SHOWS) as client,
        hosted(client, await text_of(client), capabilities={}) as host,
    ):
        view = await opened(page, host)
        await view.until("document.querySelectorAll('#components tr').length === 7")
        assert "passes no calls on" in await view.run("document.getElementById('link').innerText")
        assert await messages(page, "tools/call") == []
        await page.run("window.demand(7, 'ping', {})")
        await page.run("window.demand(8, 'ui/resource-teardown', {reason: 'done'})")
        await page.run("window.demand(9, 'ui/unheard-of', {})")
        await page.until("window.seen.messages.some((each) => each.id === 9 && each.error?.code === -32601)")
        answered = "window.seen.messages.filter((each) => each.result && [7, 8].includes(each.id)).length"
        assert await page.run(answered) == 2
