"""Anchors: write-once copies of checkpoints in a second place, where who can change the log can't change them.

An anchor holds a signed checkpoint and the hashes of the leaves since the anchor before it, 45 bytes a record. The
hashes make it possible to say which record is the first that isn't what it was, whatever was rewritten.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bedrock_support.telemetry.audit import note, reader
from bedrock_support.telemetry.audit.faults import AuditConflict, AuditUnavailable
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.merkle import Peaks
from bedrock_support.telemetry.audit.note import BadNote, Checkpoint
from bedrock_support.telemetry.audit.signer import Verifier

SUFFIX = ".anchor"
_HEAD = "leaves from "


class AnchorPlace(Protocol):
    """Somewhere that takes small files once and never changes them. One place for each log; called from threads."""

    def names(self) -> list[str]:
        """Names of the anchors, in order. Raises AuditUnavailable."""
        ...

    def read(self, name: str) -> bytes:
        """Raises AuditUnavailable."""
        ...

    def write(self, name: str, data: bytes) -> bool:
        """False when there is one of that name already, which stays. Raises AuditUnavailable."""
        ...


class FolderPlace:
    """Implements AnchorPlace in a folder: another disk, another machine's share, a WORM volume."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        try:
            return sorted(each.name for each in self._folder.iterdir() if each.name.endswith(SUFFIX))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unavailable(error) from error

    def read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise self._unavailable(error) from error

    def write(self, name: str, data: bytes) -> bool:
        draft = self._folder / f".{name}.{os.getpid()}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
            try:
                with os.fdopen(file, "wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.link(draft, self._folder / name)  # the whole anchor at once, and never over another
            finally:
                draft.unlink()
        except FileExistsError:
            return False
        except OSError as error:
            raise self._unavailable(error) from error
        return True

    def _unavailable(self, error: OSError) -> AuditUnavailable:
        return AuditUnavailable(f"the anchors in {self._folder} can't be used: {error}. Check the folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One anchor, its signature not looked at."""

    signed: str
    checkpoint: Checkpoint
    first: int
    """Index of the first leaf that it holds; the last one is checkpoint.size - 1."""
    leaves: tuple[bytes, ...]

    @property
    def name(self) -> str:
        return f"{self.checkpoint.size:016d}{SUFFIX}"

    def packed(self) -> bytes:
        lines = [base64.b64encode(leaf).decode() for leaf in self.leaves]
        return "\n".join([self.signed + f"\n{_HEAD}{self.first}", *lines, ""]).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> Anchor:
        """Raises BadNote."""
        text, separator, rest = data.decode(errors="replace").partition(f"\n{_HEAD}")
        first, *lines = rest.split("\n")
        try:
            leaves = tuple(base64.b64decode(line, validate=True) for line in lines if line)
            if not separator or not first.isdecimal():
                raise BadNote("not an anchor")
        except binascii.Error:
            raise BadNote("not an anchor: its leaves aren't base64") from None
        return cls(signed=text, checkpoint=note.parse(text), first=int(first), leaves=leaves)


class Anchoring:
    """Copies the newest checkpoint of a log into a place, if the log still is what was anchored before."""

    def __init__(self, files: AuditFiles, verifier: Verifier, place: AnchorPlace) -> None:
        self._files = files
        self._verifier = verifier
        self._place = place
        self._peaks = Peaks()

    def anchor(self) -> Checkpoint | None:
        """What is anchored now; None for an empty log.

        Raises:
            AuditConflict: the log isn't the one that was anchored, or doesn't continue it.
            AuditUnavailable: log or place can't be used.
        """
        before = self._newest()
        with reader.reading(self._files.log) as connection:
            signed = reader.notes(connection)
            if not signed and before is None:
                return None
            start = 0 if before is None else before.size
            now = self._opened(signed[-1][1] if signed else "", start)
            if self._peaks.size > start:  # anchored by us, and taken away since
                self._peaks = Peaks()
            for leaf in reader.leaves(connection, self._peaks.size, start):
                self._peaks.append(leaf)
            if before is not None and (before.origin, before.root) != (now.origin, self._peaks.root()):
                raise self._conflict(f"its first {start} records aren't those that were anchored")
            if now.size == start:
                return now
            fresh = reader.leaves(connection, start, now.size)
        for leaf in fresh:
            self._peaks.append(leaf)
        if self._peaks.root() != now.root:
            raise self._conflict("its records aren't those of its newest checkpoint")
        made = Anchor(signed=signed[-1][1], checkpoint=now, first=start, leaves=tuple(fresh))
        # Where another process was quicker, it must have said the same.
        written = self._place.write(made.name, made.packed())
        if not written and Anchor.unpacked(self._place.read(made.name)).checkpoint != now:
            raise self._conflict(f"another log was anchored at {now.size} records")
        return now

    def _newest(self) -> Checkpoint | None:
        names = self._place.names()
        if not names:
            return None
        try:
            return note.opened(Anchor.unpacked(self._place.read(names[-1])).signed, self._verifier)
        except BadNote as error:
            raise AuditConflict(
                f"the newest anchor, {names[-1]}, is no good: {error}. Give each log its own place"
            ) from error

    def _opened(self, signed: str, least: int) -> Checkpoint:
        try:
            now = note.opened(signed, self._verifier)
        except BadNote as error:
            raise self._conflict(f"its newest checkpoint is no good: {error}") from error
        if now.size < least:
            raise self._conflict(f"it has {now.size} records, and {least} were anchored")
        return now

    def _conflict(self, problem: str) -> AuditConflict:
        return AuditConflict(
            f"the audit trail {self._files.log} was tampered with: {problem}. "
            "Keep the file as evidence and run `bedrock-support audit verify`"
        )


def anchors(place: AnchorPlace) -> list[Anchor | BadNote]:
    """Every anchor of a place, in order; where one can't be read, why."""
    found: list[Anchor | BadNote] = []
    for name in place.names():
        try:
            found.append(Anchor.unpacked(place.read(name)))
        except BadNote as error:
            found.append(BadNote(f"{name}: {error}"))
    return found


def anchored_leaves(held: Sequence[Anchor]) -> dict[int, bytes]:
    """The leaf hashes that anchors hold, by index."""
    known: dict[int, bytes] = {}
    for each in held:
        for offset, leaf in enumerate(each.leaves):
            known[each.first + offset] = leaf
    return known
