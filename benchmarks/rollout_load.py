"""A rollout and every level of rollback under load: calls that failed, came twice or came late, and how long each took.

    python -m benchmarks.rollout_load [--rate 50] [--seconds 6]

Clients in both protocol eras call through the front (HTTP), one more over stdio with a server that follows the same
flags file, all at a steady total rate that doesn't wait for answers. Bedrock is the sandbox: times say nothing of AWS.
A call is late when it ends after its class's deadline.

Each call carries a word of its own. What came twice is looked for where calls arrive: the requests that the sandbox got
with that word are held against the attempts that the trail has under the one decision that the caller was told of, and
an agent's model is asked at most once per call. A call that was carried out twice, anywhere on its way, has requests
that its decision doesn't know. Where nothing left (support mode off), nothing can have come twice there.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import psutil
from anyio import to_thread
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CreateMessageRequestParams, CreateMessageResult, TextContent

from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import OperationClass
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.reader import reading
from tests.rig import Era, Running, connect, environment
from tests.rollout_rig import Rig, rig

CLASSES = (OperationClass.INFRASTRUCTURE, OperationClass.STANDARD, OperationClass.EMERGENCY)
ERAS: tuple[Era, ...] = ("legacy", "2026-07-28")
CLIENTS = 8
GRACE = 0.25
"""Seconds past a deadline within which an answer still counts as in time: what the wire takes."""


LETTERS = "bcdfghjklmnpqrst"
MARK = re.compile(rf"caller ([{LETTERS}]{{6}})\b")
LOG = """\
2026-01-05T09:00:01Z INFO order placed
2026-01-05T09:02:00Z ERROR could not connect to database of caller {mark}: connection refused
"""
PATIENCE = 300.0
"""Seconds that one act may take; what it took is judged when it has ended."""
MOST_CALLS = 10_000
"""Requests that the sandbox remembers: with more of them nothing could be said."""


def mark(number: int) -> str:
    """A word that no other call carries: digits would be taken for an id, by which no two questions differ."""
    return "".join(LETTERS[int(digit, 16)] for digit in f"{number:06x}")


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of the calls."""

    made: int = 0
    by_stdio: int = 0
    failed: list[str] = field(default_factory=list[str])
    late: list[str] = field(default_factory=list[str])
    slowest: float = 0.0
    sampled: Counter[str] = field(default_factory=Counter[str])
    """Questions that an agent's model was asked, by the call's word."""
    decided: dict[str, str] = field(default_factory=dict[str, str])
    """By the call's word: the decision that the caller was told of."""

    async def own_model(self, context: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
        """Stands in for the calling agent's model, and says so."""
        block = params.messages[-1].content
        self.sampled.update(set(MARK.findall(block.text if isinstance(block, TextContent) else "")))
        answer: dict[str, object] = {"summary": "Stand-in answer.", "causes": [], "next_steps": []}
        text = TextContent(type="text", text=json.dumps(answer))
        return CreateMessageResult(role="assistant", content=text, model="benchmark stand-in (no model)")


async def call(client: Client, op_class: OperationClass, number: int, tally: Tally, stage: list[str]) -> None:
    began = time.monotonic()
    text = LOG.format(mark=mark(number))
    tally.made += 1
    try:
        result = await client.call_tool("triage_incident", {"text": text, "operation_class": op_class.value})
    except Exception as error:  # noqa: BLE001 - whatever a client meets is a failed call
        tally.failed.append(f"{stage[0]}: {op_class.value}: {type(error).__name__}: {error}"[:200])
        return
    seconds = time.monotonic() - began
    tally.slowest = max(tally.slowest, seconds)
    told: dict[str, Any] = result.structured_content or {}
    tally.decided[mark(number)] = str(told.get("decision_id") or "")
    if result.is_error:
        tally.failed.append(f"{stage[0]}: {op_class.value}: {result.content}"[:200])
    if seconds > shipped().rules[op_class].deadline + GRACE:
        tally.late.append(f"{stage[0]}: {op_class.value}: {seconds:.2f} s")


async def load(clients: list[Client], rate: float, tally: Tally, stage: list[str], stop: anyio.Event) -> None:
    """Calls at a steady rate, whatever becomes of them, until told to stop; then waits for the last."""
    began, number = time.monotonic(), 0
    async with anyio.create_task_group() as group:
        while not stop.is_set():
            op_class = CLASSES[number % len(CLASSES)]
            at = number % len(clients)
            tally.by_stdio += at == CLIENTS
            group.start_soon(call, clients[at], op_class, number, tally, stage)
            number += 1
            await anyio.sleep(max(0.0, began + number / rate - time.monotonic()))


@asynccontextmanager
async def over_http(url: str, era: Era, tally: Tally) -> AsyncGenerator[Client]:
    """A client whose own pool and patience are never what a call waits for or ends by."""
    limits, timeout = httpx2.Limits(max_connections=None), httpx2.Timeout(PATIENCE)
    async with (
        httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=era, sampling_callback=tally.own_model) as client,
    ):
        yield client


def act(made: Rig, *arguments: str) -> tuple[float, int, str]:
    began = time.monotonic()
    done = made.run(*arguments, patience=PATIENCE)
    said = f"{done.stdout}{''.join(done.stderr.splitlines(keepends=True)[-5:])}"
    return time.monotonic() - began, done.returncode, said


async def measured(made: Rig, rate: float, quiet: float, tally: Tally) -> int:
    stage, stop, bad, busy = ["before"], anyio.Event(), 0, 0.0
    env = dict(made.env) | {"BEDROCK_SUPPORT_FLAGS": str(made.folder / "flags.json")}
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(over_http(made.url, ERAS[each % 2], tally)) for each in range(CLIENTS)
        ]
        clients.append(
            await stack.enter_async_context(
                connect("stdio", "legacy", root=made.folder, env=env, sampling_callback=tally.own_model)
            )
        )
        for each in clients:
            await each.list_tools()
        for each in clients:  # what serves from the beginning has served before
            for op_class in CLASSES:
                await each.call_tool("triage_incident", {"text": LOG, "operation_class": op_class.value})
        psutil.cpu_percent()
        async with anyio.create_task_group() as group:
            group.start_soon(load, clients, rate, tally, stage, stop)
            await anyio.sleep(quiet)
            for arguments in (
                ("start", "--set", "BEDROCK_SUPPORT_MAX_CALL_SECONDS=40"),
                ("rollback", "immediate"),
                ("rollback", "full"),
                ("rollback", "partial"),
                ("rollback", "full"),
            ):
                stage[0] = " ".join(arguments[:2])
                before = tally.made
                seconds, code, said = await to_thread.run_sync(act, made, *arguments)
                promised = {"immediate": 10.0, "full": 60.0}.get(arguments[-1])
                good = code == 0 and (promised is None or seconds <= promised)
                bad += not good
                print(f"{stage[0]:35} {seconds:6.2f} s, {tally.made - before} calls meanwhile, exit {code}", flush=True)
                if not good:
                    print(said)
                await anyio.sleep(quiet)
            busy = psutil.cpu_percent()
            stop.set()
    print(f"the machine's {psutil.cpu_count()} cores were {busy:.0f} % busy, clients and sandbox included")
    print(f"{tally.made} calls: {len(tally.failed)} failed, {len(tally.late)} late, slowest {tally.slowest:.2f} s")
    for each in (tally.failed + tally.late)[:10]:
        print(f"  {each}")
    return bad + len(tally.failed) + len(tally.late)


def phases(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "evidence.sqlite")) as db:
        rows = db.execute("SELECT phase, state, at FROM transitions ORDER BY id").fetchall()
    begun: dict[str, float] = {}
    for phase, state, at in rows:
        if state == "begun":
            begun[phase] = at
        elif state in {"done", "failed"} and phase in begun:
            print(f"  {phase:14} {at - begun.pop(phase):6.2f} s {state}")


def attempts_by_decision(trail: Path) -> dict[str, int]:
    """From the trail: how often each decision asked Bedrock."""
    found: dict[str, int] = {}
    with reading(AuditFiles(folder=trail).log) as db:
        for (body,) in db.execute("SELECT body FROM records WHERE body ->> '$.type' = 'closed'"):
            record: dict[str, Any] = json.loads(body)
            if decision := record.get("decision"):
                asked = sum(each.get("route") == "direct" for each in record["attempts"])
                found[decision] = found.get(decision, 0) + asked
    return found


def twice(folder: Path, sandbox: str, tally: Tally) -> int:
    """Calls that were carried out more often than their caller was told."""
    calls: list[dict[str, Any]] = httpx2.get(f"{sandbox}/_sandbox/calls", trust_env=False, timeout=120).json()["calls"]
    if len(calls) >= MOST_CALLS:
        print(f"the sandbox remembers no more than {MOST_CALLS} requests: what came twice is not known")
        return 1
    asked: Counter[str] = Counter()
    for each in calls:
        if each["operation"] in ("converse", "converse-stream"):
            asked.update(set(MARK.findall(json.dumps(each["body"]))))
    known = attempts_by_decision(folder / "audit")
    more = [name for name, count in asked.items() if count > known.get(tally.decided.get(name, ""), 0)]
    again = [name for name, count in tally.sampled.items() if count > 1]
    repeated = sum(count > 1 for count in asked.values())
    print(
        f"{len(asked)} calls reached Bedrock in {asked.total()} requests ({repeated} by several attempts of their own "
        f"decision), {len(tally.sampled)} an agent's model; {len(more) + len(again)} came twice"
    )
    for name in [*more, *again][:10]:
        print(f"  {name}: {asked[name]} requests, decision {tally.decided.get(name)}, {tally.sampled[name]} sampled")
    return len(more) + len(again) + (not asked)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=50.0, help="calls a second, all clients together")
    parser.add_argument("--seconds", type=float, default=6.0, help="of load between two acts")
    arguments = parser.parse_args()
    sandbox = Running(["sandbox", "--port", "0"], environment())
    try:
        with tempfile.TemporaryDirectory() as name:
            folder, tally = Path(name), Tally()
            sandbox_url = sandbox.url().rstrip("/")
            with rig(folder, sandbox_url, BEDROCK_SUPPORT_AUDIT=str(folder / "audit")) as made:
                bad = anyio.run(measured, made, arguments.rate, arguments.seconds, tally)
            phases(folder)
            bad += twice(folder, sandbox_url, tally)
    finally:
        sandbox.end()
    print("PASS" if not bad else f"FAIL: {bad}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
