"""Calls in rounds (protocol 2026-07-28) through a front with two workers: each answer goes where it was asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import CreateMessageRequestParams, CreateMessageResult, InputRequiredResult, TextContent

from bedrock_support.server.rollout.files import RolloutFiles, Wanted
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.reader import reading
from tests.promises import promise
from tests.rig import LOG, told
from tests.rollout_rig import Rig, rig

CALLS = 3


def halved(files: RolloutFiles) -> None:
    """Want two workers, each with half of the calls: each next message then goes to the other one."""
    fleet = files.read_fleet()
    (blue,) = fleet.workers
    green = Wanted(name="green", weight=50, generation="g-second")
    files.write_fleet(replace(fleet, workers=(replace(blue, weight=50), green)))


async def ready(made: Rig, count: int) -> None:
    """Until so many workers serve; another process has no event to give us."""
    while sum(each["state"] == "ready" for each in (await to_thread.run_sync(made.workers)).values()) < count:  # noqa: ASYNC110
        await anyio.sleep(0.05)


def records(trail: Path) -> list[dict[str, Any]]:
    with reading(AuditFiles(folder=trail).log) as db:
        return [json.loads(body) for (body,) in db.execute("SELECT body FROM records")]


@pytest.mark.timeout(120)
@promise("rollout:rounds")
async def test_a_call_that_waits_for_its_client_is_taken_up_where_it_waits(tmp_path: Path, sandbox_url: str) -> None:
    trail = tmp_path / "audit"
    with rig(tmp_path, sandbox_url, BEDROCK_SUPPORT_AUDIT=str(trail)) as made:
        await to_thread.run_sync(halved, RolloutFiles(folder=tmp_path))
        await ready(made, 2)

        async def never(context: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
            raise AssertionError("the rounds are driven by hand")

        async with Client(made.url, mode="2026-07-28", sampling_callback=never) as client:
            call = partial(client.session.call_tool, "triage_incident", allow_input_required=True)
            asked: list[InputRequiredResult] = []
            for number in range(CALLS):
                first = await call({"text": f"{LOG}\nERROR lost {'x' * (number + 3)}", "operation_class": "standard"})
                assert isinstance(first, InputRequiredResult)
                asked.append(first)
            held = {name: each["waiting"] for name, each in (await to_thread.run_sync(made.workers)).items()}
            assert sum(held.values()) == CALLS
            assert min(held.values()) > 0
            for number, each in enumerate(asked):
                assert each.input_requests is not None
                text = TextContent(type="text", text=json.dumps({"summary": f"answer {number}"}))
                answer = CreateMessageResult(role="assistant", content=text, model="m", stop_reason="endTurn")
                result = await call(
                    {"text": f"{LOG}\nERROR lost {'x' * (number + 3)}", "operation_class": "standard"},
                    input_responses=dict.fromkeys(each.input_requests, answer),
                    request_state=each.request_state,
                )
                assert not isinstance(result, InputRequiredResult)
                assert told(result)["judgement"]["summary"] == f"answer {number}"
        assert not any(each["waiting"] for each in (await to_thread.run_sync(made.workers)).values())
        done = await to_thread.run_sync(records, trail)
    # Each was begun once and asked one model: nobody carried it out beside the worker that waited.
    assert [each["type"] for each in done].count("opened") == CALLS
    assert [[a["carrier"] for a in each["attempts"]] for each in done if each["type"] == "closed"] == [
        ["sampling"]
    ] * CALLS
