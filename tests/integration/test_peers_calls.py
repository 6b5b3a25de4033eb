"""Calls to upstream peers in processes of their own: transports, eras, deadlines, losses, lists."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp.types import ClientCapabilities, SamplingCapability

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import Carrier, FailureKind, Residency
from bedrock_support.server.peers.bridge import CallerSide
from tests.fakes import operation
from tests.peer_rig import entry, http_peer
from tests.peer_rig_pool import CLOCK, fails, lines, peers, say, text_of, until
from tests.promises import promise


@pytest.fixture(scope="module")
def web_peer() -> Iterator[str]:
    with http_peer() as (url, _):
        yield url


@promise("peers:both-ways")
@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize("era", ["legacy", "2026-07-28", "auto"])
async def test_every_transport_and_era(transport: str, era: str, web_peer: str, tmp_path: Path) -> None:
    it = entry("sdk", era=era) if transport == "stdio" else {"url": web_peer, "support": {"era": era}}
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": it}) as pool:
            peer = pool.peers["it"]
            assert await say(peer) == "hi"
            health = peer.health()
            assert health.protocol == ("2025-11-25" if era == "legacy" else "2026-07-28")
            assert (health.state, health.breaker, health.connects, health.connections) == ("ready", "closed", 1, 1)
            assert list(peer.tools) == ["ask_folders", "ask_model", "ask_user", "echo", "fail", "grow", "steps", "wait"]
            with pytest.raises(RouteError, match="no such tool") as raised:
                await say(peer, tool="nothing")
            assert raised.value.kind is FailureKind.NOT_FOUND
    assert pool.health()["it"]["state"] == "closed"
    assert (await fails(peer)).kind is FailureKind.UNAVAILABLE


@promise("peers:deadline")
@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_call_ends_by_its_deadline_and_the_peer_serves_on(
    transport: str, era: str, web_peer: str, tmp_path: Path
) -> None:
    it = entry("sdk", era=era) if transport == "stdio" else {"url": web_peer, "support": {"era": era}}
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": it}) as pool:
            peer = pool.peers["it"]
            await say(peer)
            began = time.monotonic()
            with pytest.raises(RouteError) as raised:
                await peer.call("wait", {"seconds": 30}, deadline=CLOCK.now() + 0.3)
            assert raised.value.kind is FailureKind.TIMEOUT
            assert time.monotonic() - began < 0.8
            assert await say(peer) == "hi"


@promise("peers:deadline")
async def test_a_cancelled_call_is_cancelled_upstream(tmp_path: Path) -> None:
    count = tmp_path / "count"
    with anyio.fail_after(10):
        async with peers(tmp_path, {"it": entry("hang", "--count", str(count))}) as pool:
            with anyio.move_on_after(0.5) as scope:
                await say(pool.peers["it"], seconds=30)
            assert scope.cancelled_caught
            await until(lambda: "cancelled" in lines(count))
            health = pool.peers["it"].health()
            assert (health.calls, health.connects, health.breaker) == (0, 1, "closed")


@promise("peers:lists-kept", "peers:pinned")
async def test_a_change_of_the_list_is_heard_and_a_changed_tool_withheld(tmp_path: Path) -> None:
    with anyio.fail_after(10):
        async with peers(tmp_path, {"it": entry("changing")}) as pool:
            peer = pool.peers["it"]
            assert await say(peer) == "hi"
            assert list(peer.tools) == ["change", "echo"]
            changed = peer.tools_changed
            await say(peer, tool="change")
            await changed.wait()
            assert list(peer.tools) == ["change", "late"]
            assert "definition changed" in str(await fails(peer))
            assert "echo" in peer.health().notes[0]


@promise("peers:lists-kept")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_every_era_says_that_its_list_changed(era: str, tmp_path: Path) -> None:
    with anyio.fail_after(10):
        async with peers(
            tmp_path, {"it": entry("sdk", era=era)}, clean=lambda text: text.replace("secret", "x")
        ) as pool:
            peer = pool.peers["it"]
            with pytest.raises(RouteError) as raised:
                await peer.call("fail", {}, deadline=CLOCK.now() + 5)
            assert str(raised.value) == "peer it answered with error -32099: a x was told"
            changed = peer.tools_changed
            assert await say(peer, tool="grow") == "grown"
            await changed.wait()
            assert "late" in peer.tools


@promise("peers:asked")
async def test_a_peer_answers_questions_within_its_residency(tmp_path: Path) -> None:
    ask = {"tool": "echo", "argument": "text"}
    entries: dict[str, Any] = {
        "anywhere": entry("echo", ask=ask),
        "eu": entry("echo", ask=ask, residency="eu"),
        "mute": entry("echo"),
        "down": entry("crash", ask=ask, residency="eu"),
    }
    question = operation(deadline=CLOCK.now() + 5)
    assert question.residency is Residency.EU
    with anyio.fail_after(10):
        async with peers(tmp_path, entries, clean=lambda text: text.replace("brief", "[hidden]")) as pool:
            answer = await pool.peers["eu"].answer(question)
            assert (answer.text, answer.carrier) == ("be [hidden]\n\na [hidden]", Carrier.PEER)
            for name in ("anywhere", "mute"):
                with pytest.raises(RouteError) as raised:
                    await pool.peers[name].answer(question)
                assert raised.value.kind is FailureKind.NO_CARRIER
            with pytest.raises(RouteError) as raised:
                await pool.peers["down"].answer(question)
            assert raised.value.kind is FailureKind.CONNECTION
            await until(lambda: not pool.peers["down"].healthy)
            assert [peer.name for peer in pool.answerers()] == ["anywhere", "eu", "down"]


@promise("peers:reachable")
@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "127.0.0.1", "fd00::1", "fe80::1%eth0"])
async def test_a_name_that_leads_inside_is_not_connected_to(address: str, tmp_path: Path) -> None:
    asked: list[str] = []

    async def look_up(host: str, port: int) -> list[str]:
        asked.append(f"{host}:{port}")
        return [address]

    with anyio.fail_after(10):
        async with peers(tmp_path, {"it": {"url": "https://peer.example/mcp"}}, look_up=look_up) as pool:
            assert "leads to no public address" in str(await fails(pool.peers["it"]))
    assert asked == ["peer.example:443"]


@promise("peers:idle")
async def test_idle_peers_take_no_processor_time(web_peer: str, tmp_path: Path) -> None:
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": entry("echo"), "web": {"url": web_peer}, "never": entry("echo")}) as pool:
            await say(pool.peers["it"])
            await say(pool.peers["web"])
            began, used = time.monotonic(), time.process_time()
            await anyio.sleep(2)
            assert (time.process_time() - used) / (time.monotonic() - began) < 0.01
            assert pool.health()["never"]["connects"] == 0


@promise("peers:mirrored")
async def test_connections_are_few_and_each_declares_its_callers_capabilities(tmp_path: Path) -> None:
    class Nobody:
        async def request(self, request: Any) -> Any:
            raise AssertionError(request)

        async def progress(self, done: float, total: float, message: str) -> None: ...

    able = CallerSide(capabilities=ClientCapabilities(sampling=SamplingCapability()), channel=Nobody())
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": entry("echo", connections=2)}) as pool:
            peer = pool.peers["it"]

            async def call(at: int) -> None:
                assert await say(peer, str(at), caller=able if at % 2 else None) == str(at)

            async with anyio.create_task_group() as group:
                for at in range(40):
                    group.start_soon(call, at)
            assert peer.health().connections == 2
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": entry("echo", connections=1)}) as pool:
            for at in range(4):
                result = await pool.peers["it"].call(
                    "echo", {"text": "x"}, deadline=CLOCK.now() + 5, caller=able if at % 2 else None
                )
                assert text_of(result) == "x"
            assert pool.peers["it"].health().connects == 4


@promise("gate:peers")
async def test_arguments_are_redacted_by_member_and_come_back_restored(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    entries = {"it": entry("tape", "--count", str(tape))}
    said = "mail of jane.doe@example.com failed, password=hunter22 jane.doe@example.com"
    async with peers(tmp_path, entries, gated=True) as pool:
        peer = pool.peers["it"]
        assert await say(peer, said) == said
        more = {"text": "x", "password": "s3cr3t words", "card": 4111111111111111, "jane.doe@example.com": [None, True]}
        assert text_of(await peer.call("echo", more, deadline=CLOCK.now() + 10)) == "x"
    heard = await anyio.to_thread.run_sync(tape.read_text)
    assert heard.count("tools/call") == 2
    for secret in ("jane.doe", "hunter22", "s3cr3t", "4111111111111111"):
        assert secret not in heard
    assert heard.count("[[EMAIL_1_") == 3, "the same value has the same placeholder within a call"
