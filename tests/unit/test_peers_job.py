"""One call on a connection: whatever the peer answers, it ends with a result or a RouteError."""

from __future__ import annotations

from typing import Any, cast

import anyio
import pytest
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequest,
    CallToolResult,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    EmbeddedResource,
    InputRequiredResult,
    ListRootsRequest,
    TextContent,
    TextResourceContents,
)

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.peers.bridge import Bridge
from bedrock_support.server.peers.job import MOST_ROUNDS, Job, worded
from bedrock_support.server.peers.limits import Hostile, Meter, PeerLimits
from bedrock_support.server.peers.web import reachable
from tests.fakes import FakeClock
from tests.promises import promise


class Answering:
    """A session that gives the same answer each time."""

    def __init__(self, answer: Any) -> None:
        self.given = answer
        self.params: list[Any] = []

    async def send_request(self, request: CallToolRequest, *_: Any, **__: Any) -> Any:
        self.params.append(request.params)
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


async def job_on(session: Answering) -> Job:
    bridge = Bridge("it", None, ClientCapabilities(), str, 8)
    job = Job("it", "look", {"a": 1}, bridge, 100)
    with anyio.fail_after(10):
        await job.run(cast("ClientSession", session))
    job.fail("unused")
    return job


def text(size: int) -> TextContent:
    return TextContent(type="text", text="x" * size)


SAMPLING = CreateMessageRequest(params=CreateMessageRequestParams(messages=[], max_tokens=1))
RESOURCE = EmbeddedResource(type="resource", resource=TextResourceContents(uri="a:b", text="x" * 101))


@promise("peers:hostile")
@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (CallToolResult(content=[text(60), text(60)]), FailureKind.BAD_REPLY, "more than 100 characters"),
        (CallToolResult(content=[RESOURCE]), FailureKind.BAD_REPLY, "more than 100 characters"),
        (CallToolResult(content=[], structured_content={"a": "x" * 101}), FailureKind.BAD_REPLY, "more than 100"),
        (InputRequiredResult(input_requests={"a": SAMPLING}), FailureKind.DECLINED, "an answer that it can't have"),
        (MCPError(-32602, "no\x1bsuch"), FailureKind.INVALID_REQUEST, "error -32602: no such"),
        (MCPError(-32000, "Connection closed"), FailureKind.CONNECTION, "unused"),
        (RuntimeError("a secret"), FailureKind.BAD_REPLY, "it failed with RuntimeError"),
    ],
)
async def test_a_bad_answer_is_a_route_error(answer: Any, kind: FailureKind, said: str) -> None:
    job = await job_on(Answering(answer))
    with pytest.raises(RouteError) as raised:
        job.outcome()
    assert (raised.value.kind, said in str(raised.value)) == (kind, True)
    assert "secret" not in str(raised.value)


@promise("peers:hostile")
async def test_rounds_come_to_an_end() -> None:
    session = Answering(InputRequiredResult(input_requests={"a": ListRootsRequest()}, request_state="s"))
    job = await job_on(session)
    assert job.error is not None
    assert job.error.kind is FailureKind.BAD_REPLY
    assert len(session.params) == MOST_ROUNDS
    assert session.params[1].request_state == "s"
    assert session.params[1].input_responses["a"].roots == []


@promise("peers:hostile")
def test_the_meter_lets_a_steady_peer_pass_and_stops_a_flood() -> None:
    clock = FakeClock()
    meter = Meter(clock, PeerLimits(burst=10, per_second=5, bytes_burst=1000, bytes_per_second=100))
    for _ in range(100):
        meter.count(1, 20)
        clock.time += 0.2
    for _ in range(10):
        meter.count()
    with pytest.raises(Hostile, match="more than 10 messages"):
        meter.count()
    with pytest.raises(Hostile, match="a second"):
        Meter(clock, PeerLimits(bytes_burst=1000)).count(1, 1001)


@promise("peers:reachable")
async def test_only_addresses_of_the_right_kind_are_left() -> None:
    async def look_up(host: str, port: int) -> list[str]:
        return ["10.0.0.1", "::1", "93.184.216.34", "127.0.0.1", "93.184.216.34"]

    assert await reachable("peer.example", 443, look_up) == ["93.184.216.34"]
    assert await reachable("localhost", 80, look_up) == ["::1", "127.0.0.1"]
    assert await reachable("127.0.0.1", 80, look_up) == ["127.0.0.1"]


@promise("peers:no-secrets-told")
def test_an_exception_is_told_by_its_kind() -> None:
    group = BaseExceptionGroup("g", [ExceptionGroup("h", [ValueError("secret")])])
    assert worded(group) == "it failed with ValueError"
    assert worded(FileNotFoundError(2, "No such file or directory", "secret")) == (
        "it can't be started: No such file or directory"
    )
