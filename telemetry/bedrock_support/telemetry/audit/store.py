"""AuditStore: appends to the log, a group of records and a signed checkpoint in each transaction.

The writer trusts nothing in the file but what the key signed: it goes on only from peaks that hash to the root of the
newest checkpoint. A record that was changed behind its back can't get into a later root, and the change shows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from bedrock_support.routing.clock import Entropy
from bedrock_support.routing.one_file import Layout, OneFile
from bedrock_support.telemetry.audit import note
from bedrock_support.telemetry.audit.faults import AuditConflict, AuditUnavailable
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.merkle import Peaks, leaf_hash
from bedrock_support.telemetry.audit.note import BadNote, Checkpoint
from bedrock_support.telemetry.audit.signer import FileSigner, Signer
from bedrock_support.telemetry.audit.sqlite import PATIENCE, unavailable

VERSION = 1
APPLICATION = 0x42535041
"""BSPA."""
KEPT_EVERY = 256
"""Records between two checkpoints that stay; those between are replaced by the next."""
ORIGIN = "bedrock-support/audit/"

SCHEMA = (
    "CREATE TABLE records (idx INTEGER PRIMARY KEY, body TEXT, leaf BLOB NOT NULL) STRICT",
    "CREATE INDEX by_operation ON records (body ->> '$.operation') WHERE body IS NOT NULL",
    "CREATE INDEX by_subject ON records (body ->> '$.subject') WHERE body IS NOT NULL",
    "CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL, peaks BLOB NOT NULL) STRICT",
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    # A guard against mistakes; against an attacker there are the signatures.
    "CREATE TRIGGER no_delete BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'the log only grows'); END",
    """CREATE TRIGGER no_update BEFORE UPDATE ON records
        WHEN new.idx IS NOT old.idx OR new.leaf IS NOT old.leaf OR new.body IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'the log only grows'); END""",
)


class AuditStore(OneFile):
    """One log, opened when first used. Safe to use from several threads and processes, not over a fork."""

    layout = Layout(APPLICATION, VERSION, SCHEMA)
    patience = PATIENCE
    pragmas = ("secure_delete = ON",)

    def __init__(self, files: AuditFiles, entropy: Entropy, signer: Callable[[], Signer] | None = None) -> None:
        super().__init__(files.log)
        self.files = files
        self._entropy = entropy
        self._make_signer = signer or (lambda: FileSigner.at(files.key, create=not files.log.exists()))
        self._signer: Signer | None = None
        self._origin = ""
        self._peaks = Peaks()
        self._note: str = ""
        """Of the newest checkpoint that this process knows to be good, with its peaks."""
        self._next: tuple[Peaks, str] | None = None
        """What they become when the transaction is through."""

    def append(self, bodies: Sequence[str]) -> int:
        """Write canonical records; durable on return. The index of the first one.

        Raises:
            AuditUnavailable: nothing was written.
        """
        with self._transaction() as connection:
            return self._append(connection, bodies)

    def change(self, work: Callable[[sqlite3.Connection], Sequence[str]]) -> int:
        """Run `work` and append the records it returns, in one transaction: all of it happens or nothing."""
        with self._transaction() as connection:
            return self._append(connection, work(connection))

    def head(self) -> str:
        """The newest signed checkpoint, checked; empty for a log without records."""
        with self._transaction() as connection:
            return self._head(connection)[1]

    @property
    def signer(self) -> Signer:
        """Raises AuditUnavailable when the key can't be used."""
        if self._signer is None:
            self._signer = self._make_signer()
        return self._signer

    def _append(self, connection: sqlite3.Connection, bodies: Sequence[str]) -> int:
        peaks, _ = self._head(connection)
        first = before = peaks.size
        if not bodies:
            return first
        rows: list[tuple[int, str, bytes]] = []
        for body in bodies:
            leaf = leaf_hash(body.encode())
            rows.append((peaks.size, body, leaf))
            peaks.append(leaf)
        connection.executemany("INSERT INTO records VALUES (?, ?, ?)", rows)
        signed = note.sign(Checkpoint(origin=self._origin, size=peaks.size, root=peaks.root()), self.signer)
        if before // KEPT_EVERY == peaks.size // KEPT_EVERY:
            connection.execute("DELETE FROM checkpoints WHERE size = ?", (before,))
        connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?)", (peaks.size, signed, peaks.packed()))
        self._next = peaks, signed
        return first

    def _head(self, connection: sqlite3.Connection) -> tuple[Peaks, str]:
        """The tree as the newest checkpoint has it, if that can be believed."""
        row = connection.execute("SELECT size, note, peaks FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        last = connection.execute("SELECT max(idx) FROM records").fetchone()[0]
        size, signed, packed = row or (0, "", b"")
        if size != (0 if last is None else last + 1):
            raise self._conflict(f"it has {0 if last is None else last + 1} records and a checkpoint of {size}")
        if size < self._peaks.size:
            raise self._conflict(f"it had {self._peaks.size} records and has {size}")
        if signed == self._note:
            return self._peaks.copy(), signed
        if size == self._peaks.size:
            raise self._conflict(f"there are two checkpoints of {size} records")
        try:
            peaks = Peaks.unpacked(size, packed)
            claimed = note.opened(signed, self.signer)
        except (BadNote, ValueError) as error:
            raise self._conflict(f"its newest checkpoint is no good: {error}") from error
        if claimed != Checkpoint(origin=self._origin, size=size, root=peaks.root()):
            raise self._conflict("its newest checkpoint isn't of this tree")
        self._peaks, self._note = peaks, signed
        return peaks.copy(), signed

    def _conflict(self, problem: str) -> AuditConflict:
        return AuditConflict(
            f"the audit trail {self.files.log} was tampered with: {problem}. "
            "Keep the file as evidence and run `bedrock-support audit verify`"
        )

    def _begin(self, connection: sqlite3.Connection) -> None:
        self._next = None
        super()._begin(connection)

    def _committed(self) -> None:
        if self._next is not None:
            self._peaks, self._note = self._next

    def _failed(self, error: sqlite3.Error | OSError | UnicodeError) -> AuditUnavailable:
        if isinstance(error, UnicodeError):
            return AuditUnavailable(f"the audit trail {self.path} holds UTF-8 alone, and a text isn't")
        if not isinstance(error, sqlite3.OperationalError):
            self._close()
        return unavailable(self.path, error)

    def _moved(self) -> None:
        raise AuditConflict(f"the audit trail {self.path} was moved or replaced while in use. Put it back and restart")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._note and not self.path.exists():
                raise AuditConflict(f"the audit trail {self.path} is gone. Put it back and restart")
            _ = self.signer  # before the log: a key made beside an old log would be the wrong one
        return super()._open()

    def _refuse(self, application: int, version: int) -> None:
        if (application, version) != (APPLICATION, VERSION):
            raise AuditUnavailable(
                f"this is no audit trail of layout {VERSION} (application {application:#x}, layout {version}). "
                "Use another folder, or the version of this program that made it"
            )

    def _lay_out(self, connection: sqlite3.Connection, *, empty: bool) -> None:
        super()._lay_out(connection, empty=empty)
        if empty:
            connection.execute("INSERT INTO about VALUES ('origin', ?)", (ORIGIN + self._entropy.token(),))
        origin = connection.execute("SELECT value FROM about WHERE name = 'origin'").fetchone()
        if origin is None:
            raise AuditConflict("the audit trail lost its name. Run `bedrock-support audit verify`")
        self._origin = str(origin[0])
