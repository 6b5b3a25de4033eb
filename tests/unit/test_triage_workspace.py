"""From a stack trace to the line in the workspace and the commit that last changed it, without running anything."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from anyio import CapacityLimiter, to_thread

from bedrock_support.tools.logs.traces import Frame
from bedrock_support.tools.logs.workspace import locate, near
from tests.promises import promise
from tests.triage_rig import failing, run

WHEN = "2026-03-01T08:00:00+00:00"
SOURCE = "\n".join(f"line_{at} = {at}" for at in range(1, 31)) + "\n"


def _git(folder: Path, *words: str) -> str:
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_DATE": WHEN,
        "GIT_COMMITTER_DATE": WHEN,
    }
    names = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    command = ["git", *names, *words]
    return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def _repository(root: Path) -> str:
    (root / "src" / "shop").mkdir(parents=True)
    (root / "src" / "shop" / "gateway.py").write_text(SOURCE, encoding="utf-8")
    _git(root, "init", "-q")
    _git(root, "add", ".")
    _git(root, "commit", "-q", "-m", "Shorten the gateway's timeout")
    return _git(root, "rev-parse", "HEAD").strip()


def _log() -> str:
    lines = [f"2026-03-01T10:00:{at:02d}Z INFO ok" for at in range(30)]
    for at in range(30, 40):
        lines += [
            f"2026-03-01T10:00:{at}Z ERROR order failed",
            "Traceback (most recent call last):",
            '  File "/srv/app/src/shop/gateway.py", line 12, in send',
            "    raise TimeoutError(1)",
            "TimeoutError: gateway did not answer",
        ]
    return "\n".join(lines)


@promise("triage:workspace")
async def test_a_trace_leads_to_the_line_and_its_commit(tmp_path: Path) -> None:
    commit = await to_thread.run_sync(_repository, tmp_path)
    found = await run(tmp_path, failing(), text=_log())
    (trace,) = [each for each in found.findings if "stack trace" in each.title]
    assert f"In the workspace: src/shop/gateway.py:12, last changed by {commit[:10]}" in trace.detail
    assert "2 h before the first error" in trace.detail
    cited = {each.id: each for each in found.evidence}[trace.evidence_ids[-1]]
    assert (cited.kind, cited.source) == ("commit", "src/shop/gateway.py:12")
    assert cited.quote == f"{commit} 2026-03-01T08:00:00Z Shorten the gateway's timeout"
    assert cited.sha256 == hashlib.sha256(cited.quote.encode()).hexdigest()


@promise("triage:workspace")
async def test_without_a_repository_the_line_alone_is_told(tmp_path: Path) -> None:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "gateway.py").write_text(SOURCE, encoding="utf-8")
    found = await run(tmp_path, failing(), text=_log())
    (trace,) = [each for each in found.findings if "stack trace" in each.title]
    assert trace.detail.endswith("In the workspace: src/shop/gateway.py:12.")
    assert {each.kind for each in found.evidence} == {"log line"}


@promise("triage:workspace")
@pytest.mark.parametrize(
    ("file", "function", "expected"),
    [
        ("/app/src/shop/a.py", "f", "src/shop/a.py"),
        ("C:\\build\\src\\shop\\a.py", "f", "src/shop/a.py"),
        ("Store.java", "com.shop.Store.save", "src/main/java/com/shop/Store.java"),
        ("src/../../../etc/passwd", "f", None),
        ("/etc/passwd", "f", None),
        ("/elsewhere/a.py", "f", None),
        ("", "", None),
    ],
)
def test_frames_are_found_by_the_end_of_their_path(
    tmp_path: Path, file: str, function: str, expected: str | None
) -> None:
    root = tmp_path.resolve()
    for name in ("src/shop/a.py", "src/main/java/com/shop/Store.java", "a.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x\n", encoding="utf-8")
    place = locate(Frame(file, 1, function), (root,))
    assert (place.label if place else None) == expected


def _hostile(root: Path) -> Path:
    ran = root / "ran"
    trap = root / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n", encoding="utf-8")
    trap.chmod(0o755)
    _git(root, "add", ".")
    (root / ".gitattributes").write_text("*.py diff=trap filter=trap\n", encoding="utf-8")
    for key in ("diff.trap.textconv", "diff.trap.command", "filter.trap.clean", "filter.trap.smudge", "core.fsmonitor",
                "core.pager", "core.sshCommand", "gpg.program"):  # fmt: skip
        _git(root, "config", key, str(trap))
    _git(root, "config", "log.showSignature", "true")
    _git(root, "config", "core.hooksPath", str(root))
    return ran


@promise("triage:git-runs-nothing")
async def test_a_hostile_repository_runs_nothing(root: Path) -> None:
    await to_thread.run_sync(_repository, root)
    ran = await to_thread.run_sync(_hostile, root)
    spots = await near({"F1": Frame("/src/shop/gateway.py", 12, "send")}, (root,), CapacityLimiter(1), 20)
    assert spots["F1"].commit
    assert not ran.exists()


@promise("triage:git-runs-nothing")
async def test_a_repository_around_or_outside_the_root_is_not_asked(root: Path) -> None:
    await to_thread.run_sync(_repository, root)
    inner = root / "src"
    frames = {"F1": Frame("/src/shop/gateway.py", 12, "send")}
    assert (await near(frames, (inner,), CapacityLimiter(1), 20))["F1"].commit == ""
    (inner / ".git").write_text(f"gitdir: {root}/.git\n", encoding="utf-8")
    assert (await near(frames, (inner,), CapacityLimiter(1), 20))["F1"].commit == ""
