"""The files of a tree as text, and what each holds: one walk that tool and command share."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bedrock_support.tools.base import InputError
from bedrock_support.tools.exposure.finds import KINDS, Find, Kind, finds
from bedrock_support.tools.paths import Place, open_regular

MOST_BYTES = 5_000_000
"""Of one file; the rest is not read, and said so."""
MOST_FILES = 10_000
MOST_FINDS = 20_000
"""Kept of one scan; the others are counted."""
_SKIPPED = frozenset({".git", ".venv", "node_modules", "__pycache__", ".tox", "dist", "build"})
_BINARY = 4096
"""Bytes at the begin in which a NUL says that a file is no text."""


@dataclass(slots=True, kw_only=True)
class Scan:
    """What a scan has met so far. Its walk blocks: call it off the loop."""

    kinds: Collection[Kind] = KINDS
    files: int = 0
    """Files read as text."""
    notes: list[str] = field(default_factory=list[str])
    """What was not looked at, and why."""
    partial: bool = False

    def walk(self, place: Place, stop: Callable[[], bool] = bool) -> Iterator[tuple[Place, list[Find]]]:
        """Each file with its finds, by name, until `stop` says so. Links are not followed."""
        for each in self._each(place):
            if stop():
                self.partial = True
                self.notes.append(f"the time was up before {each.label}: files from there on were not read")
                return
            text = self._text(each, named=each is place)
            if text:
                self.files += 1
                yield each, finds(each.label, text, self.kinds)

    def _each(self, place: Place) -> Iterator[Place]:
        if not place.is_folder:
            yield place
            return
        number = links = 0
        for folder, folders, names in os.walk(place.path):
            folders[:] = sorted(set(folders) - _SKIPPED)
            for name in sorted(names):
                file = Path(folder, name)
                if file.is_symlink():
                    links += 1
                elif file.is_file():
                    number += 1
                    if number > MOST_FILES:
                        self.partial = True
                        self.notes.append(f"more than {MOST_FILES} files: the rest was not read")
                        return
                    yield Place(file, place.root)
        if links:
            self.notes.append(f"{links} links were not followed")

    def _text(self, place: Place, *, named: bool) -> str:
        """The file's text, empty for one that is binary or, among others in a folder, can't be read."""
        try:
            handle = open_regular("path", place)
        except InputError as error:
            if named:
                raise
            self.notes.append(f"{place.label}: {error.problem}"[:300])
            return ""
        with os.fdopen(handle, "rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        if b"\0" in data[:_BINARY]:
            return ""
        if len(data) > MOST_BYTES:
            self.partial = True
            self.notes.append(f"{place.label}: only the first {MOST_BYTES} bytes were read")
        return data[:MOST_BYTES].decode("utf-8", errors="replace")
