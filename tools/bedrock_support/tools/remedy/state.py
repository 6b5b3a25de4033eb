"""What git says of a project. Only asks; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.tools.remedy.children import git

MOST_STATUS = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """Where a project stands."""

    top: Path
    """The repository's folder: the project may lie deeper."""
    head: str
    dirty: frozenset[str]
    """Tracked files with changes that aren't committed, relative to the repository."""
    untracked: frozenset[str]


async def git_state(root: Path, env: Mapping[str, str]) -> GitState | None:
    """The repository of `root`; None when there is none with a commit, or no git."""
    where = await git("rev-parse", "--show-toplevel", cwd=root, env=env)
    head = await git("rev-parse", "--verify", "HEAD", cwd=root, env=env)
    if not (where.well and head.well):
        return None
    words = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=all", "--no-renames")
    status = await git(*words, cwd=root, env=env, most=MOST_STATUS)
    if not status.well or status.cut:
        return None
    entries = [each for each in status.output.split("\0") if len(each) > 3]
    return GitState(
        # The last line: git may have warned of something first.
        top=Path(where.output.rstrip("\n").split("\n")[-1]),
        head=head.output.strip().split("\n")[-1],
        dirty=frozenset(each[3:] for each in entries if not each.startswith("??")),
        untracked=frozenset(each[3:] for each in entries if each.startswith("??")),
    )
