"""The files of a tree that are worth reading: bounded, never through links, never devices, never dependencies."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "env",
        "node_modules",
        "__pycache__",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        "site-packages",
        "dist-packages",
        ".eggs",
        "build",
        "dist",
        ".idea",
        ".vscode",
        "vendor",
        "_vendor",
        "third_party",
        ".terraform",
        "target",
        ".next",
        ".cache",
        ".gradle",
        "coverage",
        "htmlcov",
    }
)
"""Folders of dependencies, builds and tools."""
_AMBIGUOUS = frozenset({"env", "build", "dist", "vendor", "target", "coverage"})
"""Names that packages have too."""
MOST_FILES = 50_000
MOST_BYTES = 1_000_000
"""Bytes of one source file; longer ones are made by machines."""
MOST_DEPTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One regular file inside the tree."""

    path: Path
    label: str
    """Relative to the tree, with slashes."""
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    files: tuple[SourceFile, ...]
    notes: tuple[str, ...]
    """What was left out, and why."""


@dataclass(slots=True)
class _Walk:
    """What a walk over a tree has met so far."""

    endings: frozenset[str]
    found: list[SourceFile] = field(default_factory=list[SourceFile])
    pending: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    """Folder, its label with a slash, and depth."""
    big: int = 0
    links: int = 0
    unreadable: int = 0

    def meet(self, entry: os.DirEntry[str], prefix: str, depth: int) -> None:
        if entry.is_symlink():
            self.links += 1
        elif entry.is_dir(follow_symlinks=False):
            if not _skipped(entry.name, entry.path) and depth < MOST_DEPTH:
                self.pending.append((entry.path, f"{prefix}{entry.name}/", depth + 1))
        elif entry.name[entry.name.rfind(".") :] in self.endings:
            status = entry.stat(follow_symlinks=False)
            if status.st_size > MOST_BYTES:
                self.big += 1
            elif stat.S_ISREG(status.st_mode):
                label = os.fsencode(prefix + entry.name).decode("utf-8", "replace")
                self.found.append(SourceFile(path=Path(entry.path), label=label, size=status.st_size))


def list_sources(root: Path, endings: frozenset[str], check: Callable[[], None]) -> Listing:
    """Every file under `root` (or `root` itself) that ends in one of `endings`, sorted by name.

    Blocks: call off the loop. `check` is called now and then and may raise to stop.
    """
    if root.is_file():
        size = root.stat().st_size
        if size > MOST_BYTES:
            return Listing(files=(), notes=(f"{root.name} not read: {size:,} bytes, at most {MOST_BYTES:,} are read",))
        return Listing(files=(SourceFile(path=root, label=root.name, size=size),), notes=())
    walk = _Walk(endings=endings, pending=[(str(root), "", 0)])
    while walk.pending and len(walk.found) < MOST_FILES:
        check()
        folder, prefix, depth = walk.pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda each: each.name)
        except OSError:
            walk.unreadable += 1
            continue
        for entry in entries[: MOST_FILES - len(walk.found)]:
            try:
                walk.meet(entry, prefix, depth)
            except OSError:
                walk.unreadable += 1
    full = len(walk.found) >= MOST_FILES
    return Listing(files=tuple(sorted(walk.found, key=lambda each: each.label)), notes=_notes(walk, full=full))


def _skipped(name: str, path: str) -> bool:
    if name in _AMBIGUOUS and Path(path, "__init__.py").is_file():
        return False
    return name in SKIPPED or name.endswith(".egg-info") or Path(path, "pyvenv.cfg").is_file()


def _notes(walk: _Walk, *, full: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if full:
        notes.append(f"only the first {MOST_FILES} files were looked at: name a smaller folder")
    if walk.big:
        notes.append(f"{walk.big} files above {MOST_BYTES // 1_000_000} MB not read: taken as generated")
    if walk.links:
        notes.append(f"{walk.links} symbolic links not followed")
    if walk.unreadable:
        notes.append(f"{walk.unreadable} files or folders may not be read")
    return tuple(notes)


def read(file: SourceFile) -> bytes | None:
    """The bytes of a listed file, or None when it became something else or may no longer be read."""
    try:
        handle = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        with os.fdopen(os.dup(handle), "rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        return data if len(data) <= MOST_BYTES else None
    except OSError:
        return None
    finally:
        os.close(handle)
