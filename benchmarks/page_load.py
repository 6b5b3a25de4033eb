"""The status page under load: calls at a steady rate against a server with a sandbox, watched by headless Chromium.

    python benchmarks/page_load.py [--seconds 60] [--rate 50] [--shots docs]

The calls are plain JSON-RPC over HTTP: on two cores the official client, which needs most of a call's time itself,
would be what is measured. Prints what CPU each party needed, the page's complaints, axe's (where its package is
installed, `make conformance` does it) and how old the newest picture was. `--shots` writes the
page's screenshots, light and dark.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import psutil
from anyio import to_thread

from benchmarks.own_work import fixed
from benchmarks.wire import META
from tests.conformance.node import NodeMissing, provide
from tests.page_rig import Tab, chromium, tab
from tests.rig import LOG, environment, running, with_bedrock

TOOL = "triage_incident"
CLASSES = ("standard", "infrastructure", "emergency", "meta_monitor")
LOOK_EVERY = 0.25


async def load(url: str, rate: float, seconds: float, done: list[int]) -> None:
    """Calls at a steady rate, whether or not earlier ones have ended: a slow server shows in the figures."""
    headers = {"accept": "application/json, text/event-stream", "mcp-method": "tools/call", "mcp-name": TOOL}
    headers["mcp-protocol-version"] = str(META["io.modelcontextprotocol/protocolVersion"])
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as http,
        anyio.create_task_group() as group,
    ):

        async def call(number: int) -> None:
            about = {"text": LOG.replace("order 2", f"order {number}"), "operation_class": CLASSES[number % 4]}
            params = {"name": TOOL, "arguments": about, "_meta": META}
            body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            async with http.post(url, json=body) as answer:
                # An answer that took long comes as a server-sent event.
                told = json.loads((await answer.text()).rpartition("data: ")[2])
            done[1 if told.get("result", {}).get("isError", True) else 0] += 1

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


async def judged(page: Tab) -> str:
    """Serious faults that axe finds in the page, light and dark."""
    try:
        node = await to_thread.run_sync(provide)
    except NodeMissing as missing:
        return f"NOT CHECKED: {missing}"
    await page.run(f"{await anyio.Path(node.modules / 'axe-core' / 'axe.min.js').read_text('utf-8')}; 0")
    found: list[str] = []
    for name in ("light", "dark"):
        await page.theme(name)
        grave = "r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id)"
        found += await page.run(f"axe.run().then((r) => {grave})")
    return ", ".join(found) or "no serious fault"


async def shoot(page: Tab, folder: Path) -> None:
    """One screenshot of each theme, and one as wide as a phone."""
    for name, theme, width in (("light", "light", 1000), ("dark", "dark", 1000), ("phone", "light", 390)):
        await page.theme(theme, width)
        await anyio.sleep(1.0)
        taken: dict[str, Any] = await page.ask("Page.captureScreenshot", format="png")
        await anyio.Path(folder / f"page-{name}.png").write_bytes(base64.b64decode(taken["data"]))


def used(parties: dict[str, int]) -> dict[str, float]:
    """CPU seconds of each party so far, its children included: what it needs, whatever else runs."""
    found: dict[str, float] = {}
    for name, pid in parties.items():
        process = psutil.Process(pid)
        family = [process] if pid == os.getpid() else [process, *process.children(recursive=True)]
        found[name] = sum(sum(each.cpu_times()[:2]) for each in family)
    return found


async def drive(url: str, browser: str, parties: dict[str, int], arguments: argparse.Namespace) -> None:
    """Open the page, load the server, say what was seen."""
    done, ages, took, cpu = [0, 0], list[float](), 0.0, dict[str, float]()
    speed = sorted(fixed() * 1000 for _ in range(50))[25]
    load_before = os.getloadavg()[0]
    async with tab(browser) as page:
        await page.ask("Page.navigate", url=f"{url.removesuffix('/mcp')}/status")
        await page.until("document.documentElement?.dataset.at")
        async with anyio.create_task_group() as group:
            group.start_soon(watch, page, ages)
            began, cpu = time.monotonic(), used(parties)
            await load(url, arguments.rate, arguments.seconds, done)
            took, cpu = time.monotonic() - began, {name: now - cpu[name] for name, now in used(parties).items()}
            group.cancel_scope.cancel()
        faults = await judged(page)
        if arguments.shots:
            await shoot(page, arguments.shots)
        print(f"the fixed loop, of about a millisecond on a quiet machine, took {speed:.2f} ms before the run")
        print(f"other programs: load {load_before:.1f} on {os.cpu_count()} cores before the run")
        for name, each in cpu.items():
            print(f"{name}: {each:.1f} s of CPU, {each / max(1, sum(done)) * 1000:.1f} ms a call")
        ages.sort()
        print(f"{sum(done)} calls in {took:.1f} s ({sum(done) / took:.1f} a second), {done[1]} errors")
        print(f"picture's age: p50 {ages[len(ages) // 2]:.2f} s, p99 {ages[int(0.99 * len(ages))]:.2f} s")
        print(f"picture's age: worst {ages[-1]:.2f} s of {len(ages)} looks; console complaints: {len(page.complaints)}")
        for each in page.complaints[:5]:
            print(each)
        print(f"axe, on the page as the load left it: {faults}")


def main() -> None:
    """Start everything, end everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--shots", type=Path)
    arguments = parser.parse_args()
    with chromium() as browser, running("sandbox", "--port", "0", env=environment()) as (box, sandbox):
        env = environment(BEDROCK_SUPPORT_PAGE="true", **with_bedrock(sandbox))
        with running("serve", "--transport", "http", "--port", "0", env=env) as (server, url):
            chrome = next(each.pid for each in psutil.Process().children() if "--headless=new" in each.cmdline())
            parties = {
                "server": server.process.pid,
                "load generator": os.getpid(),
                "chromium": chrome,
                "sandbox": box.process.pid,
            }
            anyio.run(drive, url, browser, parties, arguments)


if __name__ == "__main__":
    main()
