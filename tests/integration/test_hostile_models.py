"""Every tool that asks a model, by every carrier of answers, with no model, a slow one and hostile ones."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import CreateMessageRequestParams, CreateMessageResult, TextContent

from bedrock_support.server.sandbox.emulator import open_sandbox
from bedrock_support.server.sandbox.faults import Fault, FaultKind
from tests.judging_rig import CALLS, GHOST, HOSTILE, ORDER, judged_project
from tests.promises import promise
from tests.rig import connect, environment, told, with_bedrock

Carried = Literal["sampling", "bedrock"]
SLOW_SECONDS = 25
MOST_BYTES = 25_000
Results = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return judged_project(tmp_path_factory.mktemp("judged").resolve())


async def every(client: Client, **more: Any) -> Results:
    """All tools at once."""
    found: Results = {}

    async def one(name: str, arguments: dict[str, Any]) -> None:
        found[name] = told(await client.call_tool(name, arguments | more))

    async with anyio.create_task_group() as group:
        for name, arguments in CALLS.items():
            group.start_soon(one, name, arguments)
    return found


@asynccontextmanager
async def answered(carrier: Carried, root: Path, text: str | None) -> AsyncGenerator[Client]:
    """A client whose server has one model: it says `text`, or nothing for ever."""

    async def sampled(_: ClientRequestContext, __: CreateMessageRequestParams) -> CreateMessageResult:
        if text is None:
            await anyio.sleep_forever()
        content = TextContent(type="text", text=text or "")
        return CreateMessageResult(role="assistant", content=content, model="hostile", stop_reason="endTurn")

    if carrier == "sampling":
        async with connect("stdio", "legacy", root=root, env=environment(), sampling_callback=sampled) as client:
            yield client
        return
    async with open_sandbox() as sandbox:
        sandbox.faults.answer = text
        if text is None:
            sandbox.set(Fault(kind=FaultKind.HANG))
        env = environment(BEDROCK_SUPPORT_CALLER_MODEL="false", **with_bedrock(sandbox.url))
        async with connect("stdio", "legacy", root=root, env=env) as client:
            yield client


@pytest.fixture(scope="module")
def plain(root: Path) -> Results:
    """What every tool says where there is no model at all."""

    async def ask() -> Results:
        env = environment(BEDROCK_SUPPORT_CALLER_MODEL="false")
        async with connect("stdio", "legacy", root=root, env=env) as client:
            return await every(client)

    return anyio.run(ask)


def stands(result: dict[str, Any], plain: dict[str, Any]) -> None:
    """What rules found is all there, whatever the model said."""
    for name in ("findings", "evidence"):
        assert result[name] == plain[name]
    assert result.get("steps", [{}])[0].get("title") == plain.get("steps", [{}])[0].get("title")
    assert len(json.dumps(result).encode()) <= MOST_BYTES


@promise("judging:no-model")
def test_without_a_model_every_tool_has_its_findings_and_says_why(plain: Results) -> None:
    for name, result in plain.items():
        assert result["status"] == "degraded", name
        assert result["route"] == "local"
        assert result["model"]["used"] is False
        assert result["model"]["not_used_reason"], name
        assert result["findings"] or result["steps"], name
        assert "judgement" not in result


@promise("judging:slow-model")
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("carrier", ["sampling", "bedrock"])
async def test_a_model_that_overruns_leaves_the_local_result(carrier: Carried, root: Path, plain: Results) -> None:
    with anyio.fail_after(100):
        async with answered(carrier, root, None) as client:
            found = await every(client, deadline_s=SLOW_SECONDS)
    for name, result in found.items():
        assert result["status"] == "degraded", name
        assert result["model"]["used"] is False
        assert result["model"]["not_used_reason"]
        if name == "audit_infrastructure":  # the shorter time may have ended before an engine had
            known = {each["title"] for each in plain[name]["findings"]}
            assert {each["title"] for each in result["findings"]} <= known
            assert any(each["title"].startswith("Open") for each in result["findings"])
        else:
            stands(result, plain[name])


@promise("judging:hostile-model")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("carrier", ["sampling", "bedrock"])
@pytest.mark.parametrize("lie", HOSTILE)
async def test_findings_stand_and_lies_are_dropped_or_marked(
    carrier: Carried, lie: str, root: Path, plain: Results
) -> None:
    with anyio.fail_after(100):
        async with answered(carrier, root, HOSTILE[lie]) as client:
            found = await every(client)
    for name, result in found.items():
        stands(result, plain[name])
        assert result["model"]["used"] is True, name
        assert result["model"]["carrier"] == carrier
        judgement = result["judgement"]
        claims = judgement["summary"] + "".join(each["title"] for each in judgement["causes"])
        assert GHOST not in claims
        assert "E404" not in claims
        said = json.dumps(judgement)
        assert ORDER not in said
        assert "im_start" not in said
        assert "E999" not in said
        unsure = [*judgement["next_steps"], *(each["disproof"] for each in judgement["causes"])]
        assert all("unverified" in each for each in unsure if GHOST in each or "evil.example" in each)
        assert not any(GHOST in patch["files"] for step in result.get("steps", []) for patch in step["patches"])
        if lie in ("invented", "orders", "flood"):
            assert judgement["dropped"] > 0
            assert judgement["structured"] is True
        if lie in ("invented", "orders"):
            assert judgement["summary"].endswith("The first finding matters most (E1).")
        if lie == "orders":
            assert judgement["causes"] == []
            assert judgement["next_steps"] == []
