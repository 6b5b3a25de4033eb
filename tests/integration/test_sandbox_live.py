"""Unmodified boto3 while the sandbox changes: retries, waiting, latency, single models, the pool."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from bedrock_support.server.sandbox.emulator import Sandbox, open_sandbox
from bedrock_support.server.sandbox.faults import Fault, FaultKind
from tests.promises import promise

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

MODEL = "eu.amazon.nova-lite-v1:0"
ASKED: list[Any] = [{"role": "user", "content": [{"text": "hello"}]}]
NO_RETRIES = {"total_max_attempts": 1}


@pytest.fixture
def closer() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connected(closer: ExitStack, url: str, **changed: Any) -> BedrockRuntimeClient:
    session: Any = boto3.Session()
    config: dict[str, Any] = {"retries": NO_RETRIES, "read_timeout": 2, "connect_timeout": 2} | changed
    made: BedrockRuntimeClient = session.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
        config=Config(**config),
    )
    closer.callback(made.close)
    return made


async def client(closer: ExitStack, box: Sandbox, **config: Any) -> BedrockRuntimeClient:
    return await anyio.to_thread.run_sync(partial(connected, closer, box.url, **config))


async def converse(bedrock: BedrockRuntimeClient, model: str = MODEL) -> Any:
    return await anyio.to_thread.run_sync(partial(bedrock.converse, modelId=model, messages=ASKED))


@promise("sandbox:faults")
async def test_transport_faults_strike_token_counts_too(closer: ExitStack) -> None:
    async with open_sandbox() as box:
        bedrock = await client(closer, box, read_timeout=0.2)
        count = partial(bedrock.count_tokens, modelId=MODEL, input={"converse": {"messages": ASKED}})
        for kind, error in ((FaultKind.HANG, ReadTimeoutError), (FaultKind.RESET, ConnectionClosedError)):
            box.set(Fault(kind=kind))
            with pytest.raises(error):
                await anyio.to_thread.run_sync(count)


@promise("sandbox:faults")
async def test_a_stream_shorter_than_the_fault_is_far_is_struck_at_its_end(closer: ExitStack) -> None:
    async with open_sandbox() as box:
        bedrock = await client(closer, box)
        box.set(Fault(kind=FaultKind.CUT_MID_FRAME, after_chunks=1000))

        def names() -> list[str]:
            with closing(bedrock.converse_stream(modelId=MODEL, messages=ASKED)["stream"]) as events:
                return [next(iter(event)) for event in events]

        assert (await anyio.to_thread.run_sync(names))[-1] == "messageStop"


@promise("sandbox:faults")
@pytest.mark.parametrize(
    ("kind", "tries"),
    [(FaultKind.THROTTLING, 3), (FaultKind.SERVICE_UNAVAILABLE, 3), (FaultKind.MODEL_TIMEOUT, 1)],
)
async def test_botocore_by_default_retries_as_it_does_against_bedrock(
    closer: ExitStack, kind: FaultKind, tries: int
) -> None:
    async with open_sandbox() as box:
        bedrock = await client(closer, box, retries=None)
        box.set(Fault(kind=kind))
        with pytest.raises(ClientError):
            await converse(bedrock)
        assert len(box.calls) == tries


@promise("sandbox:live", "sandbox:faults")
async def test_botocore_heeds_the_time_to_wait_and_then_succeeds(closer: ExitStack) -> None:
    async with open_sandbox() as box:
        bedrock = await client(closer, box, retries=None)
        box.set(Fault(kind=FaultKind.MODEL_NOT_READY, times=1, retry_after=0.4))
        began = anyio.current_time()
        assert (await converse(bedrock))["ResponseMetadata"]["RetryAttempts"] == 1
        assert anyio.current_time() - began >= 0.4


@promise("sandbox:live")
async def test_a_fault_may_be_for_one_model_only(closer: ExitStack) -> None:
    async with open_sandbox() as box:
        bedrock = await client(closer, box)
        box.set(Fault(kind=FaultKind.ACCESS_DENIED, model="haiku"))
        with pytest.raises(ClientError, match="AccessDenied"):
            await converse(bedrock, "eu.anthropic.claude-haiku-4-5-20251001-v1:0")
        assert (await converse(bedrock))["stopReason"] == "end_turn"


@promise("sandbox:live")
async def test_latency_and_answer_change_between_calls(closer: ExitStack) -> None:
    async with open_sandbox() as box:
        bedrock = await client(closer, box)
        took: list[float] = []
        for milliseconds in (0, 300, 0):
            box.faults.latency_ms, box.faults.answer = milliseconds, f"after {milliseconds}"
            began = anyio.current_time()
            answer = await converse(bedrock)
            took.append(anyio.current_time() - began)
            assert answer["output"]["message"]["content"] == [{"text": f"after {milliseconds}"}]
            assert answer["metrics"]["latencyMs"] == milliseconds
        assert took[1] >= 0.3
        assert took[2] < 0.3
        box.faults.chunk_ms = 50
        stream = partial(bedrock.converse_stream, modelId=MODEL, messages=ASKED)
        began = anyio.current_time()
        assert len(await anyio.to_thread.run_sync(lambda: list(stream()["stream"]))) == 5
        assert anyio.current_time() - began >= 0.2


@promise("sandbox:pooling", "sandbox:wire")
async def test_connections_live_on_and_request_ids_are_unique(closer: ExitStack) -> None:
    threads = 8
    async with open_sandbox() as box:
        bedrock = await client(closer, box, max_pool_connections=threads)
        start = threading.Barrier(threads)

        def ask(_: int) -> list[str]:
            start.wait(5)
            answers = [bedrock.converse(modelId=MODEL, messages=ASKED) for _ in range(10)]
            return [answer["ResponseMetadata"]["RequestId"] for answer in answers]

        def all_of_them() -> list[str]:
            with ThreadPoolExecutor(threads) as pool:
                return [each for ids in pool.map(ask, range(threads)) for each in ids]

        ids = await anyio.to_thread.run_sync(all_of_them)
        assert len(set(ids)) == len(box.calls) == threads * 10
        assert {call.connection for call in box.calls} <= set(range(1, threads + 1))
        assert box.open_connections <= threads
