"""A deadline counts from the arrival of the message."""

from __future__ import annotations

from collections.abc import MutableMapping
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from pydantic import BaseModel

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.model import OperationClass
from bedrock_support.server.approving.desk import ApprovalDesk
from bedrock_support.server.arrival import Arrived, arrival, stamped
from bedrock_support.server.calls import SupportCalls, WorkPlaces
from bedrock_support.server.settings import load
from bedrock_support.server.wiring import build
from bedrock_support.tools.base import SupportTool, ToolContext, ToolInput
from tests.fakes import FakeClock
from tests.promises import promise

CLOCK = SystemClock()


class Left(BaseModel):
    seconds: float


def tool() -> SupportTool[ToolInput, Left]:
    async def run(context: ToolContext, params: ToolInput) -> Left:
        return Left(seconds=context.remaining())

    return SupportTool(
        name="left",
        title="Left",
        description="Seconds left.",
        input_model=ToolInput,
        output_model=Left,
        run=run,
        op_class=lambda _: OperationClass.EMERGENCY,
        summary=lambda each: f"{each.seconds}",
    )


async def called(request: object) -> dict[str, Any]:
    house = build(load({}))
    calls = SupportCalls(
        manager=house.manager,
        roots=(),
        fallback_roots=(),
        workers=WorkPlaces.of_this_machine(),
        operations=house.operations,
        approvals=ApprovalDesk(files=None, audit=None, clock=house.manager.clock),
        secret="",
    )
    context = SimpleNamespace(
        request_context=SimpleNamespace(request=request),
        protocol_version="2025-11-25",
        client_capabilities=None,
        headers=None,
        session=SimpleNamespace(client_params=None),
    )
    try:
        return cast("dict[str, Any]", (await calls.run(tool(), {}, cast("Any", context))).structured_content)
    finally:
        await house.aclose()


@promise("server:arrival")
@pytest.mark.parametrize("lag", [0.0, 2.0])
async def test_what_the_message_waited_for_the_loop_is_taken_off_the_deadline(lag: float) -> None:
    left = await called(Arrived(CLOCK.now() - lag))
    assert 4.0 - lag < left["seconds"] <= 5.0 - lag


@promise("server:arrival")
async def test_a_transport_that_says_nothing_starts_the_deadline_at_the_call() -> None:
    assert 4.0 < (await called(None))["seconds"] <= 5.0


@promise("server:arrival")
async def test_a_request_over_http_carries_the_time_it_came() -> None:
    clock = FakeClock()
    came = clock.now()
    seen: list[float | None] = []

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        clock.time += 3.0  # the loop was busy
        await anyio.lowlevel.checkpoint()
        seen.append(arrival(SimpleNamespace(scope=scope)))

    await stamped(app, clock)({"type": "http"}, None, None)
    assert seen == [came]
