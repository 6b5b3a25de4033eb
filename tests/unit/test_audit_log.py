"""The log's file: what it refuses, what it survives, what verification finds."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bedrock_support.routing.clock import SystemEntropy
from bedrock_support.telemetry.audit.anchor import Anchoring, FolderPlace
from bedrock_support.telemetry.audit.canonical import canonical
from bedrock_support.telemetry.audit.faults import AuditConflict, AuditUnavailable
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.signer import FileSigner, PublicKey
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.verify import Verdict, verify
from benchmarks.audit_tamper import ATTACKS, run
from tests.promises import promise


def store_at(folder: Path) -> AuditStore:
    return AuditStore(AuditFiles(folder=folder), SystemEntropy())


def body(number: int) -> str:
    return canonical({"type": "opened", "operation": f"op-{number}"})


def checked(folder: Path, *places: FolderPlace) -> Verdict:
    files = AuditFiles(folder=folder)
    return verify(files, PublicKey.read(files.public_key), places)


@promise("audit:tamper")
def test_every_tampered_copy_is_found_at_the_right_record(tmp_path: Path) -> None:
    """benchmarks/audit_tamper.py does it ten thousand times."""
    seen = run(len(ATTACKS) * 30, 7, tmp_path)
    assert set(seen) == set(ATTACKS)


@promise("audit:tamper")
def test_what_was_never_anchored_can_be_cut_off_and_the_verdict_says_how_much(tmp_path: Path) -> None:
    store, place = store_at(tmp_path), FolderPlace(tmp_path / "anchors")
    store.append([body(1)])
    Anchoring(store.files, store.signer, place).anchor()
    store.close()
    shutil.copy(store.files.log, tmp_path / "old")
    store.append([body(2), body(3)])
    store.close()
    assert (checked(tmp_path, place).records, checked(tmp_path, place).anchored) == (3, 1)
    shutil.copy(tmp_path / "old", store.files.log)
    assert checked(tmp_path, place).good  # the documented limit


@promise("audit:tamper")
def test_the_writer_notices_a_log_that_was_rolled_back_or_forged(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    store.append([body(1)])
    store.close()
    old = sqlite3.connect(store.files.log)
    first = old.execute("SELECT * FROM checkpoints").fetchone()
    old.close()
    store.append([body(2)])
    with sqlite3.connect(store.files.log, isolation_level=None) as connection:
        connection.execute("DROP TRIGGER no_delete")
        connection.execute("DELETE FROM records WHERE idx = 1")
        with pytest.raises(AuditConflict, match="it has 1 records and a checkpoint of 2"):
            store.append([body(3)])
        connection.execute("DELETE FROM checkpoints")
        connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?)", first)
        with pytest.raises(AuditConflict, match="it had 2 records and has 1"):
            store.append([body(3)])
        connection.execute("UPDATE checkpoints SET peaks = zeroblob(32)")
        with pytest.raises(AuditConflict, match="isn't of this tree"):
            store_at(tmp_path).append([body(3)])
        connection.execute("UPDATE checkpoints SET note = 'nonsense'")
        with pytest.raises(AuditConflict, match="is no good"):
            store_at(tmp_path).append([body(3)])
    connection.close()


@promise("audit:tamper")
def test_a_file_of_rubbish_is_found_bad_and_refused(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    store.append([body(each) for each in range(300)])
    store.close()
    data = bytearray(store.files.log.read_bytes())
    for at in range(4096, len(data), 1000):
        data[at : at + 500] = b"\xff" * len(data[at : at + 500])
    store.files.log.write_bytes(data)
    assert not checked(tmp_path).good
    with pytest.raises(AuditUnavailable, match=r"restore a copy|tampered"):
        store_at(tmp_path).append([body(1)])


@promise("audit:anchored")
def test_an_anchor_is_written_once_and_a_log_that_does_not_continue_it_is_told(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "anchors")
    first, second = store_at(tmp_path / "a"), store_at(tmp_path / "b")
    assert place.names() == []
    first.append([body(1), body(2)])
    anchoring = Anchoring(first.files, first.signer, place)
    made = anchoring.anchor()
    assert made is not None
    assert anchoring.anchor() == made
    assert len(place.names()) == 1
    kept = tmp_path / "anchors" / place.names()[0]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    assert not place.write(place.names()[0], b"something else")
    second.append([body(each) for each in range(5)])
    with pytest.raises(AuditConflict, match="signed by another key"):
        Anchoring(second.files, second.signer, place).anchor()
    assert Anchoring(first.files, first.signer, FolderPlace(tmp_path / "none")).anchor() == made
    kept.chmod(0o600)
    kept.write_bytes(b"rubbish")
    with pytest.raises(AuditConflict, match="is no good"):
        anchoring.anchor()
    assert "not an anchor" in checked(tmp_path / "a", place).problems[0].what


@promise("audit:anchored")
def test_anchoring_notices_a_record_changed_since_the_last_anchor(tmp_path: Path) -> None:
    store, place = store_at(tmp_path), FolderPlace(tmp_path / "anchors")
    store.append([body(1), body(2)])
    Anchoring(store.files, store.signer, place).anchor()
    store.append([body(3)])
    with sqlite3.connect(store.files.log, isolation_level=None) as connection:
        connection.execute("DROP TRIGGER no_update")
        connection.execute("UPDATE records SET leaf = zeroblob(32) WHERE idx = 0")
    connection.close()
    with pytest.raises(AuditConflict, match="its first 2 records aren't those that were anchored"):
        Anchoring(store.files, store.signer, place).anchor()


@promise("audit:key")
def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    store = store_at(tmp_path / "new")
    store.append([body(1)])
    files = store.files
    for path in (files.key, files.log):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PublicKey.read(files.public_key).public == FileSigner.at(files.key, create=True).public
    files.key.chmod(0o640)
    with pytest.raises(AuditUnavailable, match=r"others may read the key .* chmod 600"):
        store_at(tmp_path / "new").append([body(2)])
    files.key.unlink()
    with pytest.raises(AuditUnavailable, match="with another key no old entry verifies"):
        store_at(tmp_path / "new").append([body(2)])
    files.key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(AuditUnavailable, match="can't be read"):
        PublicKey.read(files.key)


@promise("audit:full-disk")
def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    store.append([body(1)])
    connection = store._connection  # pyright: ignore[reportPrivateUsage] - the limit is the connection's own
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(AuditUnavailable, match="Free disk space"):
        store.append([canonical({"type": "x" * 100_000})])
    connection.execute("PRAGMA max_page_count = 100000")
    assert store.append([body(2)]) == 1
    assert checked(tmp_path).good
    assert checked(tmp_path).records == 2


@promise("audit:full-disk")
def test_a_write_ahead_log_cut_anywhere_leaves_a_log_that_verifies(tmp_path: Path) -> None:
    """What a torn write at a power cut leaves: whole groups of records, never half of one."""
    store = store_at(tmp_path / "log")
    for number in range(6):
        store.append([body(number * 2), body(number * 2 + 1)])
    wal = (tmp_path / "log" / "log.db-wal").read_bytes()
    seen: set[int] = set()
    for cut in range(0, len(wal), len(wal) // 60):
        torn = AuditFiles(folder=tmp_path / f"torn-{cut}")
        torn.folder.mkdir()
        for path in (store.files.log, store.files.key, store.files.public_key):
            shutil.copy(path, torn.folder / path.name)
        (torn.folder / "log.db-wal").write_bytes(wal[:cut] + b"\xff" * 100)
        try:
            again = AuditStore(torn, SystemEntropy())
            first = again.append([body(99)])
        except AuditConflict:
            continue  # before the first commit: no tables yet
        again.close()
        assert first % 2 == 0
        assert checked(torn.folder).good
        seen.add(first)
    assert {2, 6, 10} <= seen
    store.close()


@promise("audit:full-disk")
def test_a_file_that_is_not_ours_gone_or_locked_is_told(tmp_path: Path) -> None:
    foreign = AuditFiles(folder=tmp_path / "foreign")
    foreign.folder.mkdir()
    with sqlite3.connect(foreign.log) as connection:
        connection.execute("CREATE TABLE other (a)")
    connection.close()
    with pytest.raises(AuditUnavailable, match="no audit trail of layout 1"):
        AuditStore(foreign, SystemEntropy(), lambda: FileSigner.at(foreign.key, create=True)).append([body(1)])
    store = store_at(tmp_path / "gone")
    store.append([body(1)])
    store.files.log.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(AuditConflict, match="Put it back and restart"):
            store.append([body(2)])
    with pytest.raises(AuditUnavailable, match="there is no audit trail"):
        checked(tmp_path / "gone")


WRITE = """
import sys
from pathlib import Path
from tests.unit.test_audit_log import body, store_at
store = store_at(Path(sys.argv[1]))
for number in range(100):
    store.append([body(number)])
"""


@promise("audit:shared")
def test_three_processes_write_one_log_from_its_first_record_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE, str(tmp_path)]
    children = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(3)]
    assert [child.wait(50) for child in children] == [0, 0, 0]
    verdict = checked(tmp_path)
    assert verdict.good
    assert verdict.records == 300
