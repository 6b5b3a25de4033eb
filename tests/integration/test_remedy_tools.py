"""Plans, trials and long calls through the official client, in both eras."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

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
from tests.remedy_rig import EDIT, PATCH, SHOP, WRONG, everything, project
from tests.rig import Era, connect, environment, told, words

both_eras = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
SLOW = """
import time
from shop.money import add

def test_slowly():
    time.sleep(6)
    assert add(2, 3) == 5
"""


def model(*edits: dict[str, Any]) -> Any:
    """A client's model that proposes these edits."""

    async def answer(_: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
        text = TextContent(type="text", text=json.dumps({"summary": "The sign is wrong (E1).", "edits": edits}))
        return CreateMessageResult(role="assistant", content=text, model="the-clients-model", stop_reason="endTurn")

    return answer


def user(asked: list[str], *, agrees: bool = True) -> Any:
    """A client's user."""

    async def answer(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": agrees})

    return answer


@promise("remedy:over-mcp", "remedy:approval")
@both_eras
async def test_a_client_plans_approves_and_sees_its_tests_pass(era: Era, tmp_path: Path) -> None:
    before = everything(project(tmp_path))
    asked: list[str] = []
    with anyio.fail_after(60):
        async with connect(
            "stdio",
            era,
            root=tmp_path,
            env=environment(),
            sampling_callback=model(EDIT),
            elicitation_callback=user(asked),
        ) as client:
            result = told(await client.call_tool("plan_remediation", {"findings": [WRONG], "apply": True}))
    assert result["status"] == "ok"
    assert result["model"]["id"] == "the-clients-model"
    (step,) = result["steps"]
    assert step["patches"][0]["by"] == "proposed"
    assert result["trial"]["verdict"] == "passed"
    assert "1 passed" in result["trial"]["runs"][0]["output"]
    assert len(asked) == 1
    assert "throw-away git worktree" in asked[0]
    assert everything(tmp_path) == before


@promise("remedy:approval", "remedy:hostile")
@both_eras
async def test_without_elicitation_it_is_refused_and_hostile_edits_are_dropped(era: Era, tmp_path: Path) -> None:
    before = everything(project(tmp_path))
    hostile = [
        EDIT | {"file": "shop/cart.py", "old": "found = 0", "new": "import os; os.system('true')"},
        EDIT | {"file": "shop/nowhere.py"},
        EDIT | {"file": "tests/test_money.py", "old": "== 5", "new": "== -1"},
    ]
    with anyio.fail_after(60):
        async with connect("stdio", era, root=tmp_path, env=environment(), sampling_callback=model(*hostile)) as client:
            result = told(
                await client.call_tool("plan_remediation", {"findings": [WRONG], "apply": True, "patch": PATCH})
            )
            planned = told(await client.call_tool("plan_remediation", {"findings": [WRONG]}))
    assert result["trial"]["verdict"] == "refused"
    assert "client with elicitation" in result["trial"]["note"]
    assert result["steps"][0]["patches"][0]["diff"] == PATCH
    assert planned["steps"][0]["patches"] == []
    assert sum("no finding is about" in each for each in planned["limits"]) == len(hostile)
    assert everything(tmp_path) == before


@promise("remedy:over-mcp")
async def test_an_agent_that_is_handed_the_question_gives_its_own_patch(tmp_path: Path) -> None:
    project(tmp_path)
    with anyio.fail_after(60):
        async with connect("stdio", "2026-07-28", root=tmp_path, env=environment()) as client:
            result = told(await client.call_tool("plan_remediation", {"findings": [WRONG]}))
            assert result["status"] == "awaiting_answer"
            assert any("call again with patch" in each for each in result["limits"])
            mine = told(await client.call_tool("plan_remediation", {"findings": [WRONG], "patch": PATCH}))
            assert mine["steps"][0]["patches"][0]["by"] == "yours"


@promise("operation:handle", "operation:result")
@both_eras
async def test_a_trial_that_outlasts_its_call_goes_on(era: Era, tmp_path: Path) -> None:
    before = everything(project(tmp_path, SHOP | {"tests/test_slow.py": SLOW}))
    env = environment(BEDROCK_SUPPORT_MAX_CALL_SECONDS="6")
    with anyio.fail_after(90):
        async with connect("stdio", era, root=tmp_path, env=env, elicitation_callback=user([])) as client:
            given = {"findings": [WRONG], "patch": PATCH, "apply": True}
            answer = await client.call_tool("plan_remediation", given)
            handle = told(answer)
            assert handle["status"] == "running"
            assert handle["operation_id"] in words(answer)
            unknown = await client.call_tool("get_operation", {"operation_id": "op-0"})
            assert unknown.is_error
            assert "operation_id = 'op-0'" in words(unknown)
            ahead = told(await client.call_tool("get_operation", {"operation_id": handle["operation_id"], "wait_s": 0}))
            assert (ahead["status"], ahead["tool"]) == ("running", "plan_remediation")
            assert "worktree" in ahead["progress"]["message"]
            result, last = ahead, answer
            while result["status"] == "running":
                last = await client.call_tool("get_operation", {"operation_id": handle["operation_id"]})
                result = told(last)
    assert result["trial"]["verdict"] == "passed", result
    assert "2 passed" in words(last)
    assert "words" not in result
    assert everything(tmp_path) == before


@promise("operation:shutdown")
async def test_an_operation_ends_with_its_server_and_leaves_nothing(tmp_path: Path) -> None:
    slow = SLOW.replace("time.sleep(6)", "time.sleep(600)")
    before = everything(project(tmp_path, SHOP | {"tests/test_slow.py": slow}))
    env = environment(BEDROCK_SUPPORT_MAX_CALL_SECONDS="4")
    with anyio.fail_after(60):
        async with connect("stdio", "2026-07-28", root=tmp_path, env=env, elicitation_callback=user([])) as client:
            given = {"findings": [WRONG], "patch": PATCH, "apply": True}
            assert told(await client.call_tool("plan_remediation", given))["status"] == "running"
            # Who names a time wants an answer by then: nothing goes on.
            late = told(await client.call_tool("plan_remediation", given | {"deadline_s": 4}))
            assert late["trial"]["runs"][0]["late"] is True
    assert everything(tmp_path) == before


@promise("prompt:chains")
async def test_prompts_name_tools_and_arguments_that_there_are(tmp_path: Path) -> None:
    given: dict[str, dict[str, str]] = {
        "incident": {"logs": "app.log", "symptom": "500s", "metrics": "metrics.csv"},
        "spec-review": {"spec": "checkout", "path": "."},
        "weekly-health": {"path": ".", "records": "spool"},
    }
    with anyio.fail_after(30):
        async with connect("stdio", "2026-07-28", root=tmp_path, env=environment()) as client:
            tools = {each.name: each.input_schema["properties"] for each in (await client.list_tools()).tools}
            for name, arguments in given.items():
                prompt = await client.get_prompt(name, arguments)
                text = "\n".join(str(getattr(each.content, "text", "")) for each in prompt.messages)
                called = re.findall(r"\b(?:[Cc]all|and) ([a-z]+(?:_[a-z]+)+)", text)
                assert len({*called}) >= 3
                assert {*called} <= tools.keys()
                assert all(value in text for value in arguments.values())
                for tool, argument in re.findall(r"[Cc]all ([a-z]+(?:_[a-z]+)+) with ([a-z_]+)", text):
                    assert argument in tools[tool], (name, tool, argument)
            bare = await client.get_prompt("incident", {"logs": "app.log"})
            assert "no metrics" in str(bare.messages[0].content)
