"""Requests of an upstream: passed on where the caller can and policy allows, else answered by policy."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp.types import (
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitationCapability,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    ElicitResult,
    ErrorData,
    FormElicitationCapability,
    ImageContent,
    InputRequest,
    InputResponse,
    ListRootsRequest,
    ListRootsResult,
    Root,
    RootsCapability,
    SamplingCapability,
    SamplingMessage,
    SamplingToolsCapability,
    TextContent,
    UrlElicitationCapability,
)
from pydantic import FileUrl

from bedrock_support.server.peers.bridge import MOST_TOKENS, PROMPT, Bridge, mirrored
from bedrock_support.server.peers.config import Asks
from tests.promises import promise

EVERYTHING: frozenset[Asks] = frozenset({"sampling", "elicitation", "roots"})
ABLE = ClientCapabilities(
    sampling=SamplingCapability(tools=SamplingToolsCapability()),
    elicitation=ElicitationCapability(form=FormElicitationCapability()),
    roots=RootsCapability(list_changed=True),
    extensions={"io.modelcontextprotocol/tasks": {}},
)
FORM = {"type": "object", "properties": {"a": {"type": "string", "description": "a secret"}}}


class Told:
    """A channel that remembers what it was asked."""

    def __init__(self, answer: InputResponse | Exception | None = None) -> None:
        self.asked: list[Any] = []
        self.given = answer

    async def request(self, request: InputRequest) -> InputResponse:
        self.asked.append(request)
        if isinstance(self.given, Exception):
            raise self.given
        if self.given is None:
            await anyio.sleep_forever()
        assert not isinstance(self.given, Exception | None)
        return self.given

    async def progress(self, done: float, total: float, message: str) -> None: ...


def hide(text: str) -> str:
    return text.replace("secret", "[hidden]")


def bridge(
    channel: Told | None, capabilities: ClientCapabilities = ABLE, allowed: frozenset[Asks] = EVERYTHING
) -> Bridge:
    return Bridge("it", channel, mirrored(capabilities, allowed), hide, 3)


def sampling(text: str = "a secret question", **more: Any) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    params: dict[str, Any] = {"messages": [message], "max_tokens": 10**6, "system_prompt": "secret", **more}
    return CreateMessageRequest(params=CreateMessageRequestParams(**params))


def elicitation(message: str = "your secret?\x1b[2J") -> ElicitRequest:
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=FORM))


def said(text: str) -> CreateMessageResult:
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text=text), model="m" * 999)


@promise("peers:mirrored")
def test_an_upstream_is_told_no_more_than_the_caller_can_and_policy_allows() -> None:
    told = mirrored(ABLE, EVERYTHING)
    assert told.model_dump(exclude_none=True) == {"sampling": {}, "elicitation": {"form": {}}, "roots": {}}
    assert mirrored(ABLE, frozenset({"roots"})) == ClientCapabilities(roots=RootsCapability())
    assert mirrored(None, EVERYTHING) == mirrored(ClientCapabilities(), EVERYTHING) == ClientCapabilities()


@promise("peers:bridged-clean")
async def test_texts_are_cleaned_on_their_way_and_back() -> None:
    told = Told(said("my secret"))
    answer = await bridge(told).answer(sampling(include_context="allServers", metadata={"x": "secret"}))
    assert isinstance(answer, CreateMessageResult)
    assert isinstance(answer.content, TextContent)
    assert answer.content.text == "my [hidden]"
    assert len(answer.model) == 200
    params = told.asked[0].params
    assert params.messages[0].content.text == "a [hidden] question"
    assert (params.system_prompt, params.max_tokens) == ("[hidden]", MOST_TOKENS)
    assert (params.include_context, params.metadata, params.tools) == (None, None, None)


@promise("peers:bridged-clean")
async def test_the_user_sees_who_asks() -> None:
    told = Told(ElicitResult(action="accept", content={"a": "my secret"}))
    answer = await bridge(told).answer(elicitation())
    assert answer == ElicitResult(action="accept", content={"a": "my secret"})
    assert told.asked[0].params.message == "[it] your [hidden]? [2J"
    assert told.asked[0].params.requested_schema["properties"]["a"]["description"] == "a [hidden]"


@promise("peers:bridged")
async def test_folders_are_passed_on() -> None:
    roots = ListRootsResult(roots=[Root(uri=FileUrl("file:///work"))])
    assert await bridge(Told(roots)).answer(ListRootsRequest()) == roots


@promise("peers:by-policy")
@pytest.mark.parametrize("how", ["no caller", "cannot", "not allowed", "closed"])
async def test_who_cant_be_asked_isnt(how: str) -> None:
    told = Told(said("x"))
    able = ClientCapabilities() if how == "cannot" else ABLE
    via = bridge(None if how == "no caller" else told, able, frozenset() if how == "not allowed" else EVERYTHING)
    if how == "closed":
        via.close()
    declined = await via.answer(sampling())
    assert isinstance(declined, ErrorData)
    assert await via.answer(elicitation()) == ElicitResult(action="decline")
    assert await via.answer(ListRootsRequest()) == ListRootsResult(roots=[])
    assert told.asked == []


@promise("peers:by-policy")
@pytest.mark.parametrize(
    "request_",
    [
        sampling("x" * (PROMPT + 1)),
        CreateMessageRequest(
            params=CreateMessageRequestParams(
                messages=[SamplingMessage(role="user", content=ImageContent(type="image", data="", mime_type="i/p"))],
                max_tokens=1,
            )
        ),
        ElicitRequest(params=ElicitRequestURLParams(message="go", url="https://example.com", elicitation_id="1")),
        ElicitRequest(
            params=ElicitRequestFormParams(message="?", requested_schema={"properties": {"a": {"title": "x" * 20_000}}})
        ),
    ],
    ids=["long", "image", "url-undeclared", "big-form"],
)
async def test_what_cant_be_checked_or_shown_isnt_passed_on(request_: InputRequest) -> None:
    told = Told(said("x"))
    answer = await bridge(told).answer(request_)
    assert isinstance(answer, ErrorData) or answer == ElicitResult(action="decline")
    assert told.asked == []


@promise("peers:by-policy")
async def test_an_address_is_opened_only_where_the_client_can_and_over_https() -> None:
    told = Told(ElicitResult(action="accept"))
    able = ClientCapabilities(elicitation=ElicitationCapability(url=UrlElicitationCapability()))
    for url, passed in (("http://example.com", 0), ("https://example.com", 1)):
        question = ElicitRequest(params=ElicitRequestURLParams(message="go", url=url, elicitation_id="1"))
        await bridge(told, able).answer(question)
        assert len(told.asked) == passed
    assert await bridge(told, able).answer(elicitation()) == ElicitResult(action="decline")


@promise("peers:bridged-bounded")
async def test_one_call_asks_so_often_and_no_more() -> None:
    told = Told(said("x"))
    via = bridge(told)
    answers = [await via.answer(sampling()) for _ in range(5)]
    assert [isinstance(each, CreateMessageResult) for each in answers] == [True, True, True, False, False]
    assert len(told.asked) == 3


@promise("peers:bridged-bounded")
async def test_a_question_ends_with_its_call() -> None:
    via = bridge(told := Told())
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await via.answer(sampling()))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            while not told.asked:
                await anyio.lowlevel.checkpoint()
            assert via.open == 1
            via.close()
    assert isinstance(answers[0], ErrorData)
    assert via.open == 0


@promise("peers:by-policy")
@pytest.mark.parametrize(
    "answer", [MCPError(-1, "user said secret things"), TimeoutError(), ElicitResult(action="accept")]
)
async def test_a_caller_that_gives_no_answer_tells_the_upstream_nothing(answer: Any) -> None:
    got = await bridge(Told(answer)).answer(sampling())
    assert isinstance(got, ErrorData)
    assert "secret" not in got.message
