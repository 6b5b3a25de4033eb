"""The status page in headless Chromium: figures, explanations, keyboard, and axe-core's judgement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio import Path as AsyncPath
from anyio import to_thread
from mcp import Client

from tests.conformance.node import Node
from tests.page_rig import Tab, chromium, tab
from tests.promises import promise
from tests.rig import LOG, environment, running, with_bedrock

TOKEN = "t0ken-" + "a" * 40
AT = "document.documentElement?.dataset.at"


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
        env = environment(
            BEDROCK_SUPPORT_PAGE="true", BEDROCK_SUPPORT_JAEGER="http://127.0.0.1:16686", **with_bedrock(sandbox)
        )
        with running("serve", "--transport", "http", "--port", "0", env=env) as (_, url):
            yield url


async def opened(page: Tab, url: str) -> None:
    await page.ask("Page.navigate", url=f"{url.removesuffix('/mcp')}/status")
    await page.until(AT)


@promise("page:live")
async def test_a_decision_falls_and_opens_its_explanation_by_keyboard(browser: str, server: str) -> None:
    async with tab(browser) as page, Client(server) as client:
        await opened(page, server)
        await client.call_tool("triage_incident", {"text": LOG, "operation_class": "emergency"})
        await page.until("document.querySelector('#decisions [data-id]') !== null")
        assert "simulated" in await page.run("document.querySelector('#decisions').innerText")
        assert not await page.run("document.getElementById('simulated').hidden")
        await page.run("document.querySelector('#decisions [data-id]').focus()")
        for kind in ("keyDown", "keyUp"):
            key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
            await page.ask("Input.dispatchKeyEvent", type=kind, **key)
        await page.until("document.getElementById('detail').open")
        told = await page.run("document.getElementById('told').innerText")
        assert "Conditions" in told
        assert "1. direct" in told
        assert LOG.splitlines()[3][30:] not in told
        assert page.complaints == []


@promise("page:accessible")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1000])
async def test_axe_finds_no_serious_fault(browser: str, server: str, node: Node, theme: str, width: int) -> None:
    axe = await AsyncPath(node.modules / "axe-core" / "axe.min.js").read_text("utf-8")
    async with tab(browser) as page, Client(server) as client:
        await client.call_tool("triage_incident", {"text": LOG, "operation_class": "emergency"})
        await page.theme(theme, width, 800)
        await opened(page, server)
        assert await page.run("document.documentElement.scrollWidth") <= width
        await page.run(f"{axe}; 0")
        for step in ("0", "document.querySelector('#decisions [data-id]').click()"):
            await page.run(step)
            if step != "0":
                await page.until("document.getElementById('detail').open")
            found: list[dict[str, Any]] = await page.run(
                "axe.run().then((r) => r.violations.map((v) => "
                "({id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 3).map((n) => n.html)})))"
            )
            assert [each for each in found if each["impact"] in ("serious", "critical")] == []


def test_the_screenshots_are_small() -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert all((docs / f"page-{theme}.png").stat().st_size < 200_000 for theme in ("light", "dark"))


@promise("access:people", "page:accessible")
async def test_a_person_signs_in_by_keyboard_and_out_again(browser: str, node: Node) -> None:
    axe = await AsyncPath(node.modules / "axe-core" / "axe.min.js").read_text("utf-8")
    env = environment(BEDROCK_SUPPORT_PAGE="true", BEDROCK_SUPPORT_TOKENS=f"anna:{TOKEN}")
    process = running("serve", "--transport", "http", "--port", "0", env=env)
    _, url = await to_thread.run_sync(process.__enter__)
    try:
        async with tab(browser) as page:
            await page.ask("Page.navigate", url=f"{url.removesuffix('/mcp')}/status")
            await page.until("document.activeElement?.id === 'token'")
            await page.run(f"{axe}; 0")
            found = await page.run("axe.run().then((r) => r.violations.map((v) => [v.impact, v.id]))")
            assert [each for each in found if each[0] in ("serious", "critical")] == []
            await page.ask("Input.insertText", text=TOKEN)
            for kind in ("keyDown", "keyUp"):
                key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
                await page.ask("Input.dispatchKeyEvent", type=kind, **key)
            await page.until(AT)
            assert await page.run("document.cookie") == ""
            await page.run("document.querySelector('.leave button').click()")
            await page.until("document.activeElement?.id === 'token'")
            assert page.complaints == []
    finally:
        await to_thread.run_sync(process.__exit__, None, None, None)
