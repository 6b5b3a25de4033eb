"""A remembered answer through the whole gate: redacted, recorded, and given in the caller's own values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.mcp_router import CallerAbilities
from bedrock_support.routing.model import Carrier, Clearance, Operation, Outcome, Reply
from bedrock_support.server.house import House
from bedrock_support.server.settings import load
from bedrock_support.server.wiring import build
from bedrock_support.telemetry.audit import reader
from bedrock_support.telemetry.audit.trail import AuditTrail
from tests.fakes import operation
from tests.promises import promise

BRIEF = "{at} ERROR 84.23.11.{host} refused anna@example.org request_id={request}"


@dataclass
class Client:
    """A client whose model repeats whom it was asked about."""

    key: str = "client"
    asked: list[Operation] = field(default_factory=list[Operation])
    abilities: CallerAbilities = field(default=CallerAbilities(sampling=True, elicitation=False))

    async def sample(self, operation: Operation) -> Reply:
        self.asked.append(operation)
        whom = operation.brief.split("refused ")[1].split(" ")[0]
        return Reply(text=f"{whom} was refused", model="own", carrier=Carrier.SAMPLING, stop_reason="endTurn")

    async def elicit(self, message: str) -> bool:
        return False


def question(number: int, host: int = 1) -> Operation:
    brief = BRIEF.format(at=f"2026-11-23T14:02:{number:02}Z", host=host, request=f"r-{1000 + number}")
    return replace(operation(brief=brief, deadline=SystemClock().now() + 30), id=f"op-{number}")


async def house(folder: Path) -> House:
    told: Mapping[str, str] = {
        "ENABLE_PERFORMANCE_OPTIMIZATION": "true",
        "BEDROCK_SUPPORT_STORE": str(folder / "store"),
        "BEDROCK_SUPPORT_AUDIT": str(folder / "audit"),
    }
    return await anyio.to_thread.run_sync(lambda: build(load(told)))


@promise("cache:gated")
async def test_a_remembered_answer_is_redacted_recorded_and_given_in_its_callers_values(tmp_path: Path) -> None:
    server, client = await house(tmp_path), Client()
    try:
        first, again, other = [await server.manager.judge(question(*each), client) for each in ((1, 1), (2, 1), (3, 2))]
        records = await anyio.to_thread.run_sync(_records, tmp_path / "audit" / "log.db")
    finally:
        await server.aclose()
    assert [each.cached is not None for each in (first, again, other)] == [False, True, False]
    assert {each.reply.text for each in (first, again, other) if each.reply} == {"anna@example.org was refused"}
    assert len(client.asked) == 2
    for each in client.asked:
        assert "anna" not in each.brief
        assert "84.23." not in each.brief
    assert again.decision is not None
    assert "anna" not in again.decision.operation.brief, "what is looked up is redacted, too"
    assert records == [(kind, f"op-{number}") for number in (1, 2, 3) for kind in ("opened", "closed")]


@promise("cache:gated")
async def test_a_remembered_answer_of_which_there_is_no_record_is_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(self: AuditTrail, clearance: Clearance, outcome: Outcome | None, caller: str) -> None:
        raise AuditUnavailable("the disk is full")

    server, client = await house(tmp_path), Client()
    try:
        assert (await server.manager.judge(question(1), client)).reply is not None
        monkeypatch.setattr(AuditTrail, "stayed", full)
        again = await server.manager.judge(question(2), client)
    finally:
        await server.aclose()
    assert again.reply is None
    assert again.refusal is not None
    assert "without an audit entry" in again.refusal.reason
    assert "the disk is full" in again.refusal.reason


def _records(log: Path) -> list[tuple[str, str]]:
    with reader.reading(log) as connection:
        told = [json.loads(row.body) for row in reader.rows(connection) if row.body]
    return [(each["type"], each["operation"]) for each in told]
