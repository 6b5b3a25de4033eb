"""The calling client as the router sees it: one set of questions, whatever protocol era carries them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import anyio
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp.types import (
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    CreateMessageResultWithTools,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InitializeRequestParams,
    InputRequest,
    InputResponse,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import ValidationError

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.mcp_router import CallerAbilities
from bedrock_support.routing.model import Carrier, FailureKind, Operation, Reply
from bedrock_support.routing.redaction import blanked

MODEL_NAME = 200
"""Characters kept of what the client calls its model."""
ROOTS_PATIENCE = 1.0
"""Seconds: a client that doesn't say its folders may not use up an emergency's time."""
METHOD_NOT_FOUND = -32601
CONNECTION_CLOSED = -32000
MISSING_CAPABILITY = -32021
USER_REJECTED = -1
"""The code that the specification's examples give for a sampling request the user turned down."""

_CODES = {
    METHOD_NOT_FOUND: FailureKind.NO_CARRIER,
    MISSING_CAPABILITY: FailureKind.NO_CARRIER,
    CONNECTION_CLOSED: FailureKind.CONNECTION,
    USER_REJECTED: FailureKind.DECLINED,
}
_RESULTS: dict[str, type[CreateMessageResult] | type[ElicitResult] | type[ListRootsResult]] = {
    "sampling/createMessage": CreateMessageResult,
    "elicitation/create": ElicitResult,
    "roots/list": ListRootsResult,
}
_CONFIRM = {
    "type": "object",
    "properties": {"approve": {"type": "boolean", "title": "Approve", "description": "Go ahead?"}},
    "required": ["approve"],
}


class Channel(Protocol):
    """How a question travels to the client and its answer back."""

    async def request(self, request: InputRequest) -> InputResponse: ...

    async def progress(self, done: float, total: float, message: str) -> None: ...


class LiveChannel:
    """Eras up to 2025-11-25: a JSON-RPC request of our own, on the stream of the call it belongs to."""

    def __init__(self, context: ServerRequestContext[Any, Any]) -> None:
        self._context = context

    async def request(self, request: InputRequest) -> InputResponse:
        # Without the related id the request goes to the standalone stream and is lost if none is open.
        metadata = ServerMessageMetadata(related_request_id=self._context.request_id)
        return await self._context.session.send_request(request, _RESULTS[request.method], metadata=metadata)

    async def progress(self, done: float, total: float, message: str) -> None:
        await self._context.session.report_progress(done, total, message)


class ClientCaller:
    """A calling client. Implements routing's Caller."""

    def __init__(self, capabilities: ClientCapabilities | None, channel: Channel, key: str) -> None:
        self.key = key
        self._channel = channel
        self._lists_roots = capabilities is not None and capabilities.roots is not None
        self.abilities = CallerAbilities(
            sampling=capabilities is not None and capabilities.sampling is not None,
            elicitation=_elicits_forms(capabilities),
        )

    async def sample(self, operation: Operation) -> Reply:
        request = CreateMessageRequest(
            params=CreateMessageRequestParams(
                messages=[SamplingMessage(role="user", content=TextContent(type="text", text=operation.brief))],
                system_prompt=operation.system,
                max_tokens=operation.max_tokens,
            )
        )
        answer = await self._ask(request)
        if not isinstance(answer, CreateMessageResult | CreateMessageResultWithTools):
            raise RouteError(FailureKind.BAD_REPLY, "the client answered a sampling request with something else")
        blocks = answer.content if isinstance(answer.content, list) else [answer.content]
        text = "\n".join(block.text for block in blocks if isinstance(block, TextContent))
        if not text.strip():
            raise RouteError(FailureKind.BAD_REPLY, "the client's model answered without text")
        return Reply(
            text=text,
            model=blanked(answer.model[:MODEL_NAME]),  # the client's word, which the trail would keep
            carrier=Carrier.SAMPLING,
            stop_reason=str(answer.stop_reason or ""),
        )

    async def elicit(self, message: str) -> bool:
        request = ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=_CONFIRM))
        answer = await self._ask(request)
        return (
            isinstance(answer, ElicitResult)
            and answer.action == "accept"
            and (answer.content or {}).get("approve") is True
        )

    async def roots(self) -> tuple[Path, ...]:
        """The client's workspace folders on this machine; empty when it names none or won't say."""
        if not self._lists_roots:
            return ()
        try:
            with anyio.fail_after(ROOTS_PATIENCE):
                answer = await self._ask(ListRootsRequest())
        except (RouteError, TimeoutError):
            return ()
        if not isinstance(answer, ListRootsResult):
            return ()
        named = [path for root in answer.roots if (path := _local(str(root.uri))) is not None]
        # A workspace may well be a link; paths are held against their real place.
        return await anyio.to_thread.run_sync(lambda: tuple(path.resolve() for path in named))

    async def _ask(self, request: InputRequest) -> InputResponse:
        try:
            return await self._channel.request(request)
        except MCPError as error:
            kind = _CODES.get(error.code, FailureKind.UNAVAILABLE)
            raise RouteError(kind, f"the client answered {request.method} with error {error.code}") from error
        except ValidationError as error:
            raise RouteError(FailureKind.BAD_REPLY, f"the client's answer to {request.method} is malformed") from error


def key_of(headers: Mapping[str, str] | None, client: InitializeRequestParams | None) -> str:
    """Tells clients apart without naming them: a session where there is one, else what the client calls itself."""
    if headers is None:
        return "stdio"
    session = headers.get("mcp-session-id")
    name = f"{client.client_info.name}/{client.client_info.version}" if client else "unnamed"
    return hashlib.sha256((session or name).encode()).hexdigest()[:12]


def _elicits_forms(capabilities: ClientCapabilities | None) -> bool:
    """Form mode is meant when no mode is named, as before modes existed."""
    if capabilities is None or capabilities.elicitation is None:
        return False
    modes = capabilities.elicitation
    return modes.form is not None or modes.url is None


def _local(uri: str) -> Path | None:
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    return Path(unquote(parts.path))
