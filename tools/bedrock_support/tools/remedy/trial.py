"""Trying a plan: its patches in a throw-away worktree, then the project's own tests there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from anyio import CapacityLimiter, to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.tools.remedy.children import Ended, run
from bedrock_support.tools.remedy.shapes import Run, Trial
from bedrock_support.tools.remedy.state import GitState
from bedrock_support.tools.remedy.worktree import Worktree, WorktreeError, worktree

MOST_MODULES = 300_000_000
"""Bytes of node_modules that are copied for a trial."""
_COPY_SECONDS = 60.0


async def trial(
    state: GitState,
    root: Path,
    diffs: Sequence[str],
    lines: Sequence[Sequence[str]],
    *,
    env: Mapping[str, str],
    clock: Clock,
    until: float,
    workers: CapacityLimiter,
) -> Trial:
    """Apply and test. `until` is absolute seconds by which it must end; raises nothing but cancellation."""
    prefix = "" if root == state.top else f"{root.relative_to(state.top).as_posix()}/"
    try:
        async with worktree(state, prefix, env, workers) as place:
            for each in diffs:
                await place.apply(each)
            around, notes = await _surroundings(root, place, env, lines, workers)
            runs = [await _run(line, place, around, clock, until) for line in lines]
            if failed := [at for at, each in enumerate(runs) if each.exit_code != 0 and not each.late]:
                undone = await _taken_back(place, diffs)
                notes += undone
                for at in failed if not undone else ():
                    before = await _run(lines[at], place, around, clock, until)
                    runs[at] = runs[at].model_copy(update={"before": before.exit_code})
            return Trial(verdict=_verdict(runs), runs=runs, note="; ".join([*place.notes, *notes]))
    except WorktreeError as error:
        return Trial(verdict="not_applied", runs=[], note=str(error))


async def _taken_back(place: Worktree, diffs: Sequence[str]) -> list[str]:
    """The worktree without the patches; why not, if the tests have changed the files."""
    try:
        for each in reversed(diffs):
            await place.apply(each, back=True)
    except WorktreeError as error:
        return [f"whether the tests failed before isn't known: {error}"]
    return []


def _verdict(runs: Sequence[Run]) -> Literal["passed", "failed", "failed_before_too", "untested"]:
    if not runs:
        return "untested"
    bad = [each for each in runs if each.exit_code != 0]
    if not bad:
        return "passed"
    return "failed_before_too" if all(each.before not in (None, 0) for each in bad) else "failed"


async def _run(line: Sequence[str], place: Worktree, env: Mapping[str, str], clock: Clock, until: float) -> Run:
    began = clock.now()
    left = until - began
    if left <= 1:
        ended = Ended(code=None, output="the time ran out before it could be started", cut=False, late=True)
    else:
        ended = await run(line, cwd=place.project, env=env, seconds=left)
    return Run(
        command=shlex.join(line),
        exit_code=ended.code,
        seconds=round(clock.now() - began, 2),
        output=("[...] " if ended.cut else "") + ended.output,
        late=ended.late,
    )


async def _surroundings(
    root: Path, place: Worktree, env: Mapping[str, str], lines: Sequence[Sequence[str]], workers: CapacityLimiter
) -> tuple[dict[str, str], list[str]]:
    """The environment of the tests, and what they may miss."""
    paths = await to_thread.run_sync(_python_paths, root, place.project, limiter=workers)
    around = {**env, "HOME": str(place.home), "PYTHONPATH": os.pathsep.join(paths), "CI": "1"}
    # A patch may leave a file its size and second: compiled code of before would then be taken for that of after.
    around["PYTHONDONTWRITEBYTECODE"] = "1"
    notes: list[str] = []
    if any(line[0] in ("npm", "pnpm", "yarn") for line in lines):
        size = await to_thread.run_sync(_size, root / "node_modules", limiter=workers)
        if 0 < size <= MOST_MODULES:
            # A link would let tests write into the user's own folder.
            await run(["cp", "-R", str(root / "node_modules"), "."], cwd=place.project, env=env, seconds=_COPY_SECONDS)
        elif size:
            notes.append(f"node_modules has more than {MOST_MODULES // 1_000_000} MB and was not copied")
    return around, notes


def _python_paths(root: Path, project: Path) -> list[str]:
    """Where the worktree's own packages lie: first, or an editable install would bring in the user's tree."""
    found = [project, project / "src"]
    for home in (".venv", "venv"):
        for file in sorted((root / home).glob("lib/python*/site-packages/*.pth"))[:100]:
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                path = Path(line.strip())
                if path.is_absolute() and path.is_relative_to(root):
                    found.append(project / path.relative_to(root))
    return list(dict.fromkeys(str(each) for each in found))


def _size(folder: Path) -> int:
    """Bytes below a folder, counted no further than it matters."""
    total = 0
    for where, _folders, files in os.walk(folder):
        for name in files:
            total += os.lstat(os.path.join(where, name)).st_size
        if total > MOST_MODULES:
            break
    return total
