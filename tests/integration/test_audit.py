"""The audit trail of a real server, seen through the command; and after kill -9 of its writers."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path

import anyio
import pytest

from benchmarks.audit_crash import run as crash
from tests.integration.test_peers_served import listing
from tests.promises import promise
from tests.rig import COMMAND, LOG, connect, environment, told, words


def command(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """bedrock-support audit ..."""
    return subprocess.run(
        [*COMMAND, "audit", *arguments], env=env, capture_output=True, text=True, timeout=50, check=False
    )


@promise("audit:command", "audit:closed", "audit:export", "audit:prove")
async def test_a_call_is_in_the_trail_and_the_command_does_what_operators_need(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(LOG)
    env = environment(BEDROCK_SUPPORT_AUDIT=str(tmp_path / "trail"), BEDROCK_SUPPORT_SUBJECT="anna@example.org")
    nothing = await anyio.to_thread.run_sync(partial(command, env, "verify"))
    assert (nothing.returncode, "there is no audit trail" in nothing.stderr) == (3, True)
    async with connect("stdio", "legacy", root=tmp_path, env=env) as client:
        await client.call_tool("triage_incident", {"path": "app.log", "operation_class": "emergency"})
    await anyio.to_thread.run_sync(_looked_into, env, tmp_path)


def _looked_into(env: dict[str, str], folder: Path) -> None:
    run = partial(command, env)
    verified = run("verify", "--json")
    assert verified.returncode == 0, verified.stderr
    verdict = json.loads(verified.stdout)
    assert (verdict["good"], verdict["records"], verdict["anchored"]) == (True, 2, 2)
    opened, closed = (json.loads(line) for line in run("show", "--json").stdout.splitlines())
    assert (opened["type"], opened["class"], opened["routes"]) == ("opened", "emergency", ["direct", "mcp"])
    assert (closed["type"], closed["outcome"], closed["operation"]) == ("closed", "failure", opened["operation"])
    assert closed["attempts"][0]["route"] == "direct"
    assert "emergency" in run("show", "--operation", opened["operation"]).stdout
    assert run("show", "--operation", "none").returncode == 1
    events = [json.loads(line) for line in run("export", "--format", "ocsf").stdout.splitlines()]
    assert [each["class_uid"] for each in events] == [6003, 6003]
    proofs = folder / "proofs.json"
    proofs.write_text(run("prove", opened["operation"]).stdout)
    assert run("prove", "--check", str(proofs)).returncode == 0
    proofs.write_text(proofs.read_text().replace("emergency", "standard!"))
    assert run("prove", "--check", str(proofs)).returncode == 1
    assert run("prove", "--check", str(folder)).returncode == 3
    assert run("prove", "77").returncode == 1
    assert run("anchor", "--anchors", str(folder / "second")).returncode == 0
    assert len(run("export", "--subject", "anna@example.org").stdout.splitlines()) == 2
    assert run("erase", "--subject", "anna@example.org").returncode == 0
    assert run("erase", "--subject", "anna@example.org").returncode == 1
    assert run("export", "--subject", "anna@example.org").returncode == 1
    assert json.loads(run("prune", "--other-days", "9", "--json").stdout)["records"] == 0
    assert run("verify").stdout.startswith("good: 3 records")
    log = folder / "trail" / "log.db"
    log.write_bytes(log.read_bytes().replace(b'"emergency"', b'"standard!"'))
    tampered = run("verify")
    assert tampered.returncode == 1
    assert tampered.stdout.startswith("TAMPERED WITH from record 0 on")
    assert command({**env, "BEDROCK_SUPPORT_AUDIT": "off"}, "verify").returncode == 2


@promise("audit:fails-closed")
async def test_a_server_that_can_not_write_its_trail_still_gives_its_findings(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(LOG)
    (tmp_path / "file").write_text("no folder")
    env = environment(BEDROCK_SUPPORT_AUDIT=str(tmp_path / "file"))
    async with connect("stdio", "legacy", root=tmp_path, env=env) as client:
        result = told(await client.call_tool("triage_incident", {"path": "app.log", "operation_class": "emergency"}))
    assert result["status"] == "degraded"
    assert "nothing may leave without an audit entry" in json.dumps(result)
    assert "could not connect to database" in json.dumps(result)


@promise("audit:report", "audit:command")
async def test_the_report_comes_over_mcp_and_from_the_command(tmp_path: Path) -> None:
    env = environment(BEDROCK_SUPPORT_AUDIT=str(tmp_path / "trail"))
    async with connect("stdio", "2026-07-28", root=tmp_path, env=env) as client:
        made = told(await client.call_tool("compliance_report", {}))
    assert made["met"] + made["not_met"] + made["unknown"] == len(made["statements"])

    def run() -> subprocess.CompletedProcess[str]:
        report = [*COMMAND, "compliance", "report", "--json"]
        return subprocess.run(report, env=env, capture_output=True, text=True, timeout=50, check=False)

    printed = await anyio.to_thread.run_sync(run)
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["statements"][0]["id"] == "minimisation"


@promise("audit:before", "audit:fails-closed")
async def test_a_call_of_an_upstream_tool_is_recorded_before_it_leaves(tmp_path: Path) -> None:
    env = environment(
        BEDROCK_SUPPORT_PEERS=listing(tmp_path, offer=True), BEDROCK_SUPPORT_AUDIT=str(tmp_path / "trail")
    )
    async with connect("stdio", "legacy", root=tmp_path, env=env) as client:
        assert "canary" in words(await client.call_tool("good__echo", {"text": "canary"}))
    shown = await anyio.to_thread.run_sync(partial(command, env, "show", "--json"))
    (record,) = [json.loads(line) for line in shown.stdout.splitlines()]
    assert (record["type"], record["peer"], record["tool"]) == ("relayed", "good", "echo")
    assert "canary" not in shown.stdout
    (tmp_path / "file").write_text("no folder")
    closed = {**env, "BEDROCK_SUPPORT_AUDIT": str(tmp_path / "file")}
    async with connect("stdio", "legacy", root=tmp_path, env=closed) as client:
        refused = await client.call_tool("good__echo", {"text": "canary"})
    assert refused.is_error
    assert "nothing was sent" in words(refused)


@pytest.mark.slow
@promise("audit:survives-kill", "audit:shared")
def test_nothing_acknowledged_is_lost_after_15_kills(tmp_path: Path) -> None:
    """benchmarks/audit_crash.py does it two hundred times."""
    acknowledged, records = crash(15, 7, tmp_path)
    assert 100 < acknowledged <= records
