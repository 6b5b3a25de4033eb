"""A worktree of the project as it is now, to change and to test in, gone afterwards. The user's tree isn't touched."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio import CapacityLimiter, to_thread

from bedrock_support.tools.remedy.children import git
from bedrock_support.tools.remedy.scratch import scratch_folder
from bedrock_support.tools.remedy.state import GitState

MOST_UNTRACKED = 500
MOST_UNTRACKED_BYTES = 20_000_000
_SECONDS = 60.0
"""For git to write out a whole tree."""


class WorktreeError(Exception):
    """The worktree can't be made, or a patch doesn't apply in it; worded for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """A copy of the project to try things in."""

    tree: Path
    """The repository's top."""
    project: Path
    """The project in it."""
    home: Path
    """An empty folder, for tests to take for the user's home."""
    env: Mapping[str, str]
    notes: tuple[str, ...]
    prefix: str

    async def apply(self, diff: str, *, back: bool = False) -> None:
        """Change the copy. Raises WorktreeError."""
        file = self.home.with_name("change.patch")
        await anyio.Path(file).write_bytes(diff.encode("utf-8", "surrogateescape"))
        where = [f"--directory={self.prefix.rstrip('/')}"] if self.prefix else []
        way = ["-R"] if back else []
        words = ("apply", "--whitespace=nowarn", *way, *where, str(file))
        done = await git(*words, cwd=self.tree, env=self.env)
        if not done.well:
            raise WorktreeError(f"a patch doesn't apply in the worktree: {done.output.strip()[:300]}")


@asynccontextmanager
async def worktree(
    state: GitState, prefix: str, env: Mapping[str, str], workers: CapacityLimiter
) -> AsyncGenerator[Worktree]:
    """The last commit with what isn't committed yet on top, in a folder that goes with the block.

    Raises:
        WorktreeError: git can't make it.
    """
    async with scratch_folder(workers) as folder:
        tree, home = folder / "tree", folder / "home"
        await to_thread.run_sync(home.mkdir, limiter=workers)
        try:
            made = await git(
                "worktree",
                "add",
                "--detach",
                "--quiet",
                str(tree),
                state.head,
                cwd=state.top,
                env=env,
                seconds=_SECONDS,
            )
            if not made.well:
                raise WorktreeError(f"git can't make a worktree: {made.output.strip()[:300]}")
            await _uncommitted(state, tree, folder / "now.patch", env)
            notes = await to_thread.run_sync(_untracked, state, tree, limiter=workers)
            yield Worktree(tree=tree, project=tree / prefix, home=home, env=env, notes=tuple(notes), prefix=prefix)
        finally:
            with anyio.CancelScope(shield=True):
                words = ("worktree", "remove", "--force", "--force", str(tree))
                if not (await git(*words, cwd=state.top, env=env)).well:
                    await to_thread.run_sync(shutil.rmtree, tree, True)
                    # Of a folder that is gone, git forgets what it wrote down about it. Not prune: that would take
                    # other worktrees of the user that are away for a while.
                    await git(*words, cwd=state.top, env=env)


async def _uncommitted(state: GitState, tree: Path, file: Path, env: Mapping[str, str]) -> None:
    if not state.dirty:
        return
    words = ("diff", "--binary", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all")
    named = ("--src-prefix=a/", "--dst-prefix=b/")
    told = await git(*words, *named, f"--output={file}", "HEAD", cwd=state.top, env=env, seconds=_SECONDS)
    if told.well and (await anyio.Path(file).stat()).st_size == 0:
        return
    done = await git("apply", "--whitespace=nowarn", str(file), cwd=tree, env=env, seconds=_SECONDS)
    if not (told.well and done.well):
        raise WorktreeError(f"your uncommitted changes can't be carried over: {(told.output or done.output)[:300]}")


def _untracked(state: GitState, tree: Path) -> list[str]:
    """Copy files that git doesn't know yet: tests may need them."""
    room, left = MOST_UNTRACKED_BYTES, 0
    chosen: Sequence[str] = sorted(state.untracked)
    for name in chosen[:MOST_UNTRACKED]:
        source, copy = state.top / name, tree / name
        try:
            if source.is_symlink() or not source.is_file() or source.stat().st_size > room:
                left += 1
                continue
            room -= source.stat().st_size
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        except OSError:
            left += 1
    left += max(0, len(chosen) - MOST_UNTRACKED)
    return [f"{left} untracked files were not carried into the worktree"] if left else []
