"""Every transport serves every era with every carrier, through the official client."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest
from mcp.client import ClientRequestContext
from mcp.types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    TextContent,
)

from tests.promises import promise
from tests.rig import Era, Transport, connect, told, words

ANSWER = {
    "summary": "the database went away",
    "causes": [
        {"title": "database down", "evidence_ids": ["E1"], "confidence": 0.8, "disproof": "it answers"},
        {"title": "invented", "evidence_ids": ["E999"], "confidence": 0.9, "disproof": ""},
    ],
    "next_steps": ["look at the database"],
}
TRANSPORTS = get_args(Transport)
ERAS = get_args(Era)
every_pair = pytest.mark.parametrize(("transport", "era"), [(t, e) for t in TRANSPORTS for e in ERAS])


async def client_model(_: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
    """The client's model: it was really given the brief."""
    block = params.messages[-1].content
    assert isinstance(block, TextContent)
    assert "connection refused" in block.text
    text = TextContent(type="text", text=json.dumps(ANSWER))
    return CreateMessageResult(role="assistant", content=text, model="the-clients-model", stop_reason="endTurn")


@promise("server:every-carrier")
@every_pair
async def test_sampling(
    transport: Transport, era: Era, http_servers: dict[Transport, str], approving: dict[str, str], log_root: Path
) -> None:
    with anyio.fail_after(30):
        async with connect(
            transport, era, root=log_root, env=approving, url=http_servers[transport], sampling_callback=client_model
        ) as client:
            result = told(await client.call_tool("triage_incident", {"path": "shop.log"}))
    assert result["status"] == "ok"
    assert result["route"] == "mcp"
    assert result["model"]["used"] is True
    assert result["model"]["id"] == "the-clients-model"
    assert result["model"]["carrier"] == "sampling"
    assert result["judgement"]["summary"] == "the database went away"
    assert [cause["title"] for cause in result["judgement"]["causes"]] == ["database down"]
    assert result["judgement"]["dropped"] == 1


@promise("server:every-carrier", "server:approval")
@every_pair
@pytest.mark.parametrize("agrees", [True, False])
async def test_elicitation(
    transport: Transport,
    era: Era,
    agrees: bool,
    http_servers: dict[Transport, str],
    approving: dict[str, str],
    log_root: Path,
) -> None:
    questions: list[str] = []

    async def user(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        questions.append(params.message)
        return ElicitResult(action="accept", content={"approve": agrees})

    arguments = {"path": "shop.log", "operation_class": "infrastructure"}
    with anyio.fail_after(30):
        async with connect(
            transport, era, root=log_root, env=approving, url=http_servers[transport], elicitation_callback=user
        ) as client:
            result = told(await client.call_tool("triage_incident", arguments))
    assert len(questions) == 1
    assert "AWS Bedrock" in questions[0]
    if agrees:
        assert (result["route"], result["model"]["carrier"]) == ("direct", "bedrock")
        assert result["model"]["simulated"] is True
    else:
        assert result["status"] == "awaiting_answer"


@promise("server:every-carrier")
@every_pair
async def test_handoff(
    transport: Transport, era: Era, http_servers: dict[Transport, str], approving: dict[str, str], log_root: Path
) -> None:
    with anyio.fail_after(30):
        async with connect(transport, era, root=log_root, env=approving, url=http_servers[transport]) as client:
            handed = told(await client.call_tool("triage_incident", {"path": "shop.log"}))
            assert handed["status"] == "awaiting_answer"
            assert "connection refused" in handed["handoff"]["brief"]
            handoff_id = handed["handoff"]["handoff_id"]
            wrong: dict[str, Any] = {"handoff_id": handoff_id, "answer": {"summary": 7}}
            refused = await client.call_tool("complete_handoff", wrong)
            assert refused.is_error
            assert "answer.summary = 7" in words(refused)
            done = told(await client.call_tool("complete_handoff", {"handoff_id": handoff_id, "answer": ANSWER}))
            again = await client.call_tool("complete_handoff", {"handoff_id": handoff_id, "answer": ANSWER})
            decision = await client.read_resource(f"support://decisions/{handed['decision_id']}")
    assert done["judgement"]["summary"] == "the database went away"
    assert done["judgement"]["dropped"] == 1
    assert again.is_error
    assert "no open question" in words(again)
    assert "answered_after_seconds" in str(decision.contents[0])


@promise("gate:restores")
async def test_an_agent_that_answers_later_gets_its_own_values_back(approving: dict[str, str], tmp_path: Path) -> None:
    text = "2026-01-05T09:02:00Z ERROR mail to erika.mustermann@example.org failed\n" * 3
    with anyio.fail_after(30):
        async with connect("stdio", "2026-07-28", root=tmp_path, env=approving) as client:
            handed = told(await client.call_tool("triage_incident", {"text": text}))
            mark = re.search(r"\[\[EMAIL_1_[0-9a-f]{8}\]\]", handed["handoff"]["brief"])
            assert mark
            assert "erika" not in handed["handoff"]["brief"]
            answer = {**ANSWER, "summary": f"{mark[0]} is unknown, and so is [[EMAIL_7_00000000]]"}
            given = {"handoff_id": handed["handoff"]["handoff_id"], "answer": answer}
            done = told(await client.call_tool("complete_handoff", given))
    assert done["judgement"]["summary"] == "erika.mustermann@example.org is unknown, and so is [[EMAIL_7_00000000]]"
