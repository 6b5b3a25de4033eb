"""The page's endpoints and figures, without a browser."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from bedrock_support.server.environment import SettingsError
from bedrock_support.server.http import security
from bedrock_support.server.page.figures import latencies
from bedrock_support.server.page.serve import HEADERS, MOST_READERS, STATIC, Pictures
from bedrock_support.server.settings import Settings, load
from bedrock_support.server.wiring import build
from tests.fakes import FakeClock
from tests.promises import promise


def client(**settings: Any) -> TestClient:
    return TestClient(build(Settings(**settings)).server.http_app(security()), base_url="http://127.0.0.1:8000")


@promise("page:guarded")
def test_the_page_is_off_unless_switched_on() -> None:
    assert not load({}).page
    assert load({"BEDROCK_SUPPORT_PAGE": "true"}).page
    with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_PAGE = 'perhaps'"):
        load({"BEDROCK_SUPPORT_PAGE": "perhaps"})
    assert client().get("/status").status_code == 404
    assert client(page=True).get("/status").status_code == 200


@promise("page:guarded")
def test_every_path_is_guarded_and_nothing_inline_may_run() -> None:
    browser = client(page=True)
    for path in (*STATIC, "/status/data", "/status/events", "/status/decisions/1"):
        assert browser.get(path, headers={"host": "evil.example"}).status_code == 421, path
        assert browser.get(path, headers={"origin": "http://evil.example"}).status_code == 403, path
    for path in (*STATIC, "/status/data", "/status/decisions/1"):
        answer = browser.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "innerHTML" not in answer.text
        assert "https://" not in answer.text
    assert "unsafe" not in HEADERS["content-security-policy"]
    html = browser.get("/status").text
    assert " style=" not in html
    assert "<style" not in html
    assert "onclick" not in html


class Looks:
    """A look that counts how often it is asked."""

    asked = 0

    async def event(self) -> bytes:
        self.asked += 1
        return b"data: {}\n\n"

    async def renewing(self) -> None:
        await anyio.sleep_forever()


async def never() -> dict[str, Any]:
    await anyio.sleep_forever()
    return {}


@promise("page:stream")
async def test_a_reader_that_accepts_nothing_is_dropped_and_its_place_is_free() -> None:
    places = anyio.CapacityLimiter(1)
    told: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        told.append(message)
        if message["type"] == "http.response.body":
            await anyio.sleep_forever()

    stream: Any = Pictures(Looks(), places, patience=0.05)  # type: ignore[arg-type]
    with anyio.fail_after(5):
        await stream({"type": "http"}, never, send)
    assert [each["type"] for each in told] == ["http.response.start", "http.response.body"]
    assert places.borrowed_tokens == 0


@promise("page:stream")
async def test_a_reader_that_is_gone_is_dropped_and_one_too_many_is_refused() -> None:
    places = anyio.CapacityLimiter(MOST_READERS)
    hang_up = anyio.Event()
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        await hang_up.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    look: Any = Looks()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(MOST_READERS):
                group.start_soon(Pictures(look, places), {"type": "http"}, receive, send)
            await anyio.wait_all_tasks_blocked()
            await Pictures(look, places)({"type": "http"}, receive, send)
            hang_up.set()
    assert MOST_READERS == 16
    assert statuses == [200] * MOST_READERS + [503]
    assert places.borrowed_tokens == 0


@promise("page:stream")
async def test_readers_share_one_picture_and_no_picture_waits_for_files(monkeypatch: pytest.MonkeyPatch) -> None:
    house = build(Settings(page=True), clock=FakeClock())
    look = house.server._look()  # pyright: ignore[reportPrivateUsage]
    first = await look.event()
    assert first.startswith(b"data: {")
    assert await look.event() is first
    stuck = anyio.Event()
    monkeypatch.setattr(look._cost, "make", stuck.wait)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(look._cost, "every", 0.0)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(look._picture, "every", 0.0)  # pyright: ignore[reportPrivateUsage]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(look.renewing)
            await anyio.wait_all_tasks_blocked()
            assert await look.event() is not first
            group.cancel_scope.cancel()
    await house.aclose()


def test_latencies_are_counted_against_the_deadline() -> None:
    taken = [0.1, 0.2, 0.3, 2.0, 6.0]
    entries = [{"ended": "answered", "operation_class": "standard", "seconds": each} for each in taken]
    entries.append({"ended": "failed", "operation_class": "standard", "seconds": 9.0})
    standard, other = latencies(entries, {"standard": 4.0, "emergency": 5.0})
    assert standard["counts"] == [3, 0, 1, 0, 0, 1]
    assert standard["within_deadline"] == 0.8
    assert (standard["p50_seconds"], standard["p95_seconds"]) == (0.3, 6.0)
    assert (other["samples"], other["within_deadline"], other["counts"]) == (0, None, None)
