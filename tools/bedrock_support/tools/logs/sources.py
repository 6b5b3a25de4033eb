"""Where log bytes come from: pasted text, one file, or the log files of a folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bedrock_support.tools.base import InputError
from bedrock_support.tools.logs.unpack import Convert, converter
from bedrock_support.tools.paths import Place, confine, open_regular

MAX_FILES = 50
MAX_DEPTH = 6
MAX_ENTRIES = 20_000
PEEK = 8_192
_LAYERS = 2
"""So many times a file is unpacked: an export may be packed, a packed file inside a packed one is nobody's log."""
LOG_SUFFIXES = frozenset({".log", ".txt", ".out", ".err", ".jsonl", ".ndjson", ".json", ".trace"})
LOG_NAMES = frozenset({"syslog", "messages", "dmesg", "stdout", "stderr", "console"})
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
_MAGIC = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2-compressed",
    b"\xfd7zXZ\x00": "xz-compressed",
    b"\x7fELF": "a program",
}
_CONTROL = bytes(set(range(32)) - {7, 8, 9, 10, 12, 13, 27})


@dataclass(slots=True)
class Source:
    """One stretch of log bytes that can be read at any offset."""

    label: str
    size: int
    modified: float
    """Unix seconds; the best guess for stamps without a year."""
    handle: int = -1
    text: bytes = b""
    spool: IO[bytes] | None = None
    notes: list[str] = field(default_factory=list[str])

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes; fewer at the end, or when the file was cut in the meantime."""
        count = min(count, self.size - offset)
        if count <= 0:
            return b""
        if self.handle < 0:
            return self.text[offset : offset + count]
        return os.pread(self.handle, count, offset)

    @property
    def is_file(self) -> bool:
        """Whether something of the system is held that must be given back."""
        return self.handle >= 0 or self.spool is not None

    def changed(self) -> bool:
        """Whether the file is no longer as long as when it was opened."""
        return self.handle >= 0 and self.spool is None and os.fstat(self.handle).st_size != self.size

    def close(self) -> None:
        if self.spool is not None:
            self.spool.close()
        elif self.handle >= 0:
            os.close(self.handle)
        self.handle, self.spool = -1, None


def from_text(text: str, wall: float) -> Source:
    """Pasted text as a source; lone surrogates become question marks."""
    data = text.encode("utf-8", "replace")
    return Source("text", len(data), wall, text=data)


def open_place(value: str, roots: tuple[Path, ...], expired: Callable[[], bool]) -> tuple[list[Source], list[str]]:
    """Open the file or the log files of the folder that `value` names; the second part says what was left out.

    Raises:
        InputError: nothing there can be read as a log.
    """
    place = confine("path", value, roots)
    if not place.is_folder:
        return [_open(place, expired)], []
    found, limits = _walk(place, roots)
    if not found:
        mend = "Name the log file itself, or a folder that holds *.log, *.txt, *.out or *.jsonl"
        raise InputError("path", value, "the folder holds no log files", mend)
    return _open_all(value, found, limits, expired)


def _open_all(
    value: str, found: list[Place], limits: list[str], expired: Callable[[], bool]
) -> tuple[list[Source], list[str]]:
    opened: list[Source] = []
    refused: list[str] = []
    try:
        for place in found:
            try:
                opened.append(_open(place, expired))
            except InputError as error:
                refused.append(f"{place.label} was left out: {error.problem}")
    except BaseException:
        for source in opened:
            source.close()
        raise
    if not opened:
        raise InputError("path", value, f"no file in the folder can be read; {refused[0]}", "Name a readable log file")
    limits += refused[:5] + ([f"{len(refused) - 5} more files were left out"] if len(refused) > 5 else [])
    return opened, limits


def _open(place: Place, expired: Callable[[], bool]) -> Source:
    handle = open_regular("path", place)
    about = os.fstat(handle)
    source = Source(place.label, about.st_size, about.st_mtime, handle)
    try:
        head = source.read_at(0, PEEK)
        return _unpacked(source, head, expired)
    except BaseException:
        source.close()
        raise


def _unpacked(source: Source, head: bytes, expired: Callable[[], bool]) -> Source:
    try:
        for _ in range(_LAYERS):
            found = converter(head)
            if found is None:
                break
            source = _spooled(source, expired, *found)
            head = source.read_at(0, PEEK)
        _refuse_binary(source.label, head)
    except BaseException:
        source.close()
        raise
    return source


def _refuse_binary(label: str, head: bytes) -> None:
    mend = "Name a plain text log, or unpack it first"
    if not head:
        raise InputError("path", label, "the file is empty", "Name a log with lines in it")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise InputError("path", label, f"is {what}, not a text log", mend)
    if b"\0" in head or len(head) - len(head.translate(None, _CONTROL)) > len(head) // 10:
        raise InputError("path", label, "is a binary file (NUL or control bytes at its start)", mend)


def _spooled(source: Source, expired: Callable[[], bool], note: str, convert: Convert) -> Source:
    # An unnamed file: it is gone with the process, however that ends.
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - the new source owns and closes it
    try:
        whole = convert(source, spool, expired)
        spool.flush()
    except BaseException:
        spool.close()
        raise
    notes = [*source.notes, f"{source.label} was {note}"]
    if not whole:
        notes.append(f"only the first part of {source.label} was unpacked")
    source.close()
    size = os.fstat(spool.fileno()).st_size
    return Source(source.label, size, source.modified, spool.fileno(), spool=spool, notes=notes)


def _walk(place: Place, roots: tuple[Path, ...]) -> tuple[list[Place], list[str]]:
    found: list[Path] = []
    seen = deep = 0
    for folder, folders, files in os.walk(place.path, followlinks=False):
        depth = len(Path(folder).relative_to(place.path).parts)
        kept = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED_FOLDERS)
        deep += len(kept) if depth >= MAX_DEPTH else 0
        folders[:] = kept if depth < MAX_DEPTH else []
        found += [Path(folder, name) for name in sorted(files) if _is_log(name)]
        seen += len(files) + len(folders)
        if seen > MAX_ENTRIES:
            break
    limits = [f"folders deeper than {MAX_DEPTH} levels were not entered ({deep} left out)"] if deep else []
    if seen > MAX_ENTRIES:
        limits.append(f"the search for log files stopped after {MAX_ENTRIES} entries")
    return _newest(found, roots, limits)


def _newest(found: list[Path], roots: tuple[Path, ...], limits: list[str]) -> tuple[list[Place], list[str]]:
    places: dict[Path, tuple[float, Place]] = {}
    outside = 0
    for path in found:
        try:
            inside = confine("path", str(path), roots)
            if not inside.is_folder:
                places[inside.path] = (inside.path.stat().st_mtime, inside)
        except (InputError, OSError):
            outside += 1
    if outside:
        limits.append(f"{outside} files were left out: links out of the allowed folders, or not regular files")
    newest = sorted(places.values(), key=lambda pair: (-pair[0], pair[1].label))
    if len(newest) > MAX_FILES:
        limits.append(f"only the {MAX_FILES} newest of {len(newest)} log files were read")
    return sorted((place for _, place in newest[:MAX_FILES]), key=lambda each: each.label), limits


def _is_log(name: str) -> bool:
    low = name.lower().removesuffix(".gz").removesuffix(".zst")
    # CloudWatch's export to S3 names its files by number alone.
    if low != name.lower() and low.isdigit():
        return True
    stem = low.rstrip("0123456789").rstrip(".-")
    return not low.startswith(".") and (
        Path(low).suffix in LOG_SUFFIXES or stem.endswith(".log") or stem in LOG_NAMES or ".log." in low
    )
