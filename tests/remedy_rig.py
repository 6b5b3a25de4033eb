"""What the tests of plan_remediation share: a project in git, a judge that proposes edits, one call of the tool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import Carrier, FailureKind, OperationClass, Reply
from bedrock_support.server.approving.desk import ApprovalDesk
from bedrock_support.tools.approval import Act, Permit
from bedrock_support.tools.base import ToolContext
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.remediate import RemedyResult, plan_remediation
from bedrock_support.tools.remedy.given import RemedyInput
from tests.gaps_rig import context, plant
from tests.rig import environment
from tests.triage_rig import FakeJudge

SHOP = {
    "shop/__init__.py": "",
    "shop/money.py": '''
        def add(a, b):
            """The sum."""
            return a - b
    ''',
    "shop/cart.py": '''
        from shop.money import add

        def total(prices):
            """All prices together."""
            found = 0
            for each in prices:
                found = add(found, each)
            return found
    ''',
    "tests/test_money.py": """
        from shop.money import add

        def test_add():
            assert add(2, 3) == 5
    """,
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n",
    "notes.md": "# Notes\n",
}
SURE = {"severity": "high", "confidence": 0.9}
WRONG = {"id": "F1", "path": "shop/money.py", "line": 4, "title": "add subtracts", **SURE}
USER = {"id": "F2", "path": "shop/cart.py", "line": 8, "title": "total is wrong", **SURE}
EDIT = {"file": "shop/money.py", "old": "return a - b", "new": "return a + b", "why": "add"}
PATCH = """\
--- a/shop/money.py
+++ b/shop/money.py
@@ -2,3 +2,3 @@
 def add(a, b):
     \"\"\"The sum.\"\"\"
-    return a - b
+    return a + b
"""
ENVIRON = {name: value for name, value in environment().items() if name in {"PATH", "HOME"}}


def run_git(root: Path, *words: str) -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(root), *names, *words], check=True, capture_output=True, text=True)
    return done.stdout


def project(root: Path, files: Mapping[str, str] = SHOP, *, commit: bool = True) -> Path:
    """The files, in a git repository with one commit."""
    plant(root, files)
    if commit:
        run_git(root, "init", "-q")
        run_git(root, "add", "-A")
        run_git(root, "commit", "-qm", "first")
    return root


def proposing(*edits: Mapping[str, Any], **more: Any) -> FakeJudge:
    """A model that answers with edits."""
    text = json.dumps({"summary": "E1 shows a sign turned round.", "edits": edits, **more})
    return FakeJudge({"reply": Reply(text=text, model="m", carrier=Carrier.SAMPLING)})


class User:
    """Answers approvals, and remembers what was asked."""

    def __init__(self, answer: bool | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def __call__(self, act: Act) -> Permit:
        desk = ApprovalDesk(files=None, audit=None, clock=SystemClock())
        return await desk.permit(act, self.ask)

    async def ask(self, message: str) -> bool:
        self.asked.append(message)
        if self.answer is None:
            raise RouteError(FailureKind.NO_CARRIER, "the client can't show a question to its user")
        return self.answer


def of(root: Path, judge: FakeJudge | None = None, user: User | None = None, seconds: float = 30) -> ToolContext:
    made = replace(context(root), op_class=OperationClass.BACKGROUND)
    made = replace(made, deadline=made.started + seconds)
    made = replace(made, judge=judge) if judge is not None else made
    return replace(made, approve=user) if user is not None else made


async def plan(
    root: Path,
    *findings: Mapping[str, Any],
    judge: FakeJudge | None = None,
    user: User | None = None,
    seconds: float = 30,
    environ: Mapping[str, str] = ENVIRON,
    **more: Any,
) -> RemedyResult:
    given = RemedyInput(findings=[dict(each) for each in findings], **more)
    tool = plan_remediation(FactStore(None), environ)
    return await tool.run(of(root, judge, user, seconds), given)


def everything(root: Path) -> dict[str, bytes]:
    """Every file of the user's tree, and what git has noted of worktrees."""
    files = (each for each in root.rglob("*") if each.is_file() and ".git" not in each.relative_to(root).parts)
    kept = {str(each.relative_to(root)): each.read_bytes() for each in files}
    kept["worktrees"] = run_git(root, "worktree", "list").encode()
    return kept
