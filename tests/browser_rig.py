"""A headless Chromium, spoken to over its debugging pipe (Chrome DevTools Protocol). Ended by pid."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WAIT = 20.0
ENDS = b"\0"


class Tab:
    """One page. `console` holds what it complained of."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._number, self._pending, self._session = 0, b"", ""
        self.console: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command to its answer; events that come meanwhile are looked at for complaints."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + ENDS)
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]
            self._event(told)
        raise TimeoutError(method)

    def open(self, url: str, width: int = 1200, height: int = 1500, scheme: str = "light") -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """What an expression of the page comes to."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true; its value."""
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            if found := self.value(expression):
                return found
            time.sleep(0.05)
        raise TimeoutError(expression)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def _next(self) -> dict[str, Any]:
        while ENDS not in self._pending:
            chunk = os.read(self._reads, 1 << 16)
            assert chunk, "the browser ended"
            self._pending += chunk
        line, _, self._pending = self._pending.partition(ENDS)
        return json.loads(line)

    def _event(self, told: dict[str, Any]) -> None:
        method, params = told.get("method"), told.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.console.append(json.dumps(params["exceptionDetails"])[:300])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.console.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning"}:
            self.console.append(json.dumps(params["args"])[:300])


@contextmanager
def browsing() -> Generator[Tab]:
    """A tab of a browser of its own, with a profile that is thrown away."""
    assert BROWSER
    to_browser, from_browser = os.pipe(), os.pipe()
    ours = from_browser[0], to_browser[1]

    def give() -> None:
        """In the child: the pipe is where the browser looks for it, at 3 and 4."""
        os.dup2(to_browser[0], 103)
        os.dup2(from_browser[1], 104)
        os.dup2(103, 3)
        os.dup2(104, 4)

    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
        process = subprocess.Popen(
            [BROWSER, *options, "--remote-debugging-pipe", f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=give,
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        try:
            yield Tab(*ours)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for each in ours:
                os.close(each)
