"""`bedrock-support plan` in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.promises import promise
from tests.remedy_rig import PATCH, WRONG, everything, project
from tests.rig import COMMAND, environment


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = environment(BEDROCK_SUPPORT_CACHE="off")
    return subprocess.run([*COMMAND, "plan", *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)


@promise("remedy:plan-command")
def test_the_command_plans_from_a_file_and_tries_when_told_to(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    findings, patch = tmp_path / "gaps.json", tmp_path / "mine.patch"
    findings.write_text(json.dumps({"findings": [WRONG]}))
    patch.write_text(PATCH)
    before = everything(root)
    planned = command("--findings", str(findings), cwd=root)
    assert planned.returncode == 1, planned.stderr
    assert "S1  medium add subtracts (F1)" in planned.stdout
    assert "No model was asked" in planned.stdout
    tried = command(str(root), "--findings", str(findings), "--patch", str(patch), "--try", "--json", cwd=tmp_path)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    result = json.loads(tried.stdout)
    assert (result["status"], result["trial"]["verdict"], result["model"]["used"]) == ("ok", "passed", False)
    assert everything(root) == before
    shown = command(str(root), "--findings", str(findings), "--patch", str(patch), "--try", cwd=tmp_path)
    assert "Trial: passed" in shown.stdout
    assert "+    return a + b" in shown.stdout


@promise("remedy:plan-command")
def test_what_is_asked_wrongly_ends_with_2(tmp_path: Path) -> None:
    findings = tmp_path / "gaps.json"
    findings.write_text("[]")
    for arguments, said in (
        (["--findings", "none.json"], "none.json"),
        (["nowhere", "--findings", "gaps.json"], "nowhere"),
        (["--findings", "gaps.json", "--patch", "none.patch"], "none.patch"),
        ([], "--findings"),
    ):
        done = command(*arguments, cwd=tmp_path)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
