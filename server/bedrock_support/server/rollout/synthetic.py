"""Calls that a rollout makes itself, by a real MCP client through the front door; its model is a stand-in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import httpx2
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CreateMessageRequestParams, CreateMessageResult, TextContent, TextResourceContents

from bedrock_support.routing.clock import Entropy
from bedrock_support.server.rollout.proxy import PIN
from bedrock_support.server.settings import FLAG_NAMES

STAND_IN = "rollout stand-in (no model)"
PATIENCE = 60.0
"""Seconds that one synthetic call, or the beginning of a session, may take; any class's own deadline is shorter."""
LOG = """\
2026-01-05T09:00:00Z INFO synthetic check of a rollout
2026-01-05T09:00:01Z INFO order placed
2026-01-05T09:02:00Z ERROR could not connect to database of {name}: connection refused
2026-01-05T09:02:01Z ERROR could not connect to database of {name}: connection refused
"""
WORDS = (
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron"),
    *("inlet", "juniper", "kelp", "lotus", "maple", "nettle", "otter", "pine"),
)
"""One for each hexadecimal digit: ids are nothing that two questions differ by, words are."""
NAMED_BY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What came of one call of triage_incident."""

    error: str
    """Empty when it went well."""
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def decision_id(self) -> str:
        return str(self.told.get("decision_id") or "")

    @property
    def route(self) -> str:
        return str(self.told.get("route") or "none")

    @property
    def model(self) -> Mapping[str, Any]:
        return self.told.get("model") or {}

    def as_table(self) -> dict[str, object]:
        """What is kept as evidence: nothing of the text."""
        kept = {name: self.told.get(name) for name in ("status", "route", "decision", "decision_id", "model")}
        return {**kept, "error": self.error}


class Caller:
    """One connected client. `briefs` holds what it was asked to sample."""

    def __init__(self, client: Client, briefs: list[str], scope: anyio.CancelScope) -> None:
        """`scope` is ended when one call takes too long: how many there are is no matter."""
        self._client = client
        self._scope = scope
        self.briefs = briefs

    async def triage(self, op_class: str, text: str) -> Called:
        self._again()
        result = await self._client.call_tool("triage_incident", {"text": text, "operation_class": op_class})
        told: dict[str, Any] = result.structured_content or {}
        if result.is_error or not told:
            words = " ".join(getattr(block, "text", "") for block in result.content)
            return Called(error=words[:300] or "no result")
        return Called(error="", told=told)

    async def tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Structured result; empty when the call failed."""
        self._again()
        result = await self._client.call_tool(name, dict(arguments))
        return {} if result.is_error else (result.structured_content or {})

    async def tools(self) -> list[str]:
        self._again()
        return sorted(each.name for each in (await self._client.list_tools()).tools)

    async def decision(self, decision_id: str) -> dict[str, Any]:
        return await self._resource(f"support://decisions/{decision_id}")

    async def health(self) -> dict[str, Any]:
        return await self._resource("support://health")

    async def flags(self) -> dict[str, bool]:
        """What the server says its flags are, by their names ENABLE_..."""
        return flags_of(await self.health())

    async def version(self) -> str:
        info = self._client.server_info
        return f"{info.name} {info.version}" if info else ""

    def _again(self) -> None:
        """One more call: its time begins now."""
        self._scope.deadline = anyio.current_time() + PATIENCE

    async def _resource(self, uri: str) -> dict[str, Any]:
        self._again()
        contents = (await self._client.read_resource(uri)).contents
        text = contents[0].text if contents and isinstance(contents[0], TextResourceContents) else "{}"
        told: Any = json.loads(text)
        return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def flags_of(health: Mapping[str, Any]) -> dict[str, bool]:
    """The flags in what support://health said, by their names ENABLE_..."""
    told = cast("dict[str, Any]", health.get("flags") or {})
    return {name: bool(told[attribute]) for attribute, name in FLAG_NAMES.items() if attribute in told}


def log_text(entropy: Entropy) -> str:
    """A log that nobody has asked about before, so that no remembered answer serves."""
    token = entropy.token()
    digits = hashlib.sha256(token.encode()).hexdigest()[:NAMED_BY]
    return LOG.format(name=" ".join(WORDS[int(digit, 16)] for digit in digits))


@asynccontextmanager
async def calling(url: str, worker: str = "", token: str = "") -> AsyncGenerator[Caller]:
    """A client with a session of its own, with a worker by name if one is given; `token` is what it shows.

    Raises:
        Unreachable: nothing answered, at the beginning or in the middle.
    """
    briefs: list[str] = []
    headers = shown(token) | ({PIN: worker} if worker else {})

    async def sample(context: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
        block = params.messages[-1].content
        briefs.append(block.text if isinstance(block, TextContent) else "")
        answer: dict[str, object] = {
            "summary": "Stand-in answer of a rollout's synthetic call.",
            "causes": [],
            "next_steps": [],
        }
        text = TextContent(type="text", text=json.dumps(answer))
        return CreateMessageResult(role="assistant", content=text, model=STAND_IN, stop_reason="endTurn")

    scope = anyio.CancelScope(deadline=anyio.current_time() + PATIENCE)
    try:
        with scope:
            async with (
                httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(PATIENCE), trust_env=False) as http,
                Client(
                    streamable_http_client(url, http_client=http), mode="legacy", sampling_callback=sample
                ) as client,
            ):
                yield Caller(client, briefs, scope)
    except* Exception as group:
        raise Unreachable(_worded(group)) from group
    if scope.cancelled_caught:
        raise Unreachable(f"no answer within {PATIENCE:.0f} s")


def shown(token: str) -> dict[str, str]:
    """The header that shows a bearer token; none for an empty one."""
    return {"authorization": f"Bearer {token}"} if token else {}


class Unreachable(Exception):
    """A synthetic call could not be made."""


def _worded(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        found = cast("BaseExceptionGroup[BaseException]", error)
        error = found.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]
