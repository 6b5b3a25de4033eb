"""Upstream chaos: three bad peers beside a good one, 500 calls, and everything counted before and after."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread
import psutil

from bedrock_support.routing.errors import RouteError
from tests.peer_rig import entry, http_peer
from tests.peer_rig_pool import alive, lines, peers, say, until
from tests.promises import promise

CALLS = 500
AT_ONCE = 20
PATIENCE = 0.5
"""Seconds that a call gives a bad peer before it takes the healthy path."""
BAD = ("crash", "hang", "flood")


def census() -> dict[str, int]:
    """What may leak: processes, open files and sockets, threads, tasks."""
    gc.collect()
    us = psutil.Process()
    return {
        "processes": len(us.children(recursive=True)),
        "descriptors": us.num_fds(),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
    }


@promise("peers:chaos", "peers:processes")
async def test_three_bad_peers_harm_no_call_that_the_healthy_path_can_serve(tmp_path: Path) -> None:
    chance = random.Random(4)  # noqa: S311 - the same calls each time
    order = [chance.choice((*BAD, "good", "web")) for _ in range(CALLS)]
    counts = {mode: tmp_path / mode for mode in (*BAD, "good")}
    outcomes: Counter[str] = Counter()
    slowest: dict[str, float] = {}

    def noted(name: str, began: float) -> None:
        slowest[name] = max(slowest.get(name, 0.0), time.monotonic() - began)

    with http_peer() as (url, _), anyio.fail_after(40):
        await anyio.to_thread.run_sync(gc.collect)  # so that the pool's one idle thread is there before, too
        before = census()
        entries = {mode: entry("echo" if mode == "good" else mode, "--count", str(counts[mode])) for mode in counts}
        async with peers(tmp_path, entries | {"web": {"url": url}}) as pool:
            todo = iter(enumerate(order))

            async def work() -> None:
                for at, name in todo:
                    began = time.monotonic()
                    try:
                        assert (
                            await say(pool.peers[name], f"call {at}", seconds=PATIENCE if name in BAD else 10)
                            == f"call {at}"
                        )
                        outcomes[f"{name} answered"] += 1
                    except RouteError as error:
                        outcomes[f"{name} {error.kind}"] += 1
                        noted(name, began)
                        began = time.monotonic()
                        assert await say(pool.peers["good"], f"call {at}") == f"call {at}"
                    noted("good path", began)
                    outcomes["served"] += 1

            async with anyio.create_task_group() as group:
                for _ in range(AT_ONCE):
                    group.start_soon(work)
            health = {name: peer.health() for name, peer in pool.peers.items()}
        with suppress(TimeoutError):
            await until(lambda: census() == before, 5)
        assert census() == before
        print(outcomes, slowest)

    assert outcomes["served"] == CALLS
    assert all((name.split()[0] in BAD) != name.endswith("answered") for name in outcomes if name != "served"), outcomes
    assert health["good"].connects == health["web"].connects == 1
    assert all(health[name].connects <= 30 for name in BAD), health
    assert max(slowest[name] for name in BAD) < PATIENCE + 3.0
    assert slowest["good path"] < 5.0  # a share of their patience, however busy the machine
    assert not [pid for path in counts.values() for pid in alive(lines(path))]
