"""A headless Chromium, driven over its DevTools protocol. Start it outside the loop; end it by its pid."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio

START = 40.0
"""Seconds that a browser may take to start."""


@contextmanager
def chromium() -> Generator[str]:
    """A browser's DevTools address; LookupError without a browser."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise LookupError("NOT CHECKED: no chromium on this machine")
    home = Path(tempfile.mkdtemp(prefix="page-"))
    switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [program, *switches, "--disable-dev-shm-usage", f"--user-data-dir={home}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{_port(home / 'DevToolsActivePort', process)}"
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.1)
    raise LookupError("NOT CHECKED: chromium does not start here")


class Tab:
    """One page in the browser, and what it complained of."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._came: dict[int, anyio.Event] = {}
        self.complaints: list[str] = []

    async def listen(self) -> None:
        """Take in what the browser says. Runs until cancelled."""
        async for message in self._socket:
            told = message.json()
            if event := self._came.pop(told.get("id", 0), None):
                self._answers[told["id"]] = told
                event.set()
            elif told.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(str(told["params"]["exceptionDetails"]))
            elif told.get("method") == "Runtime.consoleAPICalled" and told["params"]["type"] in ("error", "warning"):
                self.complaints.append(str(told["params"]["args"]))
            elif told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
                self.complaints.append(str(told["params"]["entry"]))

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools command."""
        number = next(self._numbers)
        event = self._came[number] = anyio.Event()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        with anyio.fail_after(30):
            await event.wait()
        answer = self._answers.pop(number)
        assert "error" not in answer, answer
        return answer["result"]

    async def run(self, script: str) -> Any:
        """The value of an expression, awaited if it is a promise."""
        found = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression is true."""
        with anyio.fail_after(20):
            while not (found := await self.run(script)):  # noqa: ASYNC110 - the page has no event for it
                await anyio.sleep(0.1)
            return found

    async def theme(self, name: str, width: int = 1000, height: int = 1150) -> None:
        """light or dark, and the size of the window."""
        await self.ask("Emulation.setScrollbarsHidden", hidden=True)
        await self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )


@asynccontextmanager
async def tab(browser: str) -> AsyncGenerator[Tab]:
    """A new page of a browser."""
    async with aiohttp.ClientSession() as session:
        async with session.put(f"{browser}/json/new?about:blank") as answer:
            address = (await answer.json())["webSocketDebuggerUrl"]
        async with session.ws_connect(address, max_msg_size=0) as socket, anyio.create_task_group() as group:
            page = Tab(socket)
            group.start_soon(page.listen)
            for domain in ("Page", "Runtime", "Log"):
                await page.ask(f"{domain}.enable")
            yield page
            group.cancel_scope.cancel()
