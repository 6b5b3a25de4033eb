"""The files of a tree that are worth reading: bounded, never through links, never devices, never dependencies."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SKIPPED = frozenset(
    {
        ".git", ".hg", ".svn", ".venv", "venv", "env", "node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache", ".ruff_cache",
        ".pytest_cache", "site-packages", "dist-packages", ".eggs", "build", "dist", ".idea", ".vscode", "vendor", "_vendor",
        "third_party", ".terraform", "target", ".next", ".cache", ".gradle", "coverage", "htmlcov",
    }
)  # fmt: skip
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
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    files: tuple[SourceFile, ...]
    notes: tuple[str, ...]
    """What was left out, and why."""


def list_sources(root: Path, endings: frozenset[str], check: Callable[[], None]) -> Listing:
    """Every file under `root` (or `root` itself) that ends in one of `endings`, sorted by name. Blocks: call off the loop.

    `check` is called now and then and may raise to stop.
    """
    if root.is_file():
        status = root.stat()
        only = SourceFile(path=root, label=root.name, size=status.st_size, mtime_ns=status.st_mtime_ns)
        return Listing(files=(only,), notes=())
    found: list[SourceFile] = []
    big = links = unreadable = 0
    pending: list[tuple[str, str, int]] = [(str(root), "", 0)]
    full = False
    while pending and not full:
        check()
        folder, prefix, depth = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda each: each.name)
        except OSError:
            unreadable += 1
            continue
        for entry in entries:
            try:
                if entry.is_symlink():
                    links += 1
                elif entry.is_dir(follow_symlinks=False):
                    if not _skipped(entry.name, entry.path) and depth < MOST_DEPTH:
                        pending.append((entry.path, f"{prefix}{entry.name}/", depth + 1))
                elif entry.name[entry.name.rfind(".") :] in endings:
                    status = entry.stat(follow_symlinks=False)
                    if not stat.S_ISREG(status.st_mode):
                        continue
                    if status.st_size > MOST_BYTES:
                        big += 1
                        continue
                    label = os.fsencode(prefix + entry.name).decode("utf-8", "replace")
                    found.append(
                        SourceFile(path=Path(entry.path), label=label, size=status.st_size, mtime_ns=status.st_mtime_ns)
                    )
            except OSError:
                unreadable += 1
            if len(found) >= MOST_FILES:
                full = True
                break
    return Listing(
        files=tuple(sorted(found, key=lambda each: each.label)), notes=_notes(big, links, unreadable, full=full)
    )


def _skipped(name: str, path: str) -> bool:
    if name in _AMBIGUOUS and Path(path, "__init__.py").is_file():
        return False
    return name in SKIPPED or name.endswith(".egg-info") or Path(path, "pyvenv.cfg").is_file()


def _notes(big: int, links: int, unreadable: int, *, full: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if full:
        notes.append(f"only the first {MOST_FILES} files were looked at: name a smaller folder")
    if big:
        notes.append(f"{big} files above {MOST_BYTES // 1_000_000} MB not read: taken as generated")
    if links:
        notes.append(f"{links} symbolic links not followed")
    if unreadable:
        notes.append(f"{unreadable} files or folders may not be read")
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
