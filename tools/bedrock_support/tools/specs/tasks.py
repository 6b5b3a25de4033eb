"""Task lists of Kiro, spec-kit and OpenSpec: where they lie, and their checkboxes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.tools.gaps.files import SourceFile, read

MOST_TASKS = 2_000
MOST_LISTS = 200
_PLACES = (
    (re.compile(r"^(?P<base>.*?)\.kiro/specs/(?P<name>[^/]+)/tasks\.md$"), "kiro"),
    (re.compile(r"^(?P<base>.*?)openspec/changes/(?!archive/)(?P<name>[^/]+)/tasks\.md$"), "openspec"),
    (re.compile(r"^(?P<base>.*?)(?:\.specify/)?specs/(?P<name>[^/]+)/tasks\.md$"), "spec-kit"),
)
_BOX = re.compile(
    r"^(?P<lead>\s*(?:[-*+]|\d+\.)\s+\[)(?P<mark>[ xX~-])(?P<close>\])(?P<optional>\*?)\s+(?P<text>.*\S)\s*$"
)
_ID = re.compile(r"^(?:\*\*)?(?P<id>T\d{1,5}|\d{1,4}(?:\.\d{1,4})*)(?:\*\*)?[.:)]?\s+(?P<rest>.*)$")
_TAGS = re.compile(r"^(?:\[(?:P|US\d+|[A-Z]{1,4}\d*)\]\s*)+")
_REQUIREMENTS = re.compile(r"^_?\**Requirements?:?\**:?\s*(?P<ids>[\w., -]+?)_?$", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskList:
    """One tasks file."""

    file: SourceFile
    spec: str
    """Name of the feature or change."""
    flavour: str
    """kiro, spec-kit or openspec."""
    base: str
    """Folder that holds the project, relative to the tree, with a slash at its end or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One checkbox with the lines that belong to it."""

    id: str
    spec: str
    file: str
    line: int
    ticked: bool
    title: str
    details: tuple[str, ...]
    requirements: tuple[str, ...]
    children: int
    """Checkboxes nested below."""


def task_lists(files: list[SourceFile]) -> list[TaskList]:
    """The task lists among the files, by name."""
    found: list[TaskList] = []
    for file in files:
        for place, flavour in _PLACES:
            match = place.match(file.label)
            if match:
                found.append(TaskList(file=file, spec=match["name"], flavour=flavour, base=match["base"]))
                break
    return found[:MOST_LISTS]


def tasks_of(listed: TaskList) -> list[Task]:
    """Every checkbox of a list, in order."""
    data = read(listed.file)
    lines = data.decode("utf-8", "replace").splitlines() if data is not None else []
    boxes = [(at, match) for at, line in enumerate(lines) if (match := _BOX.match(line[:2_000]))][:MOST_TASKS]
    found: list[Task] = []
    for order, (at, match) in enumerate(boxes):
        until = boxes[order + 1][0] if order + 1 < len(boxes) else len(lines)
        depth = _depth(match)
        details: list[str] = []
        for line in lines[at + 1 : until]:
            if _HEADING.match(line):
                break
            if text := line.strip().lstrip("-*+ ").strip():
                details.append(text[:2_000])
        name, title = _named(match["text"], at + 1)
        below = 0
        for _, later in boxes[order + 1 :]:
            if _depth(later) <= depth:
                break
            below += 1
        found.append(
            Task(
                id=name,
                spec=listed.spec,
                file=listed.file.label,
                line=at + 1,
                ticked=match["mark"] in "xX",
                title=title,
                details=tuple(each for each in details if not _REQUIREMENTS.match(each)),
                requirements=tuple(_requirements(details)),
                children=below,
            )
        )
    return found


def untick(text: str, lines: set[int]) -> str:
    """The text with the ticks at those line numbers (from 1) taken away; everything else stays byte for byte."""
    parts = text.splitlines(keepends=True)
    for number in lines:
        if 0 < number <= len(parts):
            parts[number - 1] = re.sub(r"^(\s*(?:[-*+]|\d+\.)\s+\[)[xX](\])", r"\1 \2", parts[number - 1], count=1)
    return "".join(parts)


def root_of(path: Path) -> Path:
    """The project that a spec folder or tasks file belongs to; any other path is its own project."""
    parts = path.parts
    for at, part in enumerate(parts):
        if part in (".kiro", "openspec", ".specify") or (part == "specs" and path.name == "tasks.md"):
            return Path(*parts[:at])
    return path


def _depth(match: re.Match[str]) -> int:
    lead = match["lead"].expandtabs(4)
    return len(lead) - len(lead.lstrip())


def _named(text: str, line: int) -> tuple[str, str]:
    numbered = _ID.match(text)
    name, title = (numbered["id"], numbered["rest"]) if numbered else (f"L{line}", text)
    return name, _TAGS.sub("", title.strip())


def _requirements(details: list[str]) -> list[str]:
    found: list[str] = []
    for each in details:
        if match := _REQUIREMENTS.match(each):
            found += [part.strip() for part in re.split(r"[,;]", match["ids"]) if part.strip()]
    return found
