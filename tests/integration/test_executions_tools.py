"""analyze_executions as an agent and as a shell meet it, and the hook as an agent's host starts it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from bedrock_support.server import cli, hook_spool
from bedrock_support.tools.base import InputError
from bedrock_support.tools.runs import ANALYZE, ExecutionsInput
from tests.gaps_rig import context
from tests.promises import promise
from tests.rig import COMMAND, connect, environment, told
from tests.runs_rig import Event, look, write

ROOT = Path(__file__).parents[2]
SECRET = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT" + "1vW4yZ7bC0eF3hJ6"
LOOP: list[Event] = [("read", {"path": "a"}, "x", True)] * 5
PAYLOAD: dict[str, Any] = {
    "session_id": "s-1",
    "hook_event_name": "PostToolUse",
    "cwd": "here",
    "tool_name": "execute_bash",
    "tool_input": {"command": f"curl -H 'Authorization: Bearer {SECRET}' /private/notes"},
    "tool_response": {"success": False, "text": f"refused for token {SECRET}"},
}


def command(root: Path, *arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=root,
        env=environment(**variables),
        input=given,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@promise("runs:command")
def test_the_command_gives_text_and_json_with_exit_codes(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", LOOP, "plain")
    found = command(tmp_path, "executions", "run.jsonl", "--json")
    assert found.returncode == 1, found.stderr
    (row,) = json.loads(found.stdout)["findings"]
    assert (row["pattern"], row["first_bad"], row["steps"][0]) == ("loop", "run.jsonl:2", "run.jsonl:1")
    assert command(tmp_path, "executions", ".", "--fail-on", "never").returncode == 0
    shown = command(tmp_path, "executions", ".", "--fail-on", "medium")
    assert shown.returncode == 1
    assert "run.jsonl:2" in shown.stdout
    assert "Wrong if" in shown.stdout
    assert command(tmp_path, "executions", "none").returncode == 2
    (tmp_path / "run.jsonl").write_text("nothing\n", encoding="utf-8")
    assert "no step" in command(tmp_path, "executions", ".").stderr


@promise("runs:confined")
async def test_an_answer_is_small_and_confined(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for n in range(120):
        write(inside / f"run{n:03}.jsonl", [*LOOP, ("get", {"key": SECRET}, "", True)], "plain")
    result = await ANALYZE.run(context(inside), ExecutionsInput(path="."))
    text = result.model_dump_json()
    assert len(text) <= 25_000
    assert SECRET not in text
    assert result.total_runs == 120
    assert {each.id for each in result.evidence} >= {i for each in result.findings for i in each.evidence_ids}
    assert any("focus" in each for each in result.limits)
    focused = await ANALYZE.run(context(inside), ExecutionsInput(path=".", focus="run007"))
    assert [each.id for each in focused.runs] == ["run007.jsonl"]
    (tmp_path / "out.jsonl").write_text("{}", encoding="utf-8")
    (inside / "link.jsonl").symlink_to(tmp_path / "out.jsonl")
    for path in ("../out.jsonl", "link.jsonl"):
        with pytest.raises(InputError, match="outside"):
            await ANALYZE.run(context(inside), ExecutionsInput(path=path))


@promise("runs:cited")
async def test_the_server_offers_it_and_reads_its_own_spans(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", LOOP, "chat")
    spans = tmp_path / "spans.jsonl"
    env = environment(BEDROCK_SUPPORT_SPAN_FILE=str(spans))
    async with connect("stdio", "2026-07-28", root=tmp_path, env=env) as client:
        found = told(await client.call_tool("analyze_executions", {"path": "run.jsonl"}))
        assert found["by_pattern"] == {"loop": 1}
        assert found["findings"][0]["line"] == 3
        for _ in range(5):
            await client.call_tool("verify_spec", {"path": "none"})
    report = await anyio.to_thread.run_sync(look, spans)
    assert [run.calls for run in report.runs] == [6]


@promise("hook:never-fails")
@pytest.mark.parametrize("given", ["", "nope", "[]", "{}", "[" * 100_000, '{"tool_name": 7, "tool_input": [[]]}', "\0"])
def test_the_hook_never_fails(tmp_path: Path, given: str) -> None:
    assert command(tmp_path, "ingest-hook", "--spool", "spool", given=given).returncode == 0


@promise("hook:never-fails")
def test_the_hook_fails_only_when_told_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    given = json.dumps(PAYLOAD)
    assert command(tmp_path, "ingest-hook", "--spool", "file/x", given=given).returncode == 0
    failed = command(tmp_path, "ingest-hook", "--spool", "file/x", "--strict", given=given)
    assert failed.returncode == 1
    assert SECRET not in failed.stderr
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / hook_spool.CURRENT).symlink_to(tmp_path / "file")
    assert command(tmp_path, "ingest-hook", "--spool", "spool", "--strict", given=given).returncode == 1
    assert (tmp_path / "file").read_text(encoding="utf-8") == ""


@promise("hook:no-secrets")
def test_a_record_holds_no_content(tmp_path: Path) -> None:
    for _ in range(4):
        done = command(tmp_path, "ingest-hook", "--strict", given=json.dumps(PAYLOAD), XDG_STATE_HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr
    path = tmp_path / "bedrock-support" / "spool" / hook_spool.CURRENT
    text = path.read_text(encoding="utf-8")
    assert SECRET not in text
    assert "private" not in text
    assert "curl" not in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert {each.pattern for each in look(path).found} == {"retry_storm", "abandoned"}


@promise("hook:no-secrets")
def test_old_hosts_give_the_payload_in_a_variable(tmp_path: Path) -> None:
    payload = json.dumps({"toolName": "fsWrite", "toolArgs": {"path": "a", "text": "b"}, "toolSuccess": True})
    done = command(tmp_path, "ingest-hook", "--spool", "spool", "--strict", USER_PROMPT=payload)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "spool" / hook_spool.CURRENT).read_text(encoding="utf-8"))
    assert (record["tool"], record["kind"], record["ok"]) == ("fsWrite", "write", True)
    assert re.fullmatch(r"[0-9a-f]{16}", record["after_sha256"])


@promise("hook:together")
def test_hooks_that_run_at_once_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one(n: int) -> int:
        return command(
            tmp_path,
            "ingest-hook",
            "--spool",
            "spool",
            "--strict",
            given=json.dumps({**PAYLOAD, "session_id": f"s{n}"}),
        ).returncode

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(one, range(12))) == {0}
    rows = (tmp_path / "spool" / hook_spool.CURRENT).read_text(encoding="utf-8").splitlines()
    assert {json.loads(row)["session"] for row in rows} == {f"s{n}" for n in range(12)}
    monkeypatch.setattr(hook_spool, "MOST_FILE", 2_000)
    for _ in range(30):
        hook_spool.append(tmp_path / "spool", PAYLOAD, hook_spool.SystemClock())
    sizes = [each.stat().st_size for each in (tmp_path / "spool").iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 12_000


@promise("hook:files")
def test_shipped_hooks_parse_and_name_commands_that_exist(tmp_path: Path) -> None:
    files = sorted((ROOT / "docs" / "kiro-hooks").glob("*.json"))
    triggers: list[str] = []
    for path in files:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert set(content) == {"version", "hooks"}
        assert content["version"] == "v1"
        for hook in content["hooks"]:
            assert set(hook) <= {"name", "trigger", "matcher", "action", "timeout", "enabled"}
            re.compile(hook.get("matcher", ""))
            triggers.append(hook["trigger"])
            program, *arguments = hook["action"]["command"].split()
            assert hook["action"]["type"] == "command"
            assert program == "bedrock-support"
            cli.parser_for(arguments[0]).parse_args(arguments)  # exits when it can't be parsed
    assert sorted(triggers) == ["PostToolUse", "Stop"]


@promise("hook:files")
def test_the_stop_hook_reports_gaps_of_changed_files(tmp_path: Path) -> None:
    git = shutil.which("git") or "git"
    for arguments in (
        ["init", "-q"],
        ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run([git, *arguments], cwd=tmp_path, check=True)
    hook = json.loads((ROOT / "docs/kiro-hooks/check-gaps-at-stop.json").read_text(encoding="utf-8"))["hooks"][0]
    arguments = hook["action"]["command"].split()[1:]
    (tmp_path / "a.py").write_text(
        'def total(prices):\n    """Add up prices."""\n    raise NotImplementedError\n', encoding="utf-8"
    )
    found = command(tmp_path, *arguments, BEDROCK_SUPPORT_CACHE="off")
    assert found.returncode == 1, found.stdout
    assert "total" in found.stdout
