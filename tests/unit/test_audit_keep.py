"""How long records are kept, by setting and class; a trail that prunes by itself; keys that are really overwritten."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.model import Clearance
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.retention import keep_days, kept
from bedrock_support.server.settings import Settings, load
from bedrock_support.telemetry.audit import sqlite, upkeep
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.records import opened
from bedrock_support.telemetry.audit.signer import PublicKey
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.subjects import SubjectKeys
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.telemetry.audit.verify import Verdict, verify
from tests.fakes import CountingEntropy, FakeClock, operation
from tests.promises import promise

pytestmark = pytest.mark.anyio

DAY = 86_400.0


def found(*labels: str) -> Clearance:
    marks = {f"[[{label}_{at}_0badcafe]]": "x" for at, label in enumerate(labels, 1)}
    return Clearance(operation=operation(), routes=frozenset(), restore=marks)


@promise("audit:keep")
@pytest.mark.parametrize(
    ("labels", "retention"),
    [((), "other"), (("SECRET",), "secret"), (("SECRET", "OTP"), "secret"), (("SECRET", "EMAIL"), "personal")],
)
def test_a_record_is_of_the_class_of_what_was_found(labels: tuple[str, ...], retention: str) -> None:
    assert opened(found(*labels), "a", 0.0, "1").fields["retention"] == retention


@promise("audit:keep")
def test_days_are_a_setting_by_class() -> None:
    assert keep_days(Settings()) == {"personal": 90, "secret": 90, "other": 365}
    told = load({"BEDROCK_SUPPORT_AUDIT_KEEP": "personal=7, other=30"})
    assert keep_days(told) == {"personal": 7, "secret": 90, "other": 30}
    assert kept(told)["audit records, personal"] == "7 days"
    assert not any(name.startswith("audit records") for name in kept(Settings()))
    for wrong in ("people=7", "personal", "personal=0", "personal=x", "personal=99999"):
        with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_AUDIT_KEEP"):
            keep_days(Settings(audit_keep=wrong))


@promise("audit:keep", "audit:retention")
async def test_a_trail_prunes_by_itself_once_a_day_and_the_tree_verifies(tmp_path: Path) -> None:
    clock, files = FakeClock(), AuditFiles(folder=tmp_path)
    trail = AuditTrail(files, clock, CountingEntropy(), keep={"personal": 2, "secret": 5, "other": 9})
    assert await trail.prune({"personal": 2}) == 0, "there is nothing yet, and nothing is made"
    assert not files.log.exists()
    for each in (found("EMAIL"), found("SECRET"), found()):
        await trail.opened(each, "anna")

    def verdict() -> Verdict:
        return verify(files, PublicKey.read(files.public_key), [])

    gone: list[int] = []
    for day in (3, 6, 10):
        clock.time = 1000.0 + day * DAY
        async with anyio.create_task_group() as group:
            group.start_soon(trail.run)
            with anyio.fail_after(30):
                while (await anyio.to_thread.run_sync(verdict)).pruned <= len(gone):  # noqa: ASYNC110
                    await anyio.sleep(0.05)
            group.cancel_scope.cancel()
        seen = await anyio.to_thread.run_sync(verdict)
        assert seen.good
        gone.append(seen.pruned)
    assert gone == [1, 2, 3]
    await trail.aclose()


@promise("audit:erase")
def test_a_key_that_somebody_reads_is_erased_when_they_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
    files, entropy = AuditFiles(folder=tmp_path), CountingEntropy()
    store, subjects = AuditStore(files, entropy), SubjectKeys(files.subjects, entropy)
    key = subjects.of("anna").key
    reader = sqlite3.connect(files.subjects, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM subjects").fetchall()
    with pytest.raises(AuditUnavailable, match="audit erase"):
        upkeep.erase(store, subjects, "anna", FakeClock())
    reader.execute("ROLLBACK")
    assert upkeep.erase(store, subjects, "anna", FakeClock()) is None
    store.close()
    subjects.close()
    reader.close()
    for each in tmp_path.iterdir():
        assert key not in each.read_bytes(), each
    assert verify(files, PublicKey.read(files.public_key), []).records == 1
