"""Progress, cancellation, lost parked calls, and the demo."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest
from mcp.types import CreateMessageResult, InputRequiredResult, TextContent

from tests.integration.test_under_faults import set_fault
from tests.promises import promise
from tests.rig import COMMAND, Era, connect, environment, running, told, with_bedrock

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def big_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a log of some 60 MB."""
    root = tmp_path_factory.mktemp("big")
    with (root / "big.log").open("w", encoding="utf-8") as log:
        for number in range(60):
            log.writelines(
                f"2026-11-23T{10 + number // 60:02}:{number:02}:{line % 60:02}Z INFO api request {line:08x} took 3 ms\n"
                for line in range(20_000)
            )
        log.write("2026-11-23T11:00:00Z ERROR pool exhausted\n")
    return root


@promise("server:progress")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_long_work_reports_progress(era: Era, big_root: Path) -> None:
    told_of: list[tuple[float, float | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told_of.append((progress, total))

    with anyio.fail_after(50):
        async with connect("stdio", era, root=big_root, env=environment()) as client:
            result = told(await client.call_tool("triage_incident", {"path": "big.log"}, progress_callback=heard))
    assert any("pool exhausted" in finding["title"].lower() for finding in result["findings"])
    done = [each for each, _ in told_of]
    assert len(done) > 2
    assert done == sorted(done)


@promise("server:cancellation")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_cancelled_call_frees_what_it_held(era: Era, log_root: Path) -> None:
    with anyio.fail_after(50), running("sandbox", "--port", "0", env=environment()) as (box, url):
        await anyio.to_thread.run_sync(partial(set_fault, url, "hang"))
        env = environment(**with_bedrock(url))
        sandbox = psutil.Process(box.process.pid)
        async with connect("stdio", era, root=log_root, env=env) as client:

            async def ask() -> None:
                arguments = {"path": "shop.log", "operation_class": "infrastructure"}
                await client.call_tool("triage_incident", arguments)

            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(ask)
                await until(lambda: connections(sandbox) == 5)
                group.cancel_scope.cancel()
            await until(lambda: connections(sandbox) == 0)
            await anyio.to_thread.run_sync(partial(set_fault, url, None))
            result = told(
                await client.call_tool("triage_incident", {"path": "shop.log", "operation_class": "emergency"})
            )
            assert result["model"]["used"] is True


def connections(process: psutil.Process) -> int:
    return sum(each.status == psutil.CONN_ESTABLISHED for each in process.net_connections("tcp"))


async def until(true: Callable[[], bool]) -> None:
    """Wait for another process to come to a state; it has no event to give us."""
    while not await anyio.to_thread.run_sync(true):  # noqa: ASYNC110
        await anyio.sleep(0.02)


@promise("server:parked-restart")
async def test_a_retry_that_finds_no_parked_call_is_answered_all_the_same(log_root: Path) -> None:
    env = environment(BEDROCK_SUPPORT_STATE_KEYS=KEY)
    arguments = {"path": "shop.log"}

    async def never(*_: object) -> CreateMessageResult:
        raise AssertionError("the rounds are driven by hand")

    with anyio.fail_after(40):
        async with connect("stdio", "2026-07-28", root=log_root, env=env, sampling_callback=never) as first:
            asked = await first.session.call_tool("triage_incident", arguments, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        assert asked.input_requests is not None
        (key,) = asked.input_requests
        text = TextContent(type="text", text=json.dumps({"summary": "carried over"}))
        answer = CreateMessageResult(role="assistant", content=text, model="m", stop_reason="endTurn")
        async with connect("stdio", "2026-07-28", root=log_root, env=env, sampling_callback=never) as second:
            result = await second.session.call_tool(
                "triage_incident",
                arguments,
                input_responses={key: answer},
                request_state=asked.request_state,
                allow_input_required=True,
            )
            assert not isinstance(result, InputRequiredResult)
            assert told(result)["judgement"]["summary"] == "carried over"


@pytest.mark.slow
@promise("demo:runs")
def test_the_demo_answers_its_scenes_and_shows_their_traces() -> None:
    done = subprocess.run(
        [*COMMAND, "demo"], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stdout
    for words in ("route: mcp", "route: direct", "attempt 1 on direct: unavailable", "attempt 2 on mcp: answered"):
        assert words in done.stdout
    for span in ("route.decide", "route.attempt", "support.tool triage_incident", "chat "):
        assert f"─ {span}" in done.stdout
    assert done.stderr == ""
