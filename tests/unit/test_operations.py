"""Calls that go on in the background: handles, owners, bounds, ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from mcp.types import CallToolResult, InputRequest, InputResponse, ListRootsRequest, ListRootsResult, TextContent

from bedrock_support.routing.errors import RouteError
from bedrock_support.server.operations import KEPT_SECONDS, MOST_KEPT, MOST_RUNNING, Ongoing, Operations, Tied
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

Work = Callable[[Ongoing], Awaitable[CallToolResult]]


def result(text: str, *, bad: bool = False) -> CallToolResult:
    told = None if bad else {"status": "ok", "text": text}
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=told, is_error=bad)


@asynccontextmanager
async def operations(clock: FakeClock | None = None) -> AsyncGenerator[Operations]:
    made = Operations(clock or FakeClock(), CountingEntropy())
    async with anyio.create_task_group() as group:
        made.start(group)
        with anyio.fail_after(10):
            yield made
        group.cancel_scope.cancel()


async def late(house: Operations, work: Work, owner: str = "me") -> str:
    """A call whose time is up at once: its handle."""
    answer = await house.call(owner, "verify_spec", work, started=999.0, deadline=1000.0)
    assert answer.structured_content is not None
    assert answer.structured_content["status"] == "running"
    return str(answer.structured_content["operation_id"])


class Gate:
    """Work that ends when told."""

    def __init__(self, said: str = "done", *, bad: bool = False) -> None:
        self.open = anyio.Event()
        self.cancelled = False
        self._result = result(said, bad=bad)

    async def __call__(self, operation: Ongoing) -> CallToolResult:
        try:
            await self.open.wait()
        except BaseException:
            self.cancelled = True
            raise
        return self._result


@promise("operation:handle", "operation:result")
async def test_what_ends_in_time_is_answered_as_ever_and_the_rest_by_a_handle() -> None:
    async with operations() as house:

        async def quick(_: Ongoing) -> CallToolResult:
            return result("quick")

        answer = await house.call("me", "verify_spec", quick, started=1000.0, deadline=1050.0)
        assert answer.structured_content == {"status": "ok", "text": "quick"}
        gate = Gate()
        key = await late(house, gate)
        seen = await house.look("me", key, 0)
        assert seen is not None
        assert (seen.result, seen.failed, seen.tool) == (None, False, "verify_spec")
        gate.open.set()
        seen = await house.look("me", key, 5)
        assert seen is not None
        assert seen.result == {"status": "ok", "text": "done"}
        assert seen.text == "done"
        bad = Gate("no such path", bad=True)
        key = await late(house, bad)
        bad.open.set()
        seen = await house.look("me", key, 5)
        assert seen is not None
        assert (seen.failed, seen.text) == (True, "no such path")


@promise("operation:owner")
async def test_a_foreign_operation_is_like_none() -> None:
    async with operations() as house:
        key = await late(house, Gate())
        assert await house.look("somebody else", key, 0) is None
        assert await house.look("me", "op-none", 0) is None
        assert await house.look("me", key, 0) is not None


@promise("operation:bounded")
async def test_so_many_run_and_so_many_results_are_kept_for_so_long() -> None:
    clock = FakeClock()
    async with operations(clock) as house:
        gates = [Gate() for _ in range(MOST_RUNNING)]
        running = [await late(house, each) for each in gates]
        assert not house.free, "one more is run as calls were run before there were operations"
        for each in gates:
            each.open.set()
        for key in running:
            seen = await house.look("me", key, 5)
            assert seen is not None
            assert seen.result is not None
        assert house.free
        newest = ""
        for _ in range(MOST_KEPT):
            gate = Gate()
            newest = await late(house, gate)
            gate.open.set()
            await house.look("me", newest, 5)
        assert await house.look("me", running[0], 0) is None, "the oldest gave way"
        clock.time += KEPT_SECONDS + 1
        assert await house.look("me", newest, 0) is None


@promise("operation:shutdown")
async def test_work_ends_with_the_server_and_with_a_cancelled_call() -> None:
    gate, early = Gate(), Gate()
    async with operations() as house:
        await late(house, gate)
        with anyio.CancelScope() as scope:
            scope.deadline = anyio.current_time() + 0.05
            await house.call("me", "verify_spec", early, started=1000.0, deadline=1050.0)
        await anyio.wait_all_tasks_blocked()
        assert early.cancelled
        assert not gate.cancelled
    assert gate.cancelled


@promise("operation:handle")
async def test_nobody_is_asked_once_the_call_is_answered() -> None:
    told: list[str] = []
    asked = anyio.Event()

    class Client:
        async def request(self, request: InputRequest) -> InputResponse:
            asked.set()
            await anyio.sleep(0.05)
            return ListRootsResult(roots=[])

        async def progress(self, done: float, total: float, message: str) -> None:
            told.append(message)

    async with operations() as house:
        refused = anyio.Event()

        async def work(operation: Ongoing) -> CallToolResult:
            client = Tied(Client(), operation)
            await client.progress(1, 2, "before")
            await client.request(ListRootsRequest())
            await anyio.sleep(0.3)
            await client.progress(2, 2, "after")
            with pytest.raises(RouteError, match="in the background"):
                await client.request(ListRootsRequest())
            refused.set()
            return result("done")

        answer = await house.call("me", "plan_remediation", work, started=990.0, deadline=1000.2)
        assert asked.is_set()
        assert answer.structured_content is not None
        assert answer.structured_content["progress"]["message"] == "before"
        seen = await house.look("me", answer.structured_content["operation_id"], 5)
        assert seen is not None
        assert seen.message == "after"
        assert refused.is_set()
        assert told == ["before"]


@promise("operation:handle")
async def test_a_fault_is_the_callers_and_other_work_goes_on() -> None:
    async with operations() as house:

        async def broken(_: Ongoing) -> CallToolResult:
            raise RuntimeError("broken")

        key = await late(house, gate := Gate())
        with pytest.raises(RuntimeError, match="broken"):
            await house.call("me", "verify_spec", broken, started=1000.0, deadline=1050.0)
        gate.open.set()
        seen = await house.look("me", key, 5)
        assert seen is not None
        assert seen.text == "done"
