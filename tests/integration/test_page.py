"""The page: its data and files over HTTP, and what a browser makes of them."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
import pytest
from anyio import to_thread

from tests.browser_rig import BROWSER, browsing
from tests.promises import promise
from tests.rig import LOG, connect, environment, running, with_bedrock

ASKED = {"text": LOG, "operation_class": "emergency"}
no_browser = pytest.mark.skipif(
    BROWSER is None and not os.environ.get("BEDROCK_SUPPORT_REQUIRE_BROWSER"),
    reason="NO CHROMIUM HERE: the page was not looked at by a browser",
)


@contextmanager
def page(sandbox: str, **more: str) -> Generator[tuple[str, str]]:
    """A server with its page: MCP's address and the page's."""
    env = environment(BEDROCK_SUPPORT_PAGE="true", BEDROCK_SUPPORT_AUDIT="off", **with_bedrock(sandbox), **more)
    with running("serve", "--transport", "http", "--port", "0", env=env) as (_, url):
        yield url, url.replace("/mcp", "/status")


def get(url: str, **headers: str) -> httpx2.Response:
    return httpx2.get(url, headers=headers, trust_env=False)


async def called(url: str, times: int) -> None:
    with anyio.fail_after(30):
        async with connect("http", "2026-07-28", root=Path("/"), env={}, url=url) as client:
            for _ in range(times):
                assert not (await client.call_tool("triage_incident", ASKED)).is_error


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for each in cast("dict[str, Any]", value).values() for leaf in leaves(each)]
    return [leaf for each in cast("list[Any]", value) for leaf in leaves(each)] if isinstance(value, list) else [value]


@promise("page:off")
def test_there_is_no_page_unless_enabled() -> None:
    with running("serve", "--transport", "http", "--port", "0", env=environment()) as (_, url):
        assert get(url.replace("/mcp", "/status")).status_code == 404


@promise("page:unknown")
def test_a_fresh_server_knows_nothing(sandbox_url: str) -> None:
    with page(sandbox_url) as (_, url):
        told = get(f"{url}/data").json()
    assert told["state"] == "unknown"
    assert {each["state"] for each in told["components"]} == {"unknown"}
    assert {(each["share"], each["met"]) for each in told["objectives"]} == {(None, None)}
    assert {(each["p50"], each["p95"], each["most"]) for each in told["latencies"]} == {(None, None, None)}
    assert told["cache"]["rate"] is None
    assert told["cost"]["spent_usd"] is None
    assert told["decisions"] == []
    assert "healthy" not in leaves(told)


@promise("page:live", "page:guarded")
async def test_decisions_appear_with_their_explanation(sandbox_url: str) -> None:
    with page(sandbox_url) as (mcp, url):
        await called(mcp, 3)
        told = (await to_thread.run_sync(get, f"{url}/data")).json()
        assert [each["ended"] for each in told["decisions"]] == ["answered"] * 3
        assert told["simulated"] is True
        detail = (await to_thread.run_sync(get, f"{url}/decisions/{told['decisions'][0]['id']}")).json()
        assert detail["explanation"].startswith("Decision d-")
        assert "connection refused" not in json.dumps([told, detail]), "nothing of a log is shown"
        assert (await to_thread.run_sync(get, f"{url}/decisions/d-none")).status_code == 404
        for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
            for path in ("", "/data", "/events", "/page.js"):
                assert (await to_thread.run_sync(partial(get, url + path, **headers))).status_code in {403, 421}
        policy = (await to_thread.run_sync(get, url)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


@promise("page:bounded")
async def test_streams_are_bounded_and_a_reader_that_leaves_makes_room(sandbox_url: str) -> None:
    with page(sandbox_url) as (_, url), anyio.fail_after(30):
        client = await to_thread.run_sync(partial(httpx2.AsyncClient, trust_env=False))
        async with client, anyio.create_task_group() as group:
            first = anyio.Event()

            async def read(number: int) -> None:
                async with client.stream("GET", f"{url}/events") as response:
                    async for line in response.aiter_lines():
                        if line:
                            assert json.loads(line.removeprefix("data: "))["state"] == "unknown"
                            readers.add(number)
                        if len(readers) == 16:
                            first.set()

            readers = set[int]()
            for number in range(16):
                group.start_soon(read, number)
            await first.wait()
            assert (await client.get(f"{url}/events")).status_code == 503
            group.cancel_scope.cancel()
        again = await to_thread.run_sync(partial(httpx2.AsyncClient, trust_env=False))
        async with again:
            status = 503
            while status != 200:
                async with again.stream("GET", f"{url}/events") as response:
                    status = response.status_code


@no_browser
@pytest.mark.timeout(90)
@promise("page:browser", "page:live")
async def test_a_browser_shows_it_by_keyboard_in_light_and_dark(sandbox_url: str) -> None:
    def look() -> None:
        with browsing() as tab:
            tab.open(url)
            tab.until("document.querySelectorAll('#decisions tbody tr').length === 2")
            assert "Simulated" in tab.value("document.body.innerText")
            light = tab.value("getComputedStyle(document.body).backgroundColor")
            anyio.from_thread.run(called, mcp, 1)
            tab.until("document.querySelectorAll('#decisions tbody tr').length === 3")
            tab.value("document.querySelector('#decisions button').focus()")
            for kind in ("keyDown", "keyUp"):
                tab.ask(
                    "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13
                )
            tab.until("document.querySelector('dialog').open")
            assert "Plan: direct" in tab.value("document.querySelector('dialog').innerText")
            assert tab.value("document.activeElement.innerText") == "Close"
            tab.open(url, width=390, scheme="dark")
            tab.until("document.querySelectorAll('#decisions tbody tr').length === 3")
            assert tab.value("getComputedStyle(document.body).backgroundColor") != light
            assert tab.value("document.documentElement.scrollWidth") <= 390, "nothing but tables scrolls sideways"
            named = "each.innerText || each.ariaLabel || each.getAttribute('aria-labelledby')"
            asked = "[...document.querySelectorAll('button,a,meter,[role=region]')]"
            assert tab.value(f"{asked}.filter(each => !({named})).length") == 0
            assert tab.console == []

    with page(sandbox_url) as (mcp, url):
        await called(mcp, 2)
        await to_thread.run_sync(look)
