"""The direct client's connections: pooled, clean, tried once, and every way in which an answer can fail to be one."""

from __future__ import annotations

import anyio
import pytest

from bedrock_support.routing.model import FailureKind
from tests.direct_rig import ANSWER, direct, failure_of, http, operation, peer, with_keys
from tests.promises import promise

pytestmark = pytest.mark.anyio


TOKENS = ANSWER["usage"]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)


@promise("direct:pool")
async def test_64_calls_at_once_share_64_connections() -> None:
    with peer(http()) as server:
        async with direct(server.url) as client:
            for _ in range(4):
                async with anyio.create_task_group() as group:
                    for _ in range(64):
                        group.start_soon(client.send, operation())
            assert len(server.requests) == 256
            assert server.accepted <= 64


@promise("direct:clean-pool")
async def test_a_cancelled_call_never_harms_the_one_that_follows_on_its_connection() -> None:
    with peer(http()) as server:
        async with direct(server.url, concurrency=4) as client:
            for step in range(60):
                with anyio.move_on_after(step * 0.00005):
                    await client.send(operation())
                assert (await client.send(operation())).text == "Because."


@promise("direct:one-try")
@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable", "500 Internal Server Error"])
async def test_a_failure_is_tried_once(status: str) -> None:
    with peer(http({"message": "no"}, status)) as server:
        async with direct(server.url) as client:
            await failure_of(client, operation())
            assert len(server.requests) == 1


@promise("direct:typed")
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(b"", FailureKind.CONNECTION, id="hangs up"),
        pytest.param(b"nonsense\r\n\r\n", FailureKind.CONNECTION, id="no HTTP"),
        pytest.param(http()[:-10], FailureKind.BAD_REPLY, id="half a body"),
        pytest.param(http({"output": {}}), FailureKind.BAD_REPLY, id="no message"),
        pytest.param(http([]), FailureKind.BAD_REPLY, id="no object"),
        pytest.param(http({**ANSWER, "usage": None}), FailureKind.BAD_REPLY, id="no usage"),
        pytest.param(http({**ANSWER, "usage": {**TOKENS, "inputTokens": None}}), FailureKind.BAD_REPLY, id="no number"),
        pytest.param(http({**ANSWER, "usage": {**TOKENS, "outputTokens": "2"}}), FailureKind.BAD_REPLY, id="a text"),
        pytest.param(http({**ANSWER, "stopReason": ["x"]}), FailureKind.BAD_REPLY, id="no reason"),
        pytest.param(http(b"<html>", "502 Bad Gateway"), FailureKind.UNAVAILABLE, id="a proxy's page"),
    ],
)
async def test_what_is_no_answer_is_a_typed_failure(reply: bytes, kind: FailureKind) -> None:
    with peer(reply, hang_up=True) as server:
        async with direct(server.url) as client:
            assert (await failure_of(client, operation())).kind is kind


@promise("direct:typed")
async def test_nobody_there_is_a_connection_failure() -> None:
    with peer(None) as server:
        url = server.url
    async with direct(url) as client:
        failure = await failure_of(client, operation())
        assert failure.kind is FailureKind.CONNECTION
        assert url not in str(failure)


@promise("direct:typed")
@pytest.mark.parametrize(
    ("end", "words"),
    [
        pytest.param(None, "longer than the model's context", id="comes in two pieces"),
        pytest.param(-20, "refused the request as invalid", id="never ends"),
    ],
)
async def test_a_refusal_is_read_to_its_end_if_it_has_one(end: int | None, words: str) -> None:
    refusal = http(
        {"message": "Input is too long for requested model."},
        "400 Bad Request",
        "x-amzn-ErrorType: ValidationException\r\n",
    )
    with peer(refusal[:end]) as server:
        server.late = 20
        async with direct(server.url) as client:
            failure = await failure_of(client, operation())
    assert failure.kind is FailureKind.INVALID_REQUEST
    assert words in str(failure)
