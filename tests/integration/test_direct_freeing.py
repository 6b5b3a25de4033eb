"""The direct client against a real socket: deadlines, cancellation, and what is left afterwards."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import anyio
import pytest

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from tests.direct_rig import (
    START,
    certificate,
    direct,
    failure_of,
    http,
    operation,
    peer,
    piece,
    stream,
    until,
    with_keys,
)
from tests.promises import promise

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)


@promise("direct:freed")
@pytest.mark.parametrize("streamed", [False, True])
async def test_200_cancelled_calls_leave_nothing(streamed: bool) -> None:
    begun = stream(START, piece("Be"), end=False) if streamed else None
    with peer(http()) as server:
        async with direct(server.url) as client:
            await client.send(operation())
            server.reply = begun
            async with anyio.create_task_group() as group:
                for _ in range(200):
                    group.start_soon(client.send, operation(20, stream=streamed))
                await until(lambda: len(server.requests) == 65)
                assert client.busy == 64
                group.cancel_scope.cancel()
            await until(lambda: (client.busy, server.open) == (0, 0))
            server.reply = http()
            assert (await client.send(operation())).text == "Because."


@promise("direct:freed", "direct:deadline")
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(None, id="never answers"),
        pytest.param(http()[:40], id="stalls in the head"),
        pytest.param(http()[:-10], id="stalls in the body"),
    ],
)
async def test_a_silent_peer_is_left_at_the_deadline(reply: bytes | None) -> None:
    with peer(http()) as server:
        async with direct(server.url) as client:
            await client.send(operation())
            server.reply = reply
            before = time.perf_counter()
            failure = await failure_of(client, operation(0.3))
            assert time.perf_counter() - before < 0.6
            assert failure.kind is FailureKind.TIMEOUT
            await until(lambda: (client.busy, server.open) == (0, 0))


@promise("direct:deadline")
async def test_the_deadline_covers_making_the_client_and_waiting_for_a_permit() -> None:
    with peer(None) as server:
        async with direct(server.url, concurrency=1) as client:
            before = time.perf_counter()
            assert (await failure_of(client, operation(0.05))).kind is FailureKind.TIMEOUT
            assert time.perf_counter() - before < 1.0, "boto3 is being imported, which takes the interpreter's lock"
            await until(lambda: client.busy == 0)
            await client.check()
            sent = len(server.requests)
            async with anyio.create_task_group() as group:
                group.start_soon(failure_of, client, operation(0.5))
                await until(lambda: len(server.requests) == sent + 1)
                before = time.perf_counter()
                assert (await failure_of(client, operation(0.1))).kind is FailureKind.TIMEOUT
                assert time.perf_counter() - before < 0.3
            assert len(server.requests) == sent + 1


async def test_a_deadline_that_has_passed_costs_nothing() -> None:
    with peer(http()) as server:
        async with direct(server.url) as client:
            assert (await failure_of(client, operation(-1))).kind is FailureKind.TIMEOUT
            assert server.accepted == 0


@promise("direct:drip")
@pytest.mark.parametrize(
    ("begun", "limits"),
    [
        pytest.param(stream(START, end=False), {"first_token_timeout": 0.2}, id="no first piece"),
        pytest.param(stream(START, piece("Be"), end=False), {"inter_token_timeout": 0.2}, id="no next piece"),
        pytest.param(None, {"first_token_timeout": 0.2}, id="no answer at all"),
    ],
)
async def test_a_stalled_stream_ends_before_its_deadline(begun: bytes | None, limits: dict[str, float]) -> None:
    with peer(http()) as server:
        async with direct(server.url, **limits) as client:
            await client.send(operation())
            server.reply = begun
            before = time.perf_counter()
            failure = await failure_of(client, operation(10, stream=True))
            assert time.perf_counter() - before < 1
            assert failure.kind is FailureKind.TIMEOUT
            assert "0.2 s" in str(failure)
            await until(lambda: (client.busy, server.open) == (0, 0))


@promise("direct:freed")
async def test_a_hanging_tls_handshake_is_cut() -> None:
    with peer(None) as server:
        async with direct(server.url.replace("http:", "https:"), connect_timeout=30) as client:
            await client.check()
            assert (await failure_of(client, operation(0.4))).kind is FailureKind.TIMEOUT
            await until(lambda: (client.busy, server.open) == (0, 0))


@promise("direct:freed", "direct:pool")
@pytest.mark.parametrize("streamed", [False, True])
async def test_calls_over_tls_are_pooled_and_cut_alike(
    streamed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls, trusted = certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    with peer(http(), tls=tls) as server:
        async with direct(server.url) as client:
            for _ in range(3):
                await client.send(operation())
            assert server.accepted == 1
            server.reply = stream(START, piece("Be"), end=False) if streamed else None
            with anyio.move_on_after(0.2):
                async with anyio.create_task_group() as group:
                    for _ in range(8):
                        group.start_soon(client.send, operation(20, stream=streamed))
            await until(lambda: (client.busy, server.open) == (0, 0))


@promise("direct:one-look")
async def test_however_many_give_up_one_thread_looks_for_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    looks: list[object] = []

    def slow(settings: object) -> object:
        looks.append(settings)
        gate.wait(5)
        raise LookupError

    monkeypatch.setattr("bedrock_support.routing.bedrock.access.build", slow)
    with peer(http()) as server:
        async with direct(server.url) as client:
            for _ in range(3):
                assert (await failure_of(client, operation(0.2))).kind is FailureKind.TIMEOUT
                assert client.busy == 0
            gate.set()
            assert (await failure_of(client, operation())).kind is FailureKind.BAD_REPLY
            assert len(looks) == 1


@promise("direct:closed")
async def test_closing_ends_calls_and_refuses_more() -> None:
    ends: list[RouteError] = []

    with peer(http()) as server:
        async with direct(server.url) as client:
            await client.send(operation())
            server.reply = None

            async def hang() -> None:
                ends.append(await failure_of(client, operation(20)))

            async with anyio.create_task_group() as group:
                group.start_soon(hang)
                await until(lambda: len(server.requests) == 2)
                await client.aclose()
            assert ends[0].kind is FailureKind.UNAVAILABLE
            assert (await failure_of(client, operation())).kind is FailureKind.UNAVAILABLE
            await until(lambda: server.open == 0)
