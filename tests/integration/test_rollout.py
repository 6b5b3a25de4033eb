"""Rollouts over real processes: front, workers, sandbox, and the command beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio import to_thread
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from tests.promises import promise
from tests.rig import COMMAND, LOG, environment, told
from tests.rollout_rig import PATIENCE, PATIENT, rig, wait_for


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.timeout(600)
@promise("rollout:drill")
def test_a_drill_does_each_level_for_real() -> None:
    done = subprocess.run(
        [*COMMAND, "rollout", "drill", "--json"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert list(told) == ["drills"]
    assert [each["level"] for each in told["drills"]] == ["immediate", "partial", "full"]
    assert all(each["verified"] is True and set(each) == {"level", "seconds", "verified"} for each in told["drills"])
    immediate, _, full = (each["seconds"] for each in told["drills"])
    assert 0 < immediate <= 10
    assert 0 < full <= 60
    assert "SIMULATED" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@promise("rollout:phases", "rollout:six-checks", "rollout:answers", "rollout:watch")
def test_a_rollout_goes_through_seven_phases(tmp_path: Path, sandbox_url: str) -> None:
    with rig(tmp_path, sandbox_url) as made:
        old = made.workers()["blue"]["pid"]
        started = made.begin("start", "--set", "BEDROCK_SUPPORT_MAX_CALL_SECONDS=40", *PATIENT)
        wait_for(started, "preflight: begun")
        watched = [json.loads(line) for line in made.run("watch", "--json").stdout.splitlines()]
        code = started.process.wait(PATIENCE)
        started.end()
        assert code == 0, "".join(started.said)
        assert len({each["rollout"]["phase"] for each in watched}) >= 3
        assert [each["under_way"] for each in watched] == [True] * (len(watched) - 1) + [False]
        workers = made.workers()
        assert list(workers) == ["green"]
        assert workers["green"]["weight"] == 100
        assert not alive(old)
        told = made.status()
        assert told["under_way"] is False
        assert set(told["rollout"]["phases"].values()) == {"done"}
        seen = made.evidence()
        assert {phase for phase, _, _, _ in seen} == set(told["rollout"]["phases"]) - {"finish"}
        answers = {name.removeprefix("gate: ") for phase, name, _, _ in seen if phase == "monitoring"}
        assert {"p95 of generated answers", "p95 of remembered answers", "repeats answered from memory"} <= answers
        six = [(name, ok, trace[:2]) for phase, name, ok, trace in seen if phase == "validation"]
        wanted = ("MCP fallback", "audit", "cache", "compliance", "direct call", "routing decision")
        assert sorted(six) == [(name, True, "d-") for name in wanted]  # as they ended, which is in any order


@pytest.mark.timeout(600)
@promise("rollout:back")
@pytest.mark.parametrize(
    ("setting", "phase"),
    [
        ("BEDROCK_SUPPORT_RESIDENCY=mars", "components"),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:9", "health_checks"),
    ],
)
def test_what_fails_leads_back(tmp_path: Path, sandbox_url: str, setting: str, phase: str) -> None:
    with rig(tmp_path, sandbox_url) as made:
        old = made.workers()["blue"]["pid"]
        done = made.run("start", "--set", setting, *PATIENT)
        assert done.returncode == 1, done.stderr
        assert f"rolling back: {phase}" in done.stderr
        assert "rolled back, verified" in done.stderr
        assert {name: (w["pid"], w["weight"]) for name, w in made.workers().items()} == {"blue": (old, 100)}
        assert made.status()["rollout"]["state"] == "rolled_back"


@pytest.mark.timeout(600)
@promise("rollout:killed", "rollout:one-at-once")
def test_kill_9_and_then(tmp_path: Path, sandbox_url: str) -> None:
    with rig(tmp_path, sandbox_url) as made:
        running = made.begin("start", *PATIENT)
        wait_for(running, "components: begun")
        second = made.run("start", *PATIENT)
        assert second.returncode == 1
        assert "under way" in second.stderr
        wait_for(running, "slo_gates: begun")
        running.end(signal.SIGKILL)
        told = made.status()
        assert (told["rollout"]["state"], told["under_way"]) == ("interrupted", False)
        assert (told["rollout"]["phase"], told["rollout"]["phases"]["components"]) == ("slo_gates", "done")
        assert "First: rollout resume, or abort" in made.run("start", *PATIENT).stderr
        done = made.run("abort")
        assert done.returncode == 1, done.stderr
        assert list(made.workers()) == ["blue"]
        assert made.status()["rollout"]["state"] == "rolled_back"


@pytest.mark.timeout(600)
@promise("rollout:sessions")
async def test_a_session_outlives_its_worker(tmp_path: Path, sandbox_url: str) -> None:
    with rig(tmp_path, sandbox_url) as made:
        before = made.workers()["blue"]["pid"]
        planned = await to_thread.run_sync(made.run, "rollback", "partial", "--dry-run")
        assert "cannot reach AWS Bedrock. Nothing was done. Now:" in planned.stdout
        assert made.workers()["blue"]["pid"] == before
        failed, calls, most, said = list[str](), list[int](), [10_000], list[str]()

        async def call(client: Client) -> None:
            while len(calls) < most[0]:
                calls.append(1)
                result = await client.call_tool("triage_incident", {"text": LOG, "operation_class": "infrastructure"})
                if result.is_error:
                    failed.append(str(result.content))

        async with Client(made.url, mode="legacy") as client, anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(call, client)
            done = await to_thread.run_sync(made.run, "rollback", "partial")
            said.append(f"{done.returncode} {done.stdout}{done.stderr}")
            most[0] = len(calls) + 5
        assert said[0].startswith("0 "), said
        assert made.workers()["blue"]["pid"] != before
        assert not alive(before)
        assert failed == []
        assert sum(calls) > 10


@promise("rollout:loopback")
def test_no_page_of_another_host_gets_in(tmp_path: Path, sandbox_url: str) -> None:
    with rig(tmp_path, sandbox_url) as made:
        status = made.url.replace("/mcp", "/front/status")
        for url in (status, made.url):
            assert httpx2.get(url, headers={"host": "evil.example"}, trust_env=False).status_code == 421
            assert httpx2.get(url, headers={"origin": "http://evil.example"}, trust_env=False).status_code == 403
        gone = httpx2.post(
            made.url,
            json={"jsonrpc": "2.0", "id": 1, "method": "ping"},
            headers={"mcp-session-id": "unknown"},
            trust_env=False,
        )
        assert gone.status_code == 404
        assert gone.json()["id"] == 1


@pytest.mark.timeout(600)
@promise("rollout:tool")
async def test_an_agent_rolls_back_once_its_user_says_yes(tmp_path: Path, sandbox_url: str) -> None:
    answers = ["decline", "accept"]
    asked = list[str]()

    async def user(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        action: Any = answers.pop(0)
        return ElicitResult(action=action, content={"approve": True} if action == "accept" else None)

    plan = {"level": "immediate", "reason": "answers\nare wrong"}
    given = plan | {"apply": True}
    with rig(tmp_path, sandbox_url) as made:
        async with Client(made.url, mode="legacy") as plain:
            planned = told(await plain.call_tool("roll_back", plan))
            refused = told(await plain.call_tool("roll_back", given))
        assert (planned["status"], refused["status"]) == ("planned", "refused")
        assert planned["target"] == refused["target"]
        assert "elicitation" in refused["why"]
        async with Client(made.url, mode="legacy", elicitation_callback=user) as client:
            assert told(await client.call_tool("roll_back", given))["status"] == "refused"
            assert "false" not in (tmp_path / "flags.json").read_text()
            assert told(await client.call_tool("roll_back", given))["status"] == "begun"
        assert "every worker" in asked[0]
        assert "answers?are wrong" in asked[0]
        checks = dict[str, bool]()
        with anyio.fail_after(PATIENCE):
            while len(checks) < 3:  # its record is all that this process sees of it
                await anyio.sleep(0.1)
                seen = await to_thread.run_sync(made.evidence)
                checks = {name: ok for phase, name, ok, _ in seen if phase == "immediate" and ok is not None}
        assert checks == {
            "flags read back": True,
            "infrastructure call is answered by rule alone": True,
            "emergency call is answered by rule alone": True,
        }
