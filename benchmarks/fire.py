"""A load of triage calls on one server while the simulated Bedrock behind it keeps changing its faults."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from time import perf_counter
from typing import Any

import anyio
import anyio.to_thread
from mcp import Client
from mcp.shared.exceptions import MCPError

from bedrock_support.server.sandbox.faults import FaultKind

LIMITS = {"emergency": 5.0, "infrastructure": 10.0}
"""What the urgent classes are promised, in seconds."""
FILE = "shop.log"
LOG = "".join(
    [f"2026-11-23T14:00:{second:02d}Z INFO order {second} placed\n" for second in range(40)]
    + [
        f"2026-11-23T14:02:{second:02d}Z ERROR could not connect to database: connection refused\n"
        for second in range(20)
    ]
    + ["2026-11-23T14:03:00Z FATAL giving up\n"]
)
MIX = ("emergency",) * 4 + ("infrastructure",) * 4 + ("standard",) + ("background",)
FAULT_SECONDS = (0.2, 0.7)
"""Shortest and longest time for which one fault stays."""
CALM = 0.25
"""Share of the changes after which Bedrock is well."""
PAUSE = (2.0, 6.0)
"""Seconds after which a background caller that was refused tries again."""
DONE = ("ok", "partial", "degraded", "awaiting_answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One call and how it ended."""

    op_class: str
    seconds: float
    """From the client's call to its result."""
    wrong: str
    """What the result lacks; empty when nothing."""
    judged: bool
    reason: str = ""
    """Why no model was used."""

    @property
    def in_time(self) -> bool:
        return self.seconds <= LIMITS.get(self.op_class, float("inf"))


@dataclass(slots=True)
class Fire:
    """Calls and what became of them. Everything random comes from `chance`."""

    clients: Sequence[Client]
    sandbox: str
    chance: Random
    runs: list[Run] = field(default_factory=list[Run])
    faults: list[str] = field(default_factory=list[str])
    unfinished: Counter[str] = field(default_factory=Counter[str])
    """Calls of the load by class that have not ended, or not begun."""
    flooded: int = 0
    """Background calls that have ended."""

    async def storm(self) -> None:
        """Change the faults for ever; every kind comes before any comes again."""
        left: list[FaultKind] = []
        while True:
            calm = self.chance.random() < CALM
            if not calm and not left:
                left = self.chance.sample(list(FaultKind), len(FaultKind))
            body = weather(None if calm else left.pop(), self.chance)
            await anyio.to_thread.run_sync(partial(set_faults, self.sandbox, body))
            self.faults.append(str(body["kind"]))
            await anyio.sleep(self.chance.uniform(*FAULT_SECONDS))

    async def load(self, runs: int, at_once: int, ramp: float) -> None:
        """`runs` calls of mixed classes, so many of them under way at any time, the first spread over `ramp` seconds.

        Ends with the last urgent one: what can wait may hang for as long as it was given.
        """
        planned = [self.chance.choice(MIX) for _ in range(runs)]
        self.unfinished.update(planned)
        waiting = iter(planned)

        async def lane(number: int) -> None:
            await anyio.sleep(ramp * number / at_once)
            for op_class in waiting:
                self.runs.append(await self.call(self.clients[number % len(self.clients)], op_class))
                self.unfinished[op_class] -= 1
                if not any(self.unfinished[name] for name in LIMITS):
                    group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for number in range(at_once):
                group.start_soon(lane, number)

    async def background(self, clients: Sequence[Client], calls: int) -> None:
        """Background calls without end, so many at once, that are not measured."""

        async def lane(client: Client) -> None:
            while True:
                ended = await self.call(client, "background")
                self.flooded += 1
                if not ended.judged:
                    # Refused at once while the route is guarded: without a pause this would load the processors only.
                    await anyio.sleep(self.chance.uniform(*PAUSE))

        async with anyio.create_task_group() as group:
            for number in range(calls):
                group.start_soon(lane, clients[number % len(clients)])

    async def call(self, client: Client, op_class: str) -> Run:
        """One call, timed."""
        source = {"path": FILE} if self.chance.random() < 0.5 else {"text": LOG}
        began = perf_counter()
        try:
            result = await client.call_tool("triage_incident", {"operation_class": op_class, **source})
        except MCPError as error:
            return Run(op_class=op_class, seconds=perf_counter() - began, wrong=f"MCP error: {error}", judged=False)
        took = perf_counter() - began
        told: Mapping[str, Any] = result.structured_content or {}
        words = " ".join(getattr(block, "text", "") for block in result.content)
        model: Mapping[str, Any] = told.get("model", {})
        return Run(
            op_class=op_class,
            seconds=took,
            wrong=f"error result: {words[:200]}" if result.is_error else lacking(told),
            judged=bool(told.get("judgement")),
            reason=str(model.get("not_used_reason", "")),
        )


def lacking(told: Mapping[str, Any]) -> str:
    """What a result should have and hasn't: evidence, and a judgement or the reason why there is none."""
    model: Mapping[str, Any] = told.get("model", {})
    if told.get("status") not in DONE:
        return f"status {told.get('status')!r}"
    if not told.get("findings") or not told.get("evidence"):
        return "no evidence"
    if told.get("operation_class") == "emergency" and told.get("route") == "mcp":
        return "an emergency on the MCP route"
    if model.get("used"):
        return "" if told.get("judgement") else "a model was used and no judgement is there"
    return "" if model.get("not_used_reason") else "neither judgement nor reason"


def weather(kind: FaultKind | None, chance: Random) -> dict[str, object]:
    """One state of the simulated Bedrock; a Retry-After now and then with what may carry one."""
    asked = chance.choice((None, 0.5, 2.0, 20.0))
    return {
        "kind": kind.value if kind else None,
        "after_chunks": chance.choice((0, 1, 2, 5)),
        "retry_after": asked if kind in (FaultKind.THROTTLING, FaultKind.SERVICE_UNAVAILABLE) else None,
        "latency_ms": chance.choice((50, 200, 800)),
        "chunk_ms": chance.choice((0, 5, 20)),
    }


def set_faults(url: str, body: Mapping[str, object]) -> None:
    """Tell the sandbox; blocks."""
    request = urllib.request.Request(f"{url}/_sandbox/faults", data=json.dumps(body).encode(), method="PUT")  # noqa: S310 - loopback
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
