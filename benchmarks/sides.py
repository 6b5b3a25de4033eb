"""What every side of a comparison shares: the question, the answer, and how a round is run and told.

Only anyio and the standard library: LiteLLM's side imports it in an environment where nothing of ours is installed.
A side is a process of its own, so that its processor time and memory are its own. It reads commands as JSON lines
from stdin and answers each with one line:
{"do": "round", "url": ..., "calls": n, "concurrency": c, "stream": bool} -> {"cpu_s", "wall_s", "ok", "p50_ms"}.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import anyio

MODEL = "eu.anthropic.claude-haiku-5-5"
REGION = "eu-central-1"
SYSTEM = "You are a support engineer. Answer briefly."
BRIEF = "The deployment fails with exit code 137. " * 40
MAX_TOKENS = 800
PIECE = 24
"""Characters in one frame of a stream; the sandbox cuts its answers the same way."""
ANSWER = ("The container was killed for memory: raise its limit. " * 23)[: 50 * PIECE]
SLOW_MS = 50
POOL = 64
SETTLE = 0.15
"""Seconds after the last answer in which background work still counts."""

_asked = count(1)

Ask = Callable[[str, bool], Awaitable[str]]
"""Ask the upstream at this address, streamed or not; the text of the answer."""


def brief() -> str:
    """The question, and never the same one twice: nobody may profit from having seen it before."""
    return f"{BRIEF}It is call {next(_asked)} of today."


async def measured(ask: Ask, url: str, calls: int, concurrency: int, stream: bool) -> dict[str, float]:
    """One round. A call is ok when it brought the whole answer; whatever else happens ends the round."""
    walls: list[float] = []
    ok = 0
    left = iter(range(calls))

    async def worker() -> None:
        nonlocal ok
        for _ in left:
            began = time.perf_counter()
            answer = await ask(url, stream)
            ok += answer == ANSWER
            walls.append(time.perf_counter() - began)

    # Not counted. It also opens what the side needs in this task, which is the one that will close it.
    await ask(url, stream)
    gc.collect()
    began, used = time.perf_counter(), time.process_time()
    async with anyio.create_task_group() as group:
        for _ in range(concurrency):
            group.start_soon(worker)
    wall = time.perf_counter() - began
    # What a call leaves to do in the background, such as logging, is paid for as well.
    await anyio.sleep(SETTLE)
    return {
        "cpu_s": time.process_time() - used,
        "wall_s": wall,
        "ok": ok,
        "p50_ms": statistics.median(walls) * 1e3,
    }


async def serve(ask: Ask, hello: dict[str, str]) -> None:
    """Say hello, then run every round that is asked for, until stdin ends."""
    # What a library prints must not pass for an answer: stdout's place goes to stderr.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    tell(hello)
    while line := await anyio.to_thread.run_sync(sys.stdin.readline):
        command: dict[str, Any] = json.loads(line)
        if command.pop("do") != "round":
            raise ValueError(f"{line!r}: the only command is round")
        tell(await measured(ask, **command))
