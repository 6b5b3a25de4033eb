"""Streams, good and broken, in real bytes."""

from __future__ import annotations

import pytest

from bedrock_support.routing.model import FailureKind
from tests.direct_rig import METADATA, START, STOP, direct, failure_of, frame, operation, peer, piece, stream
from tests.promises import promise

pytestmark = pytest.mark.anyio

WHOLE = (START, piece("Be"), piece("cause."), STOP, METADATA)
BROKEN = bytearray(piece("Be"))
BROKEN[-6] ^= 1
MALFORMED = frame("contentBlockDelta", {"delta": 5})


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")


@promise("direct:simulated", "direct:clean-pool")
async def test_a_whole_stream_is_an_answer_and_its_connection_serves_again() -> None:
    with peer(stream(*WHOLE, headers="x-bedrock-support-simulated: true\r\n")) as server:
        async with direct(server.url) as client:
            for _ in range(3):
                reply = await client.send(operation(stream=True))
                assert (reply.text, reply.stop_reason, reply.simulated) == ("Because.", "end_turn", True)
                assert reply.usage is not None
                assert reply.usage.cache_read_tokens == 5
            assert server.accepted == 1
            assert all(b"/converse-stream " in request for request in server.requests)


@promise("direct:clean-pool")
async def test_a_whole_answer_whose_body_never_ends_is_good_but_its_connection_is_not() -> None:
    with peer(stream(*WHOLE, end=False)) as server:
        async with direct(server.url) as client:
            assert (await client.send(operation(stream=True))).text == "Because."
            assert (await client.send(operation(stream=True))).text == "Because."
            assert server.accepted == 2


@promise("direct:whole-stream")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(stream(START, piece("Be")), id="clean end without messageStop"),
        pytest.param(stream(START, piece("Be"), STOP), id="clean end without metadata"),
        pytest.param(stream(START, piece("Be"), STOP, METADATA[:20]), id="ends inside the last frame"),
        pytest.param(stream(START, piece("Be")[:30]), id="ends inside a frame"),
        pytest.param(stream(), id="empty"),
        pytest.param(stream(START, piece("Be"), end=False), id="cut"),
        pytest.param(stream(START, piece("Be"), end=False) + b"50\r\nabc", id="cut inside a chunk"),
    ],
)
async def test_half_a_stream_is_a_failure(body: bytes) -> None:
    with peer(body, hang_up=True) as server:
        async with direct(server.url) as client:
            failure = await failure_of(client, operation(stream=True))
    assert failure.kind is FailureKind.STREAM_CUT
    assert "Be" not in str(failure).replace("Bedrock", "")


@promise("direct:typed")
@pytest.mark.parametrize("damaged", [bytes(BROKEN), MALFORMED, b"\xff" * 64])
async def test_a_damaged_frame_is_a_bad_reply(damaged: bytes) -> None:
    with peer(stream(START, damaged, STOP, METADATA), hang_up=True) as server:
        async with direct(server.url) as client:
            assert (await failure_of(client, operation(stream=True))).kind is FailureKind.BAD_REPLY


@promise("direct:frame-kind")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("throttlingException", FailureKind.THROTTLED),
        ("modelStreamErrorException", FailureKind.MODEL_ERROR),
        ("internalServerException", FailureKind.UNAVAILABLE),
        ("serviceUnavailableException", FailureKind.UNAVAILABLE),
        ("validationException", FailureKind.INVALID_REQUEST),
    ],
)
async def test_an_exception_frame_keeps_its_kind(name: str, kind: FailureKind) -> None:
    body = stream(START, piece("Be"), frame(name, {"message": "secret words"}, message_type="exception"))
    with peer(body) as server:
        async with direct(server.url) as client:
            failure = await failure_of(client, operation(stream=True))
    assert failure.kind is kind
    assert "secret" not in str(failure)


async def test_a_flood_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bedrock_support.routing.bedrock.stream.MOST_TEXT", 100)
    with peer(stream(START, piece("x" * 60), piece("x" * 60), STOP, METADATA)) as server:
        async with direct(server.url) as client:
            assert (await failure_of(client, operation(stream=True))).kind is FailureKind.BAD_REPLY
