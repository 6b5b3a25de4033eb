"""The status page under load: calls at a steady rate against a server with a sandbox, watched by headless Chromium.

    python benchmarks/page_load.py [--seconds 60] [--rate 50] [--shots docs]

Prints what CPU the server needed, the page's complaints and how old its newest picture was. `--shots` writes the
page's screenshots, light and dark.
"""

from __future__ import annotations

import argparse
import base64
import os
import time
from pathlib import Path
from typing import Any

import anyio
import httpx2
import psutil
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.page_rig import Tab, chromium, tab
from tests.rig import LOG, environment, running, with_bedrock

TOOL = "triage_incident"
LOOK_EVERY = 0.25


async def load(url: str, rate: float, seconds: float, done: list[int]) -> None:
    """Calls at a steady rate, whether or not earlier ones have ended."""
    # A machine that is too slow shows in the figures; a pool that runs out of connections would end the client.
    limits, timeout = httpx2.Limits(max_connections=None), httpx2.Timeout(60.0, pool=None)
    async with (
        httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
        anyio.create_task_group() as group,
    ):

        async def call(number: int) -> None:
            text = LOG.replace("order 2", f"order {number}")
            classes = ("standard", "infrastructure", "emergency", "meta_monitor")
            about = {"text": text, "operation_class": classes[number % 4]}
            try:
                result = await client.call_tool(TOOL, about)
            except (MCPError, httpx2.HTTPError):
                done[1] += 1
            else:
                done[1 if result.is_error else 0] += 1

        began = time.monotonic()
        number = 0
        while (late := time.monotonic() - began) < seconds:
            while number < late * rate:
                number += 1
                group.start_soon(call, number)
            await anyio.sleep(0.01)


async def watch(page: Tab, ages: list[float]) -> None:
    """How old the shown picture is, again and again."""
    while True:
        age = await page.run("Date.now() / 1000 - Number(document.documentElement?.dataset.at)")
        if age is not None:
            ages.append(float(age))
        await anyio.sleep(LOOK_EVERY)


async def shoot(page: Tab, folder: Path) -> None:
    """One screenshot of each theme."""
    for name in ("light", "dark"):
        await page.theme(name)
        await anyio.sleep(1.0)
        taken: dict[str, Any] = await page.ask("Page.captureScreenshot", format="png")
        await anyio.Path(folder / f"page-{name}.png").write_bytes(base64.b64decode(taken["data"]))


def used(process: int) -> float:
    """CPU seconds of a process so far: they say what it needs, whatever else runs."""
    times = psutil.Process(process).cpu_times()
    return times.user + times.system


async def drive(url: str, browser: str, server: int, arguments: argparse.Namespace) -> None:
    """Open the page, load the server, say what was seen."""
    done, ages, took, cpu = [0, 0], list[float](), 0.0, 0.0
    load_before = os.getloadavg()[0]
    async with tab(browser) as page:
        await page.ask("Page.navigate", url=f"{url.removesuffix('/mcp')}/status")
        await page.until("document.documentElement?.dataset.at")
        async with anyio.create_task_group() as group:
            group.start_soon(watch, page, ages)
            began, cpu = time.monotonic(), used(server)
            await load(url, arguments.rate, arguments.seconds, done)
            took, cpu = time.monotonic() - began, used(server) - cpu
            group.cancel_scope.cancel()
        if arguments.shots:
            await shoot(page, arguments.shots)
        print(f"other programs: load {load_before:.1f} on {os.cpu_count()} cores before the run")
        print(
            f"server: {cpu:.1f} s of CPU, {cpu / max(1, sum(done)) * 1000:.1f} ms a call, the page's pictures among it"
        )
        ages.sort()
        print(f"{sum(done)} calls in {took:.1f} s ({sum(done) / took:.1f} a second), {done[1]} errors")
        print(f"picture's age: p50 {ages[len(ages) // 2]:.2f} s, p99 {ages[int(0.99 * len(ages))]:.2f} s")
        print(f"picture's age: worst {ages[-1]:.2f} s of {len(ages)} looks; console complaints: {len(page.complaints)}")
        for each in page.complaints[:5]:
            print(each)


def main() -> None:
    """Start everything, end everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--shots", type=Path)
    arguments = parser.parse_args()
    with chromium() as browser, running("sandbox", "--port", "0", env=environment()) as (_, sandbox):
        env = environment(BEDROCK_SUPPORT_PAGE="true", **with_bedrock(sandbox))
        with running("serve", "--transport", "http", "--port", "0", env=env) as (server, url):
            anyio.run(drive, url, browser, server.process.pid, arguments)


if __name__ == "__main__":
    main()
