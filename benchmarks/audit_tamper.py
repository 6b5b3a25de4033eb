"""Tamper with copies of an audit trail, again and again, and see whether verification notices and where.

    python -m benchmarks.audit_tamper [COPIES] [SEED]

The attacker may write every file but the anchors, knows the format, and has no key. Half of the time they recompute
every hash, so that only signatures and anchors can tell. Each attack touches a record that was anchored.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.routing.clock import SystemEntropy
from bedrock_support.telemetry.audit.anchor import Anchoring, FolderPlace
from bedrock_support.telemetry.audit.canonical import canonical
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.merkle import Peaks, leaf_hash
from bedrock_support.telemetry.audit.note import Checkpoint, sign
from bedrock_support.telemetry.audit.signer import FileSigner
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.verify import Verdict, verify

RECORDS = 300
ANCHORED = (60, 150, 240)
"""Sizes at which the log is anchored; the newest is what counts."""
Rows = list[tuple[str, bytes]]


def record(number: int) -> str:
    """A record like those of the product."""
    return canonical(
        {
            "v": 1,
            "type": "opened",
            "at": 1_800_000_000_000_000 + number,
            "operation": f"{number:032x}",
            "subject": "5" * 32,
            "tool": "triage_incident",
            "digests": {"brief": f"{number:064x}"},
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A good log, its anchors, and an old copy of it."""

    files: AuditFiles
    old: Path
    key: FileSigner
    place: FolderPlace


def prepare(folder: Path) -> Scene:
    """Write and anchor a log, one record in a transaction, so that every size was once signed."""
    files = AuditFiles(folder=folder / "log")
    store = AuditStore(files, SystemEntropy())
    place = FolderPlace(folder / "anchors")
    old = folder / "old.db"
    for number in range(RECORDS):
        store.append([record(number)])
        if number + 1 in ANCHORED:
            Anchoring(files, store.signer, place).anchor()
        if number + 1 == ANCHORED[-1] - 1:
            store.close()
            shutil.copy(files.log, old)
    store.close()
    scene = Scene(files=files, old=old, key=FileSigner.at(files.key, create=False), place=place)
    assert verify(files, scene.key, [place]).good
    return scene


def _edit(rows: Rows, at: int, chance: random.Random) -> int:
    body, leaf = rows[at]
    position = chance.randrange(len(body))
    other = chance.choice([char for char in "0123456789abcxyz" if char != body[position]])
    rows[at] = body[:position] + other + body[position + 1 :], leaf
    return at


def _swap(rows: Rows, at: int, chance: random.Random) -> int:
    other = chance.choice([index for index in range(len(rows)) if index != at])
    rows[at], rows[other] = rows[other], rows[at]
    return min(at, other)


def _insert(rows: Rows, at: int, chance: random.Random) -> int:
    body = record(chance.randrange(10**6, 10**7))
    rows.insert(at, (body, leaf_hash(body.encode())))
    return at


def _drop(rows: Rows, at: int, _: random.Random) -> int:
    del rows[at]
    return at


def _truncate(rows: Rows, at: int, _: random.Random) -> int:
    del rows[at:]
    return at


def _repeat(rows: Rows, at: int, chance: random.Random) -> int:
    rows.insert(at, rows[chance.randrange(at)] if at else rows[-1])
    return at


EDITS: dict[str, Callable[[Rows, int, random.Random], int]] = {
    "edit": _edit,
    "swap": _swap,
    "insert": _insert,
    "drop": _drop,
    "truncate": _truncate,
    "repeat": _repeat,
}
ATTACKS = (*EDITS, "empty", "old copy", "other key")


def tamper(scene: Scene, files: AuditFiles, attack: str, chance: random.Random) -> int:
    """Do it to the copy in `files`; the index of the first record that isn't what it was."""
    if attack == "old copy":
        shutil.copy(scene.old, files.log)
        return ANCHORED[-1] - 1
    connection = sqlite3.connect(files.log, isolation_level=None)
    try:
        for trigger in ("no_delete", "no_update"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for index in ("by_operation", "by_subject"):  # they'd refuse what is no JSON
            connection.execute(f"DROP INDEX {index}")
        at = chance.randrange(ANCHORED[-1])
        if attack == "empty":
            connection.execute("UPDATE records SET body = NULL WHERE idx = ?", (at,))
            return at
        rows: Rows = connection.execute("SELECT body, leaf FROM records ORDER BY idx").fetchall()
        wholly = chance.random() < 0.5 or attack == "other key"
        first = EDITS["edit" if attack == "other key" else attack](rows, at, chance)
        if wholly:
            rows = [(body, leaf_hash(body.encode())) for body, _ in rows]
        connection.execute("BEGIN")
        connection.execute("DELETE FROM records")
        connection.executemany("INSERT INTO records VALUES (?, ?, ?)", [(i, *row) for i, row in enumerate(rows)])
        _forge(connection, rows, wholly, attack == "other key", chance)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return first


def _forge(connection: sqlite3.Connection, rows: Rows, wholly: bool, other_key: bool, chance: random.Random) -> None:
    """Checkpoints: left alone, cut to what still fits, or made anew with a key of the attacker's own."""
    if not wholly and chance.random() < 0.5:
        return
    size = len(rows)
    connection.execute("DELETE FROM checkpoints WHERE size > ?", (size,))
    if wholly:
        tree = Peaks()
        for _, leaf in rows:
            tree.append(leaf)
        origin = connection.execute("SELECT value FROM about").fetchone()[0]
        note = sign(Checkpoint(origin=origin, size=size, root=tree.root()), _stranger())
        connection.execute("DELETE FROM checkpoints")
        if other_key or chance.random() < 0.8:
            connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?)", (size, note, tree.packed()))


def _stranger() -> FileSigner:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return FileSigner(Ed25519PrivateKey.generate())


def trial(scene: Scene, folder: Path, attack: str, chance: random.Random) -> tuple[int, Verdict]:
    """One tampered copy: where it was touched first, and what verification says."""
    files = AuditFiles(folder=folder)
    folder.mkdir(exist_ok=True)
    for suffix in ("-wal", "-shm"):
        files.log.with_name(files.log.name + suffix).unlink(missing_ok=True)
    shutil.copy(scene.files.log, files.log)
    first = tamper(scene, files, attack, chance)
    return first, verify(files, scene.key, [scene.place])


def run(copies: int, seed: int, folder: Path) -> Counter[str]:
    """Tamper with `copies` copies; raises AssertionError at the first that passes, or is blamed on another record."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice of attacks
    scene = prepare(folder)
    seen: Counter[str] = Counter()
    for number in range(copies):
        attack = ATTACKS[number % len(ATTACKS)]
        first, verdict = trial(scene, folder / "copy", attack, chance)
        assert not verdict.good, f"copy {number}: {attack} at {first} passed"
        assert verdict.first_bad == first, f"copy {number}: {attack} at {first}, blamed on {verdict.problems}"
        seen[attack] += 1
    return seen


def main() -> None:
    """Print what was tried and what was found."""
    copies = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        seen = run(copies, seed, Path(folder))
    print(f"{copies} tampered copies in {time.monotonic() - began:.0f} s: all detected, each at the right record")
    print(json.dumps(dict(seen)))


if __name__ == "__main__":
    main()
