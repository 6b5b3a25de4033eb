"""Upstream processes that die, hang, flood or won't end: what it costs, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.peers.limits import PeerLimits
from tests.peer_rig import ROOT, entry
from tests.peer_rig_pool import CLOCK, alive, fails, lines, peers, say, until, written
from tests.promises import promise


@promise("peers:reconnects")
async def test_a_killed_process_fails_its_call_at_once_and_the_next_gets_a_new_one(tmp_path: Path) -> None:
    count = tmp_path / "count"
    with anyio.fail_after(15):
        async with peers(tmp_path, {"it": entry("sdk", "--count", str(count))}) as pool:
            peer = pool.peers["it"]
            assert await say(peer) == "hi"
            errors: list[RouteError] = []

            async def call() -> None:
                with pytest.raises(RouteError) as raised:
                    await peer.call("wait", {"seconds": 30}, deadline=CLOCK.now() + 30)
                errors.append(raised.value)

            async with anyio.create_task_group() as group:
                group.start_soon(call)
                await until(lambda: peer.health().calls == 1)
                os.kill(int(lines(count)[0]), signal.SIGKILL)
            assert errors[0].kind is FailureKind.CONNECTION
            assert "exit code -9" in str(errors[0])
            assert await say(peer) == "hi"
            health = peer.health()
            assert (health.connects, health.restarts, health.consecutive_failures) == (2, 1, 1)
            assert "exit code -9" in health.last_error


@promise("peers:reconnects")
@pytest.mark.parametrize("offered", [False, True], ids=["asked", "offered"])
async def test_a_crash_loop_is_left_alone(offered: bool, tmp_path: Path) -> None:
    """Five failures in a row open the breaker, and nothing is spawned while it is open, whoever asks."""
    count = tmp_path / "count"
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": entry("crash-start", "--count", str(count), offer=offered)}) as pool:
            peer = pool.peers["it"]
            ends = time.monotonic() + 1.5
            said: list[RouteError] = []
            while time.monotonic() < ends:
                said.append(await fails(peer, seconds=5))
                await anyio.sleep(0.02)
            assert 2 <= len(lines(count)) <= 8
            assert peer.health().consecutive_failures == len(lines(count))
            began = time.monotonic()
            last = await fails(peer)
            assert time.monotonic() - began < 1.5
            assert "no licence" in str(last)
            assert said[0].kind is FailureKind.CONNECTION
            assert {each.kind for each in said} >= {FailureKind.CONNECTION}
            assert last.kind in (FailureKind.HELD_BACK, FailureKind.UNAVAILABLE, FailureKind.CONNECTION)


@promise("peers:hostile")
@pytest.mark.parametrize(("mode", "why"), [("huge", "more than 4194304 bytes"), ("flood", "more than 1000 messages")])
async def test_too_much_is_cut_off_in_bounded_memory(mode: str, why: str, tmp_path: Path) -> None:
    us = psutil.Process()
    errors: list[RouteError] = []
    before, peak, slowest = 0, 0, 0.0
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": entry(mode), "good": entry("echo")}) as pool:
            assert await say(pool.peers["good"]) == "hi"
            before = us.memory_info().rss
            over = anyio.Event()

            async def others() -> None:
                nonlocal peak, slowest
                while not over.is_set():
                    began = time.monotonic()
                    assert await say(pool.peers["good"]) == "hi"
                    slowest = max(slowest, time.monotonic() - began)
                    peak = max(peak, us.memory_info().rss)

            async with anyio.create_task_group() as group:
                group.start_soon(others)
                errors.append(await fails(pool.peers["it"]))
                over.set()
    assert why in str(errors[0])
    assert errors[0].kind is FailureKind.CONNECTION
    assert peak - before < 30 * 1024 * 1024
    assert slowest < 0.5


@promise("peers:hostile")
async def test_a_noisy_stderr_blocks_nobody(tmp_path: Path) -> None:
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": entry("stderr")}) as pool:
            assert await say(pool.peers["it"]) == "hi"


@promise("peers:hostile", "peers:deadline")
async def test_silence_costs_a_call_its_own_time_only(tmp_path: Path) -> None:
    limits = PeerLimits(connect=1.0)
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": entry("silent")}, limits=limits) as pool:
            began = time.monotonic()
            error = await fails(pool.peers["it"], seconds=0.3)
            assert (error.kind, time.monotonic() - began < 0.6) == (FailureKind.TIMEOUT, True)
            error = await fails(pool.peers["it"], seconds=5)
            assert (error.kind, "did not connect within 1 s" in str(error)) == (FailureKind.CONNECTION, True)


@promise("peers:hostile")
async def test_a_peer_takes_so_many_calls_and_such_arguments(tmp_path: Path) -> None:
    limits = PeerLimits(waiting=3, text=1000)
    with anyio.fail_after(20):
        async with peers(tmp_path, {"it": entry("hang"), "echo": entry("echo")}, limits=limits) as pool:
            kinds: list[FailureKind] = []

            async def call() -> None:
                kinds.append((await fails(pool.peers["it"], seconds=0.5)).kind)

            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(call)
            assert kinds == [FailureKind.SHED] * 2 + [FailureKind.TIMEOUT] * 3
            with pytest.raises(RouteError, match="more than 1000 characters"):
                await say(pool.peers["echo"], "x" * 1001)


@promise("peers:processes")
async def test_a_process_that_ignores_every_word_is_killed_with_its_children(tmp_path: Path) -> None:
    count = tmp_path / "count"
    with anyio.fail_after(15):
        async with peers(tmp_path, {"it": entry("stubborn", "--count", str(count))}) as pool:
            assert await say(pool.peers["it"]) == "hi"
            family = psutil.Process(int(lines(count)[0]))
            left = [family, *family.children()]
            assert len(left) == 2
            began = time.monotonic()
        assert time.monotonic() - began < 4
    await until(lambda: not any(each.is_running() and each.status() != "zombie" for each in left), 2)
    assert not [each for each in psutil.Process().children() if each.status() == "zombie"]


@promise("peers:processes")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
async def test_no_process_outlives_ours(how: signal.Signals, tmp_path: Path) -> None:
    count = tmp_path / "count"
    mode = "stubborn" if how is signal.SIGTERM else "echo"  # killed, we can only close the pipes by dying
    file = written(tmp_path, {"it": entry(mode, "--count", str(count))})
    command = [sys.executable, "-m", "tests.peer_rig_pool", str(file)]

    def owned() -> None:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(how)
            process.wait(8)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    await anyio.to_thread.run_sync(owned)
    assert len(lines(count)) == 1
    await until(lambda: not alive(lines(count)), 3)
