"""Trying a plan: what is approved, what runs where, and what is left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import pytest

from bedrock_support.tools.remedy.children import run
from tests.promises import promise
from tests.remedy_rig import (
    EDIT,
    ENVIRON,
    PATCH,
    SHOP,
    USER,
    WRONG,
    User,
    everything,
    plan,
    project,
    proposing,
    run_git,
)

BROKEN = PATCH.replace("+    return a + b", "+    return a * b")

HANGING = """
import subprocess, sys
from shop.cart import total

def test_hang():
    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"])
"""
LEAVING = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid)
"""


@promise("remedy:approval")
async def test_nothing_is_tried_without_a_yes(tmp_path: Path) -> None:
    before = everything(project(tmp_path))
    for answer, said in ((None, "can't show a question"), (False, "did not approve")):
        user = User(answer)
        result = await plan(tmp_path, WRONG, judge=proposing(EDIT), user=user, apply=True)
        assert result.trial is not None
        assert (result.trial.verdict, result.trial.runs, result.status) == ("refused", [], "partial")
        assert said in result.trial.note
        assert result.steps[0].patches
        assert everything(tmp_path) == before
        (asked,) = user.asked
        assert "1 patches (proposed) of shop/money.py" in asked
        assert "python3 -m pytest -q tests/test_money.py" in asked
        assert "runs the project's code" in asked
    user = User(True)
    result = await plan(tmp_path, WRONG, user=user, apply=True)
    assert result.trial is not None
    assert "no patch to try" in result.trial.note
    await plan(tmp_path, WRONG, user=user, patch=PATCH)
    assert user.asked == [], "nobody is bothered where there is nothing to do"


@promise("remedy:approval")
async def test_outside_git_nothing_can_be_tried(tmp_path: Path) -> None:
    project(tmp_path, commit=False)
    result = await plan(tmp_path, WRONG, user=User(True), patch=PATCH, apply=True)
    assert result.trial is not None
    assert "no git repository" in result.trial.note
    assert any("no git repository" in each for each in result.limits)
    assert [each.by for each in result.steps[0].patches] == ["yours"]


@promise("remedy:worktree")
async def test_a_trial_starts_from_the_tree_as_it_is_and_leaves_it(tmp_path: Path) -> None:
    project(tmp_path / "repo", {f"deep/{name}": text for name, text in SHOP.items()})
    root = tmp_path / "repo/deep"
    more = "\ndef test_extra():\n    import shop.extra, pathlib\n    assert shop.extra.HOME != pathlib.Path.home()\n"
    (root / "tests/test_money.py").write_text((root / "tests/test_money.py").read_text() + more)
    (root / "shop/extra.py").write_text(f"import pathlib\n\nHOME = pathlib.Path({str(Path.home())!r})\n")
    hook = tmp_path / "repo/.git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    before = everything(tmp_path / "repo")
    result = await plan(root, WRONG, user=User(True), patch=PATCH, apply=True)
    assert result.trial is not None
    assert result.trial.verdict == "passed", result.trial
    assert "2 passed" in result.trial.runs[0].output
    assert everything(tmp_path / "repo") == before
    assert not (tmp_path / "hooked").exists()
    assert run_git(root, "status", "--porcelain").split() == [
        "M",
        "deep/tests/test_money.py",
        "??",
        "deep/shop/extra.py",
    ]


@promise("remedy:before")
async def test_what_failed_before_is_told_from_what_was_broken(tmp_path: Path) -> None:
    project(tmp_path)
    result = await plan(tmp_path, WRONG, user=User(True), patch=BROKEN, apply=True)
    assert result.trial is not None
    (ran,) = result.trial.runs
    assert (result.trial.verdict, ran.exit_code, ran.before) == ("failed_before_too", 1, 1)
    assert "assert 6 == 5" in ran.output
    (tmp_path / "shop/money.py").write_text((tmp_path / "shop/money.py").read_text().replace("a - b", "a + b"))
    breaks = BROKEN.replace("-    return a - b", "-    return a + b")
    result = await plan(tmp_path, WRONG, user=User(True), patch=breaks, apply=True)
    assert result.trial is not None
    assert (result.trial.verdict, result.trial.runs[0].before) == ("failed", 0)


@promise("remedy:children")
async def test_tests_that_hang_are_killed_with_what_they_started(tmp_path: Path) -> None:
    project(tmp_path, SHOP | {"tests/test_hang.py": HANGING})
    patch = "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1,2 +1,3 @@\n \n+# sum\n from shop.money import add\n"
    with anyio.fail_after(30):
        result = await plan(tmp_path, USER, user=User(True), patch=patch, apply=True, seconds=6.0)
    assert result.trial is not None
    (ran,) = result.trial.runs
    assert (ran.late, ran.exit_code, result.trial.verdict) == (True, None, "failed")
    assert "worktrees" not in os.listdir(tmp_path / ".git") or not os.listdir(tmp_path / ".git/worktrees")


@promise("remedy:children")
async def test_children_are_bounded(tmp_path: Path) -> None:
    loud = await run([sys.executable, "-c", "print('x' * 10**7 + 'end')"], cwd=tmp_path, env=ENVIRON, seconds=20)
    assert (loud.code, loud.cut, len(loud.output)) == (0, True, 4_000)
    assert loud.output.endswith("end\n")
    missing = await run(["no-such-program"], cwd=tmp_path, env=ENVIRON, seconds=5)
    assert missing.code is None
    assert "can't be started" in missing.output
    # A child's own child that keeps the pipe open, and would live on.
    with anyio.fail_after(20):
        left = await run([sys.executable, "-c", LEAVING], cwd=tmp_path, env=ENVIRON, seconds=30)
    await gone(int(left.output))
    assert left.code == 0


@promise("remedy:children")
async def test_a_cancelled_child_is_gone(tmp_path: Path) -> None:
    script = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()) + '.'); time.sleep(60)"
    pid = anyio.Path(tmp_path / "pid")
    async with anyio.create_task_group() as group:

        async def child() -> None:
            await run([sys.executable, "-c", script], cwd=tmp_path, env=ENVIRON, seconds=60)

        group.start_soon(child)
        with anyio.fail_after(20):
            while not (await pid.exists() and (await pid.read_text()).endswith(".")):  # noqa: ASYNC110 - another process
                await anyio.sleep(0.02)
        group.cancel_scope.cancel()
    await gone(int((await pid.read_text())[:-1]))


async def gone(pid: int) -> None:
    """Wait until no process has the id, or only a dead one that nobody has asked about."""
    with anyio.fail_after(10):
        while await anyio.Path(f"/proc/{pid}").exists():
            status = await anyio.Path(f"/proc/{pid}/stat").read_text()
            if status.rpartition(")")[2].split()[0] == "Z":
                return
            await anyio.sleep(0.02)


pytestmark = pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks at /proc")
