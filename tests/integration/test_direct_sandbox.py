"""Every fault that the sandbox can play, as the router gets to see it."""

from __future__ import annotations

import time

import anyio
import pytest

from bedrock_support.routing.model import FailureKind
from bedrock_support.server.sandbox.emulator import open_sandbox
from bedrock_support.server.sandbox.faults import Fault, FaultKind
from tests.direct_rig import direct, failure_of, operation, until, with_keys
from tests.promises import promise

pytestmark = pytest.mark.anyio

REFUSALS = {
    FaultKind.THROTTLING: FailureKind.THROTTLED,
    FaultKind.MODEL_NOT_READY: FailureKind.NOT_READY,
    FaultKind.SERVICE_UNAVAILABLE: FailureKind.UNAVAILABLE,
    FaultKind.INTERNAL_SERVER: FailureKind.UNAVAILABLE,
    FaultKind.MODEL_TIMEOUT: FailureKind.TIMEOUT,
    FaultKind.MODEL_ERROR: FailureKind.MODEL_ERROR,
    FaultKind.VALIDATION: FailureKind.INVALID_REQUEST,
    FaultKind.ACCESS_DENIED: FailureKind.ACCESS_DENIED,
    FaultKind.RESOURCE_NOT_FOUND: FailureKind.NOT_FOUND,
    FaultKind.SERVICE_QUOTA: FailureKind.QUOTA,
    FaultKind.HANG: FailureKind.TIMEOUT,
    FaultKind.RESET: FailureKind.CONNECTION,
    FaultKind.STALL: FailureKind.TIMEOUT,
    FaultKind.DRIP: FailureKind.TIMEOUT,
    FaultKind.HUGE_BODY: FailureKind.BAD_REPLY,
    FaultKind.GUARDRAIL: FailureKind.GUARDRAIL,
    FaultKind.CONTENT_FILTERED: FailureKind.BLOCKED,
}
"""Alike for a whole answer and for a streamed one."""
WHOLE = {
    FaultKind.CUT: FailureKind.BAD_REPLY,
    FaultKind.CUT_MID_FRAME: FailureKind.BAD_REPLY,
    FaultKind.MALFORMED_JSON: FailureKind.BAD_REPLY,
}
STREAMED = {
    FaultKind.CUT: FailureKind.STREAM_CUT,
    FaultKind.CUT_MID_FRAME: FailureKind.STREAM_CUT,
    FaultKind.NO_MESSAGE_STOP: FailureKind.STREAM_CUT,
    FaultKind.NO_METADATA: FailureKind.STREAM_CUT,
    FaultKind.BAD_CRC: FailureKind.BAD_REPLY,
    FaultKind.STREAM_INTERNAL_SERVER: FailureKind.UNAVAILABLE,
    FaultKind.STREAM_MODEL_ERROR: FailureKind.MODEL_ERROR,
    FaultKind.STREAM_VALIDATION: FailureKind.INVALID_REQUEST,
    FaultKind.STREAM_THROTTLING: FailureKind.THROTTLED,
    FaultKind.STREAM_SERVICE_UNAVAILABLE: FailureKind.UNAVAILABLE,
}
ALL = [
    (fault, kind, streamed)
    for streamed, faults in ((False, REFUSALS | WHOLE), (True, REFUSALS | STREAMED))
    for fault, kind in faults.items()
]
SILENT = {FaultKind.HANG, FaultKind.STALL, FaultKind.DRIP}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)


def test_no_fault_is_left_out() -> None:
    assert set(FaultKind) - {FaultKind.MAX_TOKENS} == {fault for fault, _, _ in ALL}


@promise("direct:typed", "direct:deadline", "direct:whole-stream", "direct:frame-kind", "direct:stop-reasons")
@pytest.mark.parametrize(("fault", "kind", "streamed"), ALL)
async def test_every_fault_is_typed_in_time_and_leaves_nothing(
    fault: FaultKind, kind: FailureKind, streamed: bool
) -> None:
    async with open_sandbox() as sandbox, direct(sandbox.url) as client:
        await client.send(operation())
        sandbox.set(Fault(kind=fault))
        seconds = 0.4 if fault in SILENT else 5.0
        began = time.perf_counter()
        failure = await failure_of(client, operation(seconds, stream=streamed))
        assert time.perf_counter() - began < seconds + 0.3
        assert failure.kind is kind
        assert len(sandbox.calls) == 2
        sandbox.clear()
        await until(lambda: client.busy == 0)
        assert (await client.send(operation(stream=streamed))).simulated
        # A dripping sandbox notices that we left only when it sends its next byte.
        await until(lambda: sandbox.open_connections == 1)


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_at_its_token_limit_is_kept(streamed: bool) -> None:
    async with open_sandbox() as sandbox, direct(sandbox.url) as client:
        sandbox.set(Fault(kind=FaultKind.MAX_TOKENS))
        assert (await client.send(operation(stream=streamed))).stop_reason == "max_tokens"


@promise("direct:simulated", "direct:max-tokens")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_simulated_answer_says_so(streamed: bool) -> None:
    async with open_sandbox() as sandbox, direct(sandbox.url) as client:
        sandbox.faults.answer = "Because of the disk, " * 20
        reply = await client.send(operation(stream=streamed, max_tokens=99))
        assert reply.text == sandbox.faults.answer
        assert reply.simulated
        assert reply.request_id
        assert reply.usage is not None
        assert reply.usage.output_tokens > 0
        assert sandbox.calls[0].body["inferenceConfig"] == {"maxTokens": 99}


@promise("direct:retry-after")
async def test_the_sandbox_asks_for_patience() -> None:
    async with open_sandbox() as sandbox, direct(sandbox.url) as client:
        sandbox.set(Fault(kind=FaultKind.THROTTLING, retry_after=1.5))
        assert (await failure_of(client, operation())).failure.retry_after == 1.5


@promise("direct:freed")
async def test_200_cancelled_calls_leave_the_sandbox_without_connections() -> None:
    async with open_sandbox() as sandbox, direct(sandbox.url) as client:
        await client.send(operation())
        sandbox.set(Fault(kind=FaultKind.HANG))
        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(client.send, operation(20, stream=bool(number % 2)))
            await until(lambda: len(sandbox.calls) == 65)
            group.cancel_scope.cancel()
        await until(lambda: (client.busy, sandbox.open_connections) == (0, 0))


@promise("direct:pool")
async def test_64_streams_at_once_share_64_connections() -> None:
    async with open_sandbox() as sandbox, direct(sandbox.url) as client:
        for _ in range(3):
            async with anyio.create_task_group() as group:
                for _ in range(64):
                    group.start_soon(client.send, operation(20, stream=True))
        assert len({call.connection for call in sandbox.calls}) <= 64
