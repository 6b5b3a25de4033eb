"""One call on a connection, as the task that waits for it sees it."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx2
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    EmbeddedResource,
    ErrorData,
    InputRequiredResult,
    InputResponse,
    TextContent,
    TextResourceContents,
)
from pydantic import TypeAdapter, ValidationError

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.routing.spans import asking
from bedrock_support.server.callers import MISSING_CAPABILITY
from bedrock_support.server.groups import innermost
from bedrock_support.server.peers.bridge import Bridge

MOST_ROUNDS = 10
"""As in the SDK's client."""
STATE_ONLY = 0.25
"""Seconds between rounds in which the peer asks nothing."""
SESSION_OVER = "Session terminated"
"""What the SDK's transport makes of a 404 in a legacy session; it would go on so for ever."""
_RESULT: TypeAdapter[Any] = TypeAdapter(CallToolResult | InputRequiredResult)
_CODES = {
    CONNECTION_CLOSED: FailureKind.CONNECTION,
    REQUEST_TIMEOUT: FailureKind.TIMEOUT,
    INVALID_PARAMS: FailureKind.INVALID_REQUEST,
    METHOD_NOT_FOUND: FailureKind.NOT_FOUND,
    MISSING_CAPABILITY: FailureKind.NO_CARRIER,
}


class Job:
    """A tools/call that a connection's own tasks run, so that nothing of theirs reaches the caller's task."""

    def __init__(self, peer: str, tool: str, arguments: dict[str, Any], bridge: Bridge, most_text: int) -> None:
        self.scope = anyio.CancelScope()
        self.done = anyio.Event()
        self.bridge = bridge
        self.result: CallToolResult | None = None
        self.error: RouteError | None = None
        self.session_over = False
        """The server knows the connection no more."""
        self._peer = peer
        self._tool = tool
        self._arguments = arguments
        self._most_text = most_text

    def fail(self, why: str) -> None:
        """It is over. Without a result so far, the connection is to blame."""
        self.bridge.close()
        if self.result is None and self.error is None:
            self.error = RouteError(FailureKind.CONNECTION, f"peer {self._peer}: {why}")
        self.done.set()

    def outcome(self) -> CallToolResult:
        """What became of it. Raises RouteError."""
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise RouteError(FailureKind.CONNECTION, f"peer {self._peer}: its connection closed")
        return self.result

    async def run(self, session: ClientSession) -> None:
        """Make the call. Raises nothing but cancellation."""
        try:
            with asking(self._peer):
                self.result = self._bounded(await self._rounds(session))
        except RouteError as error:
            self.error = error
        except MCPError as error:
            self.session_over = error.message == SESSION_OVER
            if self.session_over:
                self.error = RouteError(FailureKind.CONNECTION, f"peer {self._peer}: its session ended")
            elif error.code == PARSE_ERROR:
                self.error = self._bad("its answer is no JSON-RPC message")
            elif error.code != CONNECTION_CLOSED:  # else the connection knows better why
                kind = _CODES.get(error.code, FailureKind.UNAVAILABLE)
                said = self.bridge.heard(error.message)
                self.error = RouteError(kind, f"peer {self._peer} answered with error {error.code}: {said}")
        except ValidationError:
            self.error = self._bad("its answer is no result of a tool")
        except Exception as error:  # noqa: BLE001 - a stranger's answer must not end the connection's task group
            self.error = self._bad(worded(error))

    async def _rounds(self, session: ClientSession) -> CallToolResult:
        """By hand, not by the SDK's call_tool: that compiles the peer's output schema, whose patterns may never end."""
        responses: dict[str, InputResponse] | None = None
        state: str | None = None
        for _ in range(MOST_ROUNDS):
            params = CallToolRequestParams(
                name=self._tool, arguments=self._arguments, input_responses=responses, request_state=state
            )
            answer: CallToolResult | InputRequiredResult = await session.send_request(
                CallToolRequest(params=params), _RESULT, progress_callback=self.bridge.progress
            )
            if isinstance(answer, CallToolResult):
                return answer
            state, responses = answer.request_state, {}
            for key, request in (answer.input_requests or {}).items():
                given = await self.bridge.answer(request)
                if isinstance(given, ErrorData):
                    why = f"peer {self._peer} needs an answer that it can't have: {self.bridge.heard(given.message)}"
                    raise RouteError(FailureKind.DECLINED, why)
                responses[key] = given
            if not responses:
                await anyio.sleep(STATE_ONLY)
        raise self._bad(f"it asked for more than {MOST_ROUNDS} rounds")

    def _bounded(self, result: CallToolResult) -> CallToolResult:
        size = 0
        for block in result.content:
            if isinstance(block, TextContent):
                size += len(block.text)
            elif isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents):
                size += len(block.resource.text)
        if result.structured_content is not None:
            size = max(size, len(json.dumps(result.structured_content)))  # mostly the same, once more
        if size > self._most_text:
            raise self._bad(f"its result has more than {self._most_text} characters; ask it for less")
        return result

    def _bad(self, why: str) -> RouteError:
        return RouteError(FailureKind.BAD_REPLY, f"peer {self._peer}: {why}")


def worded(error: BaseException) -> str:
    """An exception in a few words that are safe to show: nothing of what it carries but codes and kinds."""
    error = innermost(error)
    if isinstance(error, MCPError):
        return "its connection closed" if error.code == CONNECTION_CLOSED else f"it answered with error {error.code}"
    if isinstance(error, httpx2.ConnectError):
        return "nobody answers at its address"
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long to answer"
    if isinstance(error, OSError):
        return f"it can't be started: {error.strerror or type(error).__name__}"
    return f"it failed with {type(error).__name__}"
