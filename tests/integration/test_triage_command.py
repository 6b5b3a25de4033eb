"""`bedrock-support triage` in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.promises import promise
from tests.rig import COMMAND, LOG, connect, environment, told


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "triage", *arguments], cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )


@promise("remedy:triage-command")
async def test_the_command_finds_what_the_tool_finds(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    async with connect("stdio", "2026-07-28", root=tmp_path, env=environment()) as client:
        by_tool = told(await client.call_tool("triage_incident", {"path": "shop.log"}))
    done = command("shop.log", "--json", "--question", "Which host is down?", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    by_command = json.loads(done.stdout)
    for same in ("findings", "evidence", "windows", "templates", "files"):
        assert by_command[same] == by_tool[same]
    assert (by_command["status"], by_command["model"]["used"]) == ("ok", False)
    assert "Which host is down?" in by_command["brief"]


@promise("remedy:triage-command")
def test_people_read_lines_and_exit_codes_tell_scripts(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    (tmp_path / "fine.log").write_text("all is well\nstill all is well\n")
    found = command(str(tmp_path / "shop.log"), cwd=Path("/"))
    assert found.returncode == 1
    assert "shop.log:4" in found.stdout
    assert "connection refused" in found.stdout
    assert "No model was asked" in found.stdout
    fine = command("fine.log", cwd=tmp_path)
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "0 findings in 2 lines" in fine.stdout
    wrong = command("none.log", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "none.log" in wrong.stderr
    assert "doesn't exist" in wrong.stderr
    assert command("fine.log", "--limit", "0", cwd=tmp_path).returncode == 2
