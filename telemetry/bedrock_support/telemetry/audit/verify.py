"""Whether a log is what was written: every record against its leaf, every leaf against the signed checkpoints, and
the whole against the anchors. One pass, a few hundred bytes of state; the log may be in use.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

from bedrock_support.telemetry.audit import note, reader
from bedrock_support.telemetry.audit.anchor import Anchor, AnchorPlace, anchored_leaves, anchors
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.merkle import EMPTY, WIDTH, Peaks
from bedrock_support.telemetry.audit.note import BadNote, Checkpoint
from bedrock_support.telemetry.audit.signer import Verifier

PRUNED = b'"type":"pruned"'
MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that isn't as it was written."""

    index: int
    """First record that is touched, or may be."""
    exact: bool
    """That record is touched; else the first that is lies at `index` or a little later."""
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a log is worth."""

    origin: str
    records: int
    pruned: int
    """Records of which only the hash is left, each under a signed tombstone."""
    checkpoints: int
    anchors: int
    anchored: int
    """Records up to the newest anchor; what comes after could be cut off without a trace."""
    root: str
    """Hexadecimal."""
    problems: tuple[Problem, ...]

    @property
    def good(self) -> bool:
        return not self.problems

    @property
    def first_bad(self) -> int | None:
        """Index of the first bad record."""
        exact = [each.index for each in self.problems if each.exact]
        return min(exact or [each.index for each in self.problems], default=None)


@dataclass(slots=True)
class _Pass:
    """What one pass over the records has found so far."""

    wanted: dict[int, list[tuple[str, Checkpoint]]]
    """By size: checkpoints to compare with, and what each is called."""
    known: dict[int, bytes]
    """Leaves as anchored, by index."""
    tree: Peaks = field(default_factory=Peaks)
    problems: list[Problem] = field(default_factory=list[Problem])
    bare: list[int] = field(default_factory=list[int])
    """Records without a body."""
    covered: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Ranges that tombstones name."""
    agreed: int = 0
    """Size of the last checkpoint that fitted."""
    off: bool = False
    """A leaf differs from its anchor: later roots can't fit, and saying so helps nobody."""

    def bad(self, index: int, what: str, *, exact: bool = True) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(index=index, exact=exact, what=what))

    def run(self, rows: Iterable[reader.Row]) -> None:
        wanted, known, append = self.wanted, self.known, self.tree.append
        for expected, row in enumerate(rows):
            if row.index != expected:
                self.bad(expected, f"record {expected} is missing; {row.index} comes next")
                return
            body, leaf = row.body, row.leaf
            if body is None:
                self.bare.append(expected)
                if len(leaf) != WIDTH:
                    self.bad(expected, f"the leaf of record {expected} is no hash")
            elif sha256(b"\x00" + body).digest() != leaf:
                self.bad(expected, f"record {expected} doesn't fit its hash")
            elif PRUNED in body:
                self._tombstone(body)
            if known and not self.off and known.get(expected, leaf) != leaf:
                self.off = True
                self.bad(expected, f"record {expected} isn't the one that was anchored")
            append(leaf)
            if expected + 1 in wanted:
                self._compare(expected + 1)

    def _compare(self, size: int) -> None:
        fits = True
        root = self.tree.root()
        for name, checkpoint in self.wanted.pop(size):
            if checkpoint.root != root:
                fits = False
                if not self.problems:
                    what = f"records {self.agreed} to {size - 1} aren't those of {name} of {size}"
                    self.bad(self.agreed, what, exact=False)
        if fits and not self.problems:
            self.agreed = size

    def _tombstone(self, body: bytes) -> None:
        try:
            record = cast("dict[str, Any]", json.loads(body))
            if record["type"] == "pruned":
                self.covered += [(int(first), int(end)) for first, end in record["ranges"]]
        except (ValueError, KeyError, TypeError):
            return


def verify(files: AuditFiles, verifier: Verifier, places: Sequence[AnchorPlace] = ()) -> Verdict:
    """Read the whole log against its checkpoints and anchors.

    Raises:
        AuditUnavailable: log or anchors can't be read at all.
    """
    held: list[Anchor] = []
    unread: list[str] = []
    for place in places:
        for each in anchors(place):
            if isinstance(each, BadNote):
                unread.append(str(each))
            else:
                held.append(each)
    held.sort(key=lambda each: each.checkpoint.size)
    with reader.reading(files.log) as connection:
        try:
            return _verdict(connection, verifier, held, unread)
        except (sqlite3.DatabaseError, TypeError) as error:
            problem = Problem(index=0, exact=False, what=f"the file is damaged: {error}")
            return _worded("", _Pass({}, {}), [], held, [problem])


def _verdict(connection: sqlite3.Connection, verifier: Verifier, held: list[Anchor], unread: list[str]) -> Verdict:
    origin = reader.origin(connection)
    signed = reader.notes(connection)
    work = _Pass({}, anchored_leaves(held))
    unsigned = [Problem(index=0, exact=False, what=f"anchor {what}") for what in unread]
    texts = [*(("the checkpoint", text) for _, text in signed), *(("the anchor", each.signed) for each in held)]
    for name, text in texts:
        found = _believed(text, verifier, origin)
        if isinstance(found, Checkpoint):
            work.wanted.setdefault(found.size, []).append((name, found))
        else:
            unsigned.append(Problem(index=0, exact=False, what=f"{name} {text[:120]!r}: {found}"))
    _damage_told(work, connection)
    size = work.tree.size
    newest = signed[-1][0] if signed else 0
    if not work.problems:
        if newest < size:
            work.bad(newest, f"records from {newest} on are under no signed checkpoint", exact=False)
        for beyond in sorted(work.wanted):
            work.bad(size, f"record {size} and later are gone: {work.wanted[beyond][0][0]} has {beyond}")
            break
    if size == 0 and signed and not work.problems:
        work.bad(0, "the log is empty and has checkpoints")
    _uncovered(work)
    return _worded(origin, work, signed, held, [*work.problems, *unsigned[:MOST_PROBLEMS]])


def _believed(text: str, verifier: Verifier, origin: str) -> Checkpoint | str:
    """The checkpoint, or what is wrong with it."""
    try:
        checkpoint = note.opened(text, verifier)
    except BadNote as error:
        return str(error)
    return checkpoint if checkpoint.origin == origin else f"it is of another log, {checkpoint.origin}"


def _damage_told(work: _Pass, connection: sqlite3.Connection) -> None:
    try:
        work.run(reader.rows(connection))
    except (sqlite3.DatabaseError, TypeError, ValueError) as error:
        work.bad(work.tree.size, f"record {work.tree.size} can't be read: {error}")


def _uncovered(work: _Pass) -> None:
    """Records without a body that no tombstone names."""
    ranges = sorted(work.covered)
    at = 0
    for index in work.bare:
        while at < len(ranges) and ranges[at][1] <= index:
            at += 1
        if at == len(ranges) or index < ranges[at][0]:
            work.bad(index, f"record {index} was emptied, and no tombstone says so")
            return


def _worded(origin: str, work: _Pass, signed: Sequence[object], held: list[Anchor], problems: list[Problem]) -> Verdict:
    return Verdict(
        origin=origin,
        records=work.tree.size,
        pruned=len(work.bare),
        checkpoints=len(signed),
        anchors=len(held),
        anchored=held[-1].checkpoint.size if held else 0,
        root=(work.tree.root() if work.tree.size else EMPTY).hex(),
        problems=tuple(sorted(problems, key=lambda each: (each.index, not each.exact))),
    )
