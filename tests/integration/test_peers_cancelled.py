"""Calls given up at any moment: nothing of them stays, and those beside them don't notice."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from mcp.types import ClientCapabilities, SamplingCapability

from bedrock_support.server.peers.bridge import CallerSide
from tests.peer_rig import entry, http_peer
from tests.peer_rig_pool import CLOCK, peers, say, until
from tests.promises import promise

CALLS = 120


class Silent:
    """A caller that never answers."""

    async def request(self, request: Any) -> Any:
        await anyio.sleep_forever()

    async def progress(self, done: float, total: float, message: str) -> None: ...


ABLE = CallerSide(capabilities=ClientCapabilities(sampling=SamplingCapability()), channel=Silent())


@promise("peers:deadline", "peers:processes")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_calls_given_up_at_any_moment_leave_nothing(era: str, tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - the same calls each time
    with http_peer() as (url, process), anyio.fail_after(40):
        entries: dict[str, Any] = {
            "pipe": entry("echo" if era == "legacy" else "sdk", era=era),
            "web": {"url": url, "support": {"era": era}},
        }
        children = len(psutil.Process().children())
        async with peers(tmp_path, entries) as pool:
            kept: list[str] = []

            async def give_up(at: int) -> None:
                peer = pool.peers[chance.choice(["pipe", "web"])]
                tool = "ask_model" if at % 6 == 3 and "ask_model" in peer.tools else "echo"
                with anyio.move_on_after(chance.random() * 0.02):
                    await say(peer, tool=tool, caller=ABLE if at % 2 else None)

            async def keep(at: int) -> None:
                kept.append(await say(pool.peers["pipe" if at % 2 else "web"], str(at)))

            for start in range(0, CALLS, 20):
                async with anyio.create_task_group() as group:
                    for at in range(start, start + 20):
                        group.start_soon(give_up, at)
                    for at in range(start, start + 4):
                        group.start_soon(keep, at)
            assert len(kept) == CALLS // 5
            for peer in pool.peers.values():
                assert await say(peer) == "hi"
                health = peer.health()
                assert (health.calls, health.breaker) == (0, "closed")
                assert health.connections <= 4
            waited = CLOCK.now()
        assert CLOCK.now() - waited < 5
        await until(lambda: len(psutil.Process().children()) == children)
        web = psutil.Process(process.pid)
        await until(lambda: not [each for each in web.net_connections() if each.status == "ESTABLISHED"])
