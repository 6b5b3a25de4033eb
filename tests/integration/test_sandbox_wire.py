"""Unmodified boto3 against the sandbox, and ministack as a second opinion on the wire."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import anyio
import anyio.to_thread
import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from bedrock_support.server.sandbox import replies
from bedrock_support.server.sandbox.answers import LABEL
from bedrock_support.server.sandbox.emulator import open_sandbox
from bedrock_support.server.sandbox.faults import ERRORS, STOP_REASONS, STREAM_EXCEPTIONS, Fault, FaultKind
from tests.promises import promise
from tests.rig import environment

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

MODEL = "eu.amazon.nova-lite-v1:0"
ASKED: list[Any] = [{"role": "user", "content": [{"text": "what does E1 mean? Answer as JSON."}]}]


Connect: TypeAlias = "Callable[..., BedrockRuntimeClient]"


@pytest.fixture
def client() -> Iterator[Connect]:
    """Makes unmodified clients, and closes them after the test."""
    made: list[BedrockRuntimeClient] = []

    def make(url: str, read_timeout: float = 1.0) -> BedrockRuntimeClient:
        made.append(connected(url, read_timeout))
        return made[-1]

    yield make
    for each in made:
        each.close()


def connected(url: str, read_timeout: float) -> BedrockRuntimeClient:
    session: Any = boto3.Session()
    made: BedrockRuntimeClient = session.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout, connect_timeout=2),
    )
    return made


async def off_loop(work: Callable[[], Any]) -> Any:
    return await anyio.to_thread.run_sync(work)


def converse(bedrock: BedrockRuntimeClient) -> Any:
    return bedrock.converse(modelId=MODEL, messages=ASKED)


def stream(bedrock: BedrockRuntimeClient) -> list[Any]:
    with closing(bedrock.converse_stream(modelId=MODEL, messages=ASKED)["stream"]) as events:
        return list(events)


@promise("sandbox:wire", "sandbox:labelled")
async def test_boto3_converses_streams_and_counts(client: Connect) -> None:
    async with open_sandbox() as box:
        bedrock = await off_loop(partial(client, box.url))
        whole = await off_loop(partial(converse, bedrock))
        events = await off_loop(partial(stream, bedrock))
        counted = await off_loop(partial(bedrock.count_tokens, modelId=MODEL, input={"converse": {"messages": ASKED}}))
        assert [call.operation for call in box.calls] == ["converse", "converse-stream", "count-tokens"]
        assert box.calls[0].model == MODEL
        assert {call.connection for call in box.calls} == {1}
    text = whole["output"]["message"]["content"][0]["text"]
    assert LABEL in text
    assert whole["ResponseMetadata"]["HTTPHeaders"]["x-bedrock-support-simulated"] == "true"
    assert "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e) == text
    assert [next(iter(event)) for event in events[-3:]] == ["contentBlockStop", "messageStop", "metadata"]
    assert whole["usage"] == events[-1]["metadata"]["usage"]
    assert counted["inputTokens"] == whole["usage"]["inputTokens"]


@promise("sandbox:faults", "sandbox:labelled")
@pytest.mark.parametrize("kind", ERRORS)
async def test_a_modelled_error_is_what_boto3_raises(client: Connect, kind: FaultKind) -> None:
    async with open_sandbox() as box:
        bedrock = await off_loop(partial(client, box.url))
        box.set(Fault(kind=kind, retry_after=3))
        for call in (converse, stream):
            with pytest.raises(ClientError) as raised:
                await off_loop(partial(call, bedrock))
            response = cast("dict[str, Any]", raised.value.response)
            assert response["Error"]["Code"] == ERRORS[kind].type
            assert response["ResponseMetadata"]["HTTPStatusCode"] == ERRORS[kind].status
            headers = response["ResponseMetadata"]["HTTPHeaders"]
            assert (headers["retry-after"], headers["x-bedrock-support-simulated"]) == ("3", "true")
        box.clear()
        assert (await off_loop(partial(converse, bedrock)))["stopReason"] == "end_turn"


@promise("sandbox:faults")
@pytest.mark.parametrize("kind", STREAM_EXCEPTIONS)
async def test_an_exception_frame_is_raised_in_the_stream(client: Connect, kind: FaultKind) -> None:
    async with open_sandbox() as box:
        bedrock = await off_loop(partial(client, box.url))
        box.set(Fault(kind=kind))
        with pytest.raises(EventStreamError, match=STREAM_EXCEPTIONS[kind]):
            await off_loop(partial(stream, bedrock))


@promise("sandbox:faults")
@pytest.mark.parametrize(
    ("kind", "call", "error"),
    [
        (FaultKind.HANG, converse, "ReadTimeoutError"),
        (FaultKind.HANG, stream, "ReadTimeoutError"),
        (FaultKind.STALL, converse, "ReadTimeoutError"),
        (FaultKind.STALL, stream, "ReadTimeoutError"),
        (FaultKind.RESET, converse, "ConnectionClosedError"),
        (FaultKind.RESET, stream, "ConnectionClosedError"),
        (FaultKind.CUT, stream, "ProtocolError"),
        (FaultKind.BAD_CRC, stream, "ChecksumMismatch"),
    ],
)
async def test_a_broken_connection_shows_as_boto3_shows_it(
    client: Connect, kind: FaultKind, call: Callable[[BedrockRuntimeClient], Any], error: str
) -> None:
    async with open_sandbox() as box:
        bedrock = await off_loop(partial(client, box.url, 0.3))
        box.set(Fault(kind=kind))
        try:
            await off_loop(partial(call, bedrock))
        except Exception as raised:  # noqa: BLE001 - several libraries' errors, told apart by name
            seen = type(raised).__name__
        else:
            seen = "no error"
        assert seen == error


@promise("sandbox:faults")
async def test_faults_that_boto3_does_not_notice(client: Connect) -> None:
    async with open_sandbox() as box:
        bedrock = await off_loop(partial(client, box.url))
        for kind, last in ((FaultKind.NO_MESSAGE_STOP, "contentBlockStop"), (FaultKind.NO_METADATA, "messageStop")):
            box.set(Fault(kind=kind))
            assert next(iter((await off_loop(partial(stream, bedrock)))[-1])) == last
        box.set(Fault(kind=FaultKind.CUT_MID_FRAME, after_chunks=3))
        assert len(await off_loop(partial(stream, bedrock))) == 3
        for kind, reason in STOP_REASONS.items():
            box.set(Fault(kind=kind))
            assert (await off_loop(partial(converse, bedrock)))["stopReason"] == reason
        for kind in (FaultKind.MALFORMED_JSON, FaultKind.CUT):
            box.set(Fault(kind=kind))
            assert "stopReason" not in await off_loop(partial(converse, bedrock))
        box.set(Fault(kind=FaultKind.HUGE_BODY))
        assert len(json.dumps((await off_loop(partial(converse, bedrock)))["output"])) > 29_000_000


@promise("sandbox:faults")
async def test_a_drip_outlives_every_read_timeout(client: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "DRIP_SECONDS", 0.01)
    async with open_sandbox() as box:
        bedrock = await off_loop(partial(client, box.url, 0.3))
        box.faults.answer = "slow"
        box.set(Fault(kind=FaultKind.DRIP))
        clock = anyio.current_time()
        assert (await off_loop(partial(converse, bedrock)))["stopReason"] == "end_turn"
        assert anyio.current_time() - clock > 1.0
        monkeypatch.setattr(replies, "DRIP_SECONDS", 0.001)
        # Slow, yet whole: no frame is left out and none comes twice.
        events = await off_loop(partial(stream, bedrock))
        names = ["messageStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
        assert [next(iter(event)) for event in events] == names


@promise("sandbox:second-opinion")
async def test_ministack_speaks_the_same_wire(client: Connect, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Left to itself it listens on every interface, and for MQTT and SFTP too.
    closed = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "false", "SFTP_ENABLED": "false"}
    env = environment(GATEWAY_PORT=str(port), SERVICES="bedrock-runtime", HOME=str(tmp_path), **closed)
    peer = await off_loop(
        lambda: subprocess.Popen(
            [sys.executable, "-m", "ministack.app"],
            env=env,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    )
    try:
        with anyio.fail_after(30):
            while True:
                try:
                    async with await anyio.connect_tcp("127.0.0.1", port):
                        break
                except OSError:
                    await anyio.sleep(0.05)
        theirs = await off_loop(partial(client, f"http://127.0.0.1:{port}", 10))
        async with open_sandbox() as box:
            ours = await off_loop(partial(client, box.url))
            whole = [await off_loop(partial(converse, each)) for each in (ours, theirs)]
            events = [await off_loop(partial(stream, each)) for each in (ours, theirs)]
        listening = [each.laddr for each in psutil.Process(peer.pid).net_connections() if each.status == "LISTEN"]
        assert listening == [("127.0.0.1", port)]
    finally:
        peer.terminate()
        await off_loop(partial(peer.wait, 10))
    assert shape(whole[0]["output"]) == shape(whole[1]["output"])
    assert whole[0].keys() == whole[1].keys()
    assert {"inputTokens", "outputTokens", "totalTokens"} <= whole[1]["usage"].keys() & whole[0]["usage"].keys()
    orders = [list(dict.fromkeys(next(iter(event)) for event in each)) for each in events]
    assert [name for name in orders[0] if name in orders[1]] == orders[0]
    assert [name for name in orders[1] if name != "contentBlockStart"] == orders[0]


def shape(value: Any) -> Any:
    """Names and types, without the values."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [shape(each) for each in cast("list[Any]", value)[:1]]
    return type(value).__name__
