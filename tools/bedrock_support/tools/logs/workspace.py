"""Frames of stack traces as lines of the workspace, and the commit that last changed each.

git is asked by reading commands alone, of committed content, with everything switched off by which a repository could
make it run a program: hooks, file-system monitors, text conversions, external diffs, signatures, lazy fetches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from subprocess import DEVNULL

import anyio
from anyio import CapacityLimiter, move_on_after, to_thread

from bedrock_support.tools.base import InputError
from bedrock_support.tools.envelope import Evidence, Finding
from bedrock_support.tools.logs.times import shown
from bedrock_support.tools.logs.traces import Frame
from bedrock_support.tools.paths import Place, confine

MAX_FRAMES = 5
NEAR = 3
"""Lines before and behind a frame that count as near it."""
_SOURCES = ("", "src", "src/main/java", "src/main/kotlin", "app", "lib")
_SUBJECT = 100
_ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",
}
_QUIET = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "log.showSignature=false",
    "blame.ignoreRevsFile=",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A frame's line in the workspace and, where git knows it, the youngest commit near it."""

    path: str
    line: int
    commit: str = ""
    when: int = 0
    """Seconds since the epoch."""
    subject: str = ""


async def near(
    frames: Mapping[str, Frame], roots: tuple[Path, ...], workers: CapacityLimiter, seconds: float
) -> dict[str, Near]:
    """By the key of each frame what it is in the workspace; frames that lie nowhere in the roots are left out.

    Ends after `seconds` with what was found by then, and never fails for a repository's sake.
    """
    found: dict[str, Near] = {}
    with move_on_after(seconds):
        for key, frame in list(frames.items())[:MAX_FRAMES]:
            place = await to_thread.run_sync(locate, frame, roots, limiter=workers)
            if place is None:
                continue
            found[key] = Near(path=place.label, line=frame.line)
            youngest = await _youngest(place, frame.line)
            if youngest is not None:
                commit, when, subject = youngest
                found[key] = Near(path=place.label, line=frame.line, commit=commit, when=when, subject=subject)
    return found


def locate(frame: Frame, roots: tuple[Path, ...]) -> Place | None:
    """The file of a frame inside the roots, by the longest end of its path that exists there. Blocks: off the loop."""
    for end in _ends(frame):
        for root in roots:
            for folder in _SOURCES:
                try:
                    place = confine("path", str(root / folder / end), roots)
                except InputError:
                    continue
                if not place.is_folder:
                    return place
    return None


def _ends(frame: Frame) -> list[PurePosixPath]:
    path = PurePosixPath(frame.file.replace("\\", "/"))
    parts = [part for part in path.parts if part not in ("/", "..") and not part.endswith(":")]
    if len(parts) == 1 and frame.function.count(".") >= 2:
        # Java and its kin name the file alone; its folders are those of the class.
        parts = [*frame.function.split(".")[:-2], *parts]
    # A bare name says too little, unless it is all that the trace says.
    least = 1 if len(parts) == 1 else 2
    return [PurePosixPath(*parts[at:]) for at in range(max(1, len(parts) - least + 1))]


async def _youngest(place: Place, line: int) -> tuple[str, int, str] | None:
    top = await _git(place, "rev-parse", "--absolute-git-dir")
    # A repository above the root or elsewhere is none of ours.
    if not top or not await to_thread.run_sync(_inside, top.strip(), place.root):
        return None
    span = f"{max(1, line - NEAR)},{line + NEAR}"
    said = await _git(place, "blame", "--porcelain", "--no-textconv", "-L", span, "HEAD", "--", place.path.name)
    commits: dict[str, tuple[int, str]] = {}
    commit, when = "", 0
    for row in said.splitlines():
        word, _, rest = row.partition(" ")
        if len(word) == 40 and rest[:1].isdigit():
            commit = word
        elif word == "committer-time":
            when = int(rest)
        elif word == "summary":
            commits[commit] = (when, "".join(each if each.isprintable() else " " for each in rest)[:_SUBJECT])
    if not commits:
        return None
    last = max(commits, key=lambda each: commits[each][0])
    return last, *commits[last]


def _inside(folder: str, root: Path) -> bool:
    return Path(folder).resolve().is_relative_to(root)


async def _git(place: Place, *words: str) -> str:
    options = [part for each in _QUIET for part in ("-c", each)]
    env = {**_ENV, "GIT_CEILING_DIRECTORIES": str(place.root.parent)}
    try:
        done = await anyio.run_process(
            ["git", "--no-pager", *options, *words], cwd=place.path.parent, env=env, check=False, stderr=DEVNULL
        )
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def told(
    findings: Sequence[Finding], evidence: Sequence[Evidence], spots: Mapping[str, Near], first_error: int | None
) -> tuple[list[Finding], list[Evidence]]:
    """Findings and evidence with what is known of their frames; `first_error` in seconds since the epoch."""
    made, numbered = list(evidence), len(evidence)
    fuller: list[Finding] = []
    for finding in findings:
        spot = spots.get(finding.id)
        if spot is None:
            fuller.append(finding)
            continue
        detail, cited = f"{finding.detail} In the workspace: {spot.path}:{spot.line}", finding.evidence_ids
        if spot.commit:
            numbered += 1
            moment = shown(spot.when)
            detail += f", last changed by {spot.commit[:10]} at {moment}{_before(spot.when, first_error)}"
            quote = f"{spot.commit} {moment} {spot.subject}"
            digest = hashlib.sha256(quote.encode()).hexdigest()
            place = f"{spot.path}:{spot.line}"
            made.append(Evidence(id=f"E{numbered}", kind="commit", source=place, quote=quote, sha256=digest))
            cited = [*cited, f"E{numbered}"]
        fuller.append(finding.model_copy(update={"detail": f"{detail}.", "evidence_ids": cited}))
    return fuller, made


def _before(when: int, first_error: int | None) -> str:
    return f", {_ago(first_error - when)} before the first error" if first_error and first_error >= when else ""


def _ago(seconds: int) -> str:
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
