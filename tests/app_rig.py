"""A host of MCP Apps, as small as the specification lets one be: two frames of other origins, and a bridge to a client.

The host's page and the sandbox stand on two loopback ports, so that they are strangers to the browser. The sandbox
writes the app into a frame of its own under the restrictive policy that the specification gives for no declared origin.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from aiohttp import web
from mcp import Client

from tests.page_rig import Tab

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; "
    "base-uri 'self'"
)
HOST = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>host</title>
<style>html, body { margin: 0; height: 100%; } iframe { border: 0; width: 100%; height: 100%; display: block; }</style>
<link rel="icon" href="data:,"></head><body>
<iframe id="sandbox" title="status app" sandbox="allow-scripts allow-same-origin" src="SANDBOX"></iframe><script>
const box = document.getElementById("sandbox").contentWindow;
const seen = window.seen = { messages: [], context: CONTEXT, capabilities: CAPABILITIES };
const send = (message) => box.postMessage({ jsonrpc: "2.0", ...message }, "*");
window.tell = (method, params) => send({ method, params });
window.demand = (id, method, params) => send({ id, method, params });
window.addEventListener("message", async (event) => {
  if (event.source !== box) return;
  const { id, method, params } = event.data;
  seen.messages.push(event.data);
  if (method === "ui/notifications/sandbox-proxy-ready") {
    const html = await (await fetch("/app")).text();
    send({ method: "ui/notifications/sandbox-resource-ready", params: { html } });
  } else if (method === "ui/initialize") {
    send({ id, result: { protocolVersion: "2026-01-26", hostInfo: { name: "rig", version: "1" },
      hostCapabilities: seen.capabilities, hostContext: seen.context } });
  } else if (method === "ui/notifications/initialized") {
    send({ method: "ui/notifications/tool-input", params: { arguments: {} } });
    send({ method: "ui/notifications/tool-result", params: await (await fetch("/result")).json() });
  } else if (method === "tools/call") {
    const answer = await fetch("/call", { method: "POST", body: JSON.stringify(params) });
    send({ id, ...(await answer.json()) });
  } else if (method === "ui/open-link") {
    send({ id, result: {} });
  }
});
</script></body></html>"""
SANDBOX = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>sandbox</title>
<style>html, body { margin: 0; height: 100%; } iframe { border: 0; width: 100%; height: 100%; display: block; }</style>
</head><body><script>
let view = null;
window.addEventListener("message", (event) => {
  if (event.source === window.parent) {
    if (event.data.method === "ui/notifications/sandbox-resource-ready") {
      view = document.createElement("iframe");
      view.title = "status";
      view.setAttribute("sandbox", "allow-scripts allow-same-origin");
      document.body.append(view);
      view.contentDocument.open();
      view.contentDocument.write(event.data.params.html);
      view.contentDocument.close();
    } else view?.contentWindow.postMessage(event.data, "*");
  } else if (view && event.source === view.contentWindow) window.parent.postMessage(event.data, "*");
});
window.parent.postMessage({ jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready", params: {} }, "*");
</script></body></html>"""


class View:
    """The app's own document, three frames deep: scripts see what it shows."""

    def __init__(self, page: Tab, context: int) -> None:
        self._page, self._context = page, context

    async def run(self, script: str) -> Any:
        """The value of an expression, awaited if it is a promise."""
        found = await self._page.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, contextId=self._context
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is true."""
        with anyio.fail_after(20):
            while not await self.run(script):  # noqa: ASYNC110 - the page has no event for it
                await anyio.sleep(0.1)


async def opened(page: Tab, host: str) -> View:
    """Show the host's page and wait until the app in it has greeted its host."""
    await page.ask("Page.navigate", url=host)
    await page.until("window.seen?.messages.some((each) => each.method === 'ui/initialize')")
    tree = (await page.ask("Page.getFrameTree"))["frameTree"]
    frame = tree["childFrames"][0]["childFrames"][0]["frame"]["id"]
    world = await page.ask("Page.createIsolatedWorld", frameId=frame)
    return View(page, world["executionContextId"])


@asynccontextmanager
async def hosted(
    client: Client, html: str, *, theme: str = "light", capabilities: dict[str, Any] | None = None
) -> AsyncGenerator[str]:
    """The address of a host's page that shows `html` and passes its calls to `client`'s server."""
    allowed = {each.name for each in (await client.list_tools()).tools if "app" in _visible(each.meta)}
    able: dict[str, Any] = {"serverTools": {}, "openLinks": {}} if capabilities is None else capabilities
    places: list[str] = []

    async def host(_: web.Request) -> web.Response:
        page = HOST.replace("SANDBOX", places[0]).replace("CONTEXT", json.dumps({"theme": theme}))
        return web.Response(text=page.replace("CAPABILITIES", json.dumps(able)), content_type="text/html")

    async def app(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    async def result(_: web.Request) -> web.Response:
        called = await client.call_tool("get_system_health", {})
        return web.json_response(called.model_dump(by_alias=True, mode="json", exclude_none=True))

    async def call(request: web.Request) -> web.Response:
        asked = json.loads(await request.text())
        if asked["name"] not in allowed:
            return web.json_response({"error": {"code": -32000, "message": "not for apps"}})
        called = await client.call_tool(asked["name"], asked["arguments"])
        return web.json_response({"result": called.model_dump(by_alias=True, mode="json", exclude_none=True)})

    async def sandbox(_: web.Request) -> web.Response:
        return web.Response(text=SANDBOX, content_type="text/html", headers={"content-security-policy": POLICY})

    async with (
        _serving({"/": sandbox}) as sandbox_at,
        _serving({"/": host, "/app": app, "/result": result, "/call": call}) as host_at,
    ):
        places.append(sandbox_at)
        yield host_at


def _visible(meta: dict[str, Any] | None) -> list[str]:
    return (meta or {}).get("ui", {}).get("visibility", ["model", "app"])


@asynccontextmanager
async def _serving(paths: dict[str, Any]) -> AsyncGenerator[str]:
    application = web.Application()
    for path, handler in paths.items():
        application.router.add_route("*", path, handler)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await asyncio.shield(runner.cleanup())
