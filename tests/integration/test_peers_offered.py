"""Peers' tools offered through our own server, and their requests bridged to its clients: era by era."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.subscriptions import InMemorySubscriptionBus
from mcp.types import (
    CallToolResult,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    InputRequiredResult,
    ListRootsResult,
    Root,
    TextContent,
    Tool,
    ToolListChangedNotification,
)
from pydantic import FileUrl

from bedrock_support.routing.clock import SystemEntropy
from bedrock_support.server.peers.offer import PeerTools
from bedrock_support.server.peers.pool import PeerPool
from bedrock_support.server.rounds import Rounds, open_rounds
from tests.peer_rig import entry, http_peer
from tests.peer_rig_pool import CLOCK, Entries, peers, until
from tests.promises import promise
from tests.rig import Era, words

ERAS = get_args(Era)
every_pair = pytest.mark.parametrize(("downstream", "upstream"), [(d, u) for d in ERAS for u in ERAS])


@pytest.fixture(scope="module")
def web_peer() -> Iterator[str]:
    with http_peer() as (url, _):
        yield url


class Offering(MCPServer[Rounds]):
    """A server that merges the peers' tools into its own."""

    def __init__(self, tools: PeerTools, bus: InMemorySubscriptionBus) -> None:
        self.peer_tools = tools

        @asynccontextmanager
        async def lifespan(_: MCPServer[Rounds]) -> AsyncGenerator[Rounds]:
            async with open_rounds(SystemEntropy()) as rounds:
                yield rounds

        super().__init__("offering", lifespan=lifespan, middleware=[tools.watch], subscriptions=bus, log_level="ERROR")
        self.add_tool(own)

    async def list_tools(self) -> list[Tool]:
        return await super().list_tools() + self.peer_tools.listed()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Rounds, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        if context is not None and self.peer_tools.has(name):
            return await self.peer_tools.call(name, arguments, context)
        return await super().call_tool(name, arguments, context)


async def own() -> str:
    """A tool of the server's own."""
    return "own"


def hide(text: str) -> str:
    return text.replace("secret", "[hidden]")


@asynccontextmanager
async def offering(folder: Path, entries: Entries, audit: Any = None) -> AsyncGenerator[tuple[Offering, PeerPool]]:
    """A server with running peers, all of whose tools are known."""
    async with peers(folder, entries, clean=hide) as pool, anyio.create_task_group() as group:
        bus = InMemorySubscriptionBus()
        tools = PeerTools(pool, CLOCK, SystemEntropy(), 20.0, reserved=["it__wait"], audit=audit)
        group.start_soon(tools.run, bus)
        await until(lambda: all(peer.tools for peer in pool.offering()))
        yield Offering(tools, bus), pool
        group.cancel_scope.cancel()


class Person:
    """A client's model, user and folders."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def sample(self, context: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
        content = params.messages[0].content
        assert isinstance(content, TextContent)
        self.asked.append(content.text)
        text = TextContent(type="text", text=f"answer to {content.text}: my secret")
        return CreateMessageResult(role="assistant", content=text, model="clients-own")

    async def elicit(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        return ElicitResult(action="accept", content={"agree": True})

    async def roots(self, context: ClientRequestContext) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=FileUrl("file:///work"))])

    def to(self, server: Offering, era: str) -> Client:
        return Client(
            server,
            mode=era,
            sampling_callback=self.sample,
            elicitation_callback=self.elicit,
            list_roots_callback=self.roots,
        )


@promise("peers:bridged", "peers:bridged-clean", "peers:offered")
@every_pair
async def test_requests_of_an_upstream_reach_the_calling_client(downstream: Era, upstream: Era, tmp_path: Path) -> None:
    person = Person()
    with anyio.fail_after(30):
        async with (
            offering(tmp_path, {"it": entry("sdk", era=upstream, offer=True)}) as (server, pool),
            person.to(server, downstream) as client,
        ):
            answer = await client.call_tool("it__ask_model", {"text": "a secret"})
            assert words(answer) == "answer to a [hidden]: my [hidden]"
            assert words(await client.call_tool("it__ask_user", {"text": "may I?"})) == "True"
            assert words(await client.call_tool("it__ask_folders", {})) == "file:///work"
            assert pool.peers["it"].health().protocol == ("2025-11-25" if upstream == "legacy" else upstream)
    assert person.asked == ["a [hidden]", "[it] may I?"]


@promise("peers:bridged")
@pytest.mark.parametrize(
    ("transport", "downstream", "upstream"),
    [("http", d, u) for d in ERAS for u in ERAS] + [("stdio", era, era) for era in ERAS],
)
async def test_callers_at_once_never_get_each_others_questions(
    downstream: Era, upstream: Era, transport: str, web_peer: str, tmp_path: Path
) -> None:
    """A legacy upstream doesn't say which call it asks for."""
    it: dict[str, Any] = entry("sdk") if transport == "stdio" else {"url": web_peer}
    it["support"] = {"era": upstream, "offer": True, "connections": 3}
    people = [Person() for _ in range(6)]
    with anyio.fail_after(30):
        async with offering(tmp_path, {"it": it}) as (server, pool):

            async def call(at: int) -> None:
                async with people[at].to(server, downstream) as client:
                    for turn in range(3):
                        text = f"question {at}.{turn}"
                        assert text in words(await client.call_tool("it__ask_model", {"text": text}))

            async with anyio.create_task_group() as group:
                for at in range(len(people)):
                    group.start_soon(call, at)
            assert pool.peers["it"].health().connects <= 4
    for at, person in enumerate(people):
        assert person.asked == [f"question {at}.{turn}" for turn in range(3)]


@promise("peers:progress")
@every_pair
async def test_progress_is_passed_on_and_only_ever_rises(
    downstream: Era, upstream: Era, web_peer: str, tmp_path: Path
) -> None:
    heard: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    with anyio.fail_after(30):
        async with (
            offering(tmp_path, {"it": {"url": web_peer, "support": {"era": upstream, "offer": True}}}) as (server, _),
            Client(server, mode=downstream) as client,
        ):
            assert words(await client.call_tool("it__steps", {}, progress_callback=hear)) == "done"
    assert heard == [(done, f"[it] [hidden] {done}") for done in (1, 3, 4)]


@promise("peers:by-policy", "peers:mirrored")
@every_pair
async def test_a_client_that_can_do_nothing_isnt_asked(
    downstream: Era, upstream: Era, web_peer: str, tmp_path: Path
) -> None:
    with anyio.fail_after(30):
        async with (
            offering(tmp_path, {"it": {"url": web_peer, "support": {"era": upstream, "offer": True}}}) as (server, _),
            Client(server, mode=downstream) as client,
        ):
            answer = await client.call_tool("it__ask_model", {"text": "a secret"})
            assert answer.is_error
            assert words(await client.call_tool("it__echo", {"text": "a secret"})) == "a [hidden]"


@promise("peers:bridged-bounded")
async def test_a_peer_that_asks_without_end_is_answered_eight_times(tmp_path: Path) -> None:
    person = Person()
    with anyio.fail_after(20):
        async with (
            offering(tmp_path, {"it": entry("asks", offer=True)}) as (server, _),
            person.to(server, "legacy") as client,
        ):
            assert words(await client.call_tool("it__echo", {})) == "8"
    assert person.asked == ["[hidden] question"] * 8


@promise("peers:offered")
@pytest.mark.parametrize("era", ERAS)
async def test_offered_tools_are_listed_in_order_and_stay_while_their_peer_is_down(
    era: Era, web_peer: str, tmp_path: Path
) -> None:
    entries: dict[str, dict[str, Any]] = {
        "it": {"url": web_peer, "support": {"offer": True}, "disabledTools": ["ask_user"]},
        "broken": entry("crash", offer=True),
        "quiet": entry("echo"),
    }
    with anyio.fail_after(20):
        async with (
            offering(tmp_path, entries) as (server, pool),
            Client(server, mode=era) as client,
        ):
            listed = (await client.list_tools()).tools
            expected = ["own", "broken__change", "broken__echo", "it__ask_folders", "it__ask_model", "it__echo"]
            expected += ["it__fail", "it__grow", "it__steps"]
            assert [tool.name for tool in listed] == expected
            assert "it__wait is too long or taken" in json.dumps(server.peer_tools.notes())
            echo = listed[2]
            assert echo.description == "[from broken] Says it again."
            assert echo.annotations is not None
            assert echo.annotations.destructive_hint is True
            assert words(await client.call_tool("own")) == "own"
            for _ in range(6):
                failed = await client.call_tool("broken__echo", {"text": "x"})
                assert failed.is_error
                assert "peer broken" in words(failed)
            assert [tool.name for tool in (await client.list_tools()).tools] == expected
            for unknown in ("it__nothing", "it__ask_user"):
                refused = await client.call_tool(unknown, {})
                assert refused.is_error
                assert "no such tool" in words(refused)
            assert (await client.call_tool("quiet__echo", {"text": "x"})).is_error
            assert pool.peers["quiet"].health().connects == 0


@promise("peers:offered", "peers:lists-kept")
@pytest.mark.parametrize("era", ERAS)
async def test_clients_of_both_eras_hear_of_changes(era: Era, tmp_path: Path) -> None:
    heard = anyio.Event()

    async def listen(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            heard.set()

    with anyio.fail_after(20):
        async with (
            offering(tmp_path, {"it": entry("changing", offer=True)}) as (server, _),
            Client(server, mode=era, message_handler=listen) as client,
        ):
            await client.list_tools()
            if era == "legacy":
                await client.call_tool("it__change", {})
                await heard.wait()
            else:
                async with client.listen(tools_list_changed=True) as subscription:
                    await client.call_tool("it__change", {})
                    await anext(aiter(subscription))
            names = [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools]
    assert names == ["own", "it__change", "it__late"]


class Trail:
    """An audit trail that can be full."""

    def __init__(self, *, full: bool) -> None:
        self.full = full
        self.entries: list[tuple[str, str]] = []

    async def relayed(self, peer: str, tool: str, arguments: str, caller: str) -> None:
        if self.full:
            raise OSError("disk full")
        self.entries.append((peer, tool))


@promise("audit:relayed")
@pytest.mark.parametrize("full", [False, True])
async def test_a_call_is_written_down_before_it_is_passed_on(full: bool, tmp_path: Path) -> None:
    trail = Trail(full=full)
    with anyio.fail_after(20):
        async with (
            offering(tmp_path, {"it": entry("changing", offer=True)}, trail) as (server, _),
            Client(server, mode="legacy") as client,
        ):
            result = await client.call_tool("it__change", {})
            names = [tool.name for tool in (await client.list_tools()).tools]
    assert result.is_error is full
    assert ("it__late" in names) is not full, "the call changes the peer's list"
    assert trail.entries == ([] if full else [("it", "change")])
