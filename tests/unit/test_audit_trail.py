"""What the gate has written down: before, after, of refusals, and never any content."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.compliance import ComplianceValidator, Destinations, Entry
from bedrock_support.routing.model import Clearance, Failure, FailureKind, OperationClass, Outcome, Refusal
from bedrock_support.telemetry.audit import reader, upkeep
from bedrock_support.telemetry.audit.anchor import AnchorPlace, FolderPlace
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.group import GroupCommit
from bedrock_support.telemetry.audit.ocsf import event
from bedrock_support.telemetry.audit.signer import PublicKey
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.subjects import SubjectKeys
from bedrock_support.telemetry.audit.trail import ANCHOR_SECONDS, AuditTrail
from bedrock_support.telemetry.audit.verify import Verdict, verify
from tests.fakes import CountingEntropy, FakeClock, clearance, operation, reply
from tests.promises import promise

EU = Destinations(region="eu-central-1", endpoint_url=None, models=frozenset({"eu.model"}))
DAY = 86_400.0


def files_in(folder: Path) -> AuditFiles:
    return AuditFiles(folder=folder / "audit")


def place_in(folder: Path) -> AnchorPlace:
    return FolderPlace(folder / "anchors")


class Rig:
    """A gate with a trail in a folder."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.entropy = FakeClock(), CountingEntropy()
        self.files = files_in(folder)
        self.trail = AuditTrail(self.files, self.clock, self.entropy, server="1", place=lambda: place_in(folder))
        self.gate = ComplianceValidator(EU, self.entropy, self.trail)
        self.folder = folder

    def writing(self) -> tuple[AuditStore, SubjectKeys]:
        return AuditStore(self.files, self.entropy), SubjectKeys(self.files.subjects, self.entropy)

    def records(self) -> list[dict[str, Any]]:
        with reader.reading(self.files.log) as connection:
            return [json.loads(row.body) for row in reader.rows(connection) if row.body]

    def verdict(self) -> Verdict:
        return verify(self.files, PublicKey.read(self.files.public_key), [place_in(self.folder)])

    async def said(self) -> list[dict[str, Any]]:
        return await anyio.to_thread.run_sync(self.records)


@promise("audit:before", "audit:closed")
async def test_an_operation_is_opened_before_it_leaves_and_closed_after(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    asked = operation(OperationClass.EMERGENCY, brief="mail anna@example.org, password=hunter22")
    cleared = await rig.gate.look(asked)
    assert isinstance(cleared, Clearance)
    assert await rig.gate.open(cleared, "stdio") is None
    (opened,) = await rig.said()
    assert (opened["type"], opened["class"], opened["tool"]) == ("opened", "emergency", "triage_incident")
    assert opened["routes"] == ["direct", "mcp"]
    assert sum(opened["found"].values()) == len(cleared.restore) == 2
    assert "EMAIL" in opened["found"]
    assert opened["retention"] == "personal"
    await rig.gate.settle(Outcome(operation=asked, reply=reply("fine")), cleared, "stdio")
    _, closed = await rig.said()
    assert (closed["type"], closed["outcome"], closed["operation"]) == ("closed", "reply", "op-1")
    assert closed["subject"] == opened["subject"]
    await rig.trail.aclose()
    verdict = await anyio.to_thread.run_sync(rig.verdict)
    assert (verdict.good, verdict.records, verdict.anchored) == (True, 2, 2)


@promise("audit:before", "audit:closed")
async def test_what_never_leaves_has_both_its_entries_at_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    entry = Entry(rig.gate, clearance(), "a")
    assert await entry.close(Outcome(operation=operation(), reply=reply("remembered"))) is None
    opened, closed = await rig.said()
    assert (opened["type"], closed["type"], closed["outcome"]) == ("opened", "closed", "reply")
    assert (opened["operation"], opened["at"]) == (closed["operation"], closed["at"])
    left = Entry(rig.gate, clearance(), "a")
    assert await left.open() is None
    assert await left.open() is None
    assert len(await rig.said()) == 3
    assert await left.close(None) is None
    assert [each["type"] for each in await rig.said()] == ["opened", "closed", "opened", "closed"]
    await rig.trail.aclose()
    verdict = await anyio.to_thread.run_sync(rig.verdict)
    assert (verdict.good, verdict.records) == (True, 4)


@promise("audit:closed")
async def test_failures_cancellations_and_refusals_are_recorded(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    cleared = clearance()
    failed = Outcome(operation=operation(), failure=Failure(kind=FailureKind.TIMEOUT, message="secret words"))
    await rig.gate.settle(failed, cleared, "a")
    await rig.gate.settle(None, cleared, "a")
    long = await rig.gate.look(operation(brief="x" * 400_001))
    assert isinstance(long, Refusal)
    assert await rig.gate.turn_away(long, "a") is long
    first, second, third = await rig.said()
    assert (first["outcome"], first["failure"]) == ("failure", "timeout")
    assert second["outcome"] == "cancelled"
    assert third["type"] == "refused"
    assert "400001 characters" in third["reason"]
    assert "secret words" not in json.dumps(first)
    await rig.trail.aclose()


@promise("audit:no-content")
async def test_nothing_of_brief_answer_or_caller_is_in_any_file_of_the_trail(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    asked = operation(brief="canary-brief anna.canary@example.org password=canary-secret")
    cleared = await rig.gate.look(asked)
    assert isinstance(cleared, Clearance)
    assert await rig.gate.open(cleared, "canary-caller") is None
    await rig.gate.settle(Outcome(operation=asked, reply=reply("canary-answer")), cleared, "canary-caller")
    await rig.trail.anchor()
    kept = await anyio.to_thread.run_sync(everything_in, tmp_path)
    assert b"triage_incident" in kept
    assert b"canary" not in kept
    await rig.trail.aclose()


def everything_in(folder: Path) -> bytes:
    return b"".join([each.read_bytes() for each in folder.rglob("*") if each.is_file()])


class Broken:
    """An AuditSink whose disk is full."""

    async def opened(self, clearance: Clearance, caller: str) -> None:
        raise AuditUnavailable("the disk is full")

    async def closed(self, clearance: Clearance, outcome: Outcome | None, caller: str) -> None:
        raise AuditUnavailable("the disk is full")

    async def stayed(self, clearance: Clearance, outcome: Outcome | None, caller: str) -> None:
        raise AuditUnavailable("the disk is full")

    async def relayed(self, peer: str, tool: str, arguments: str, caller: str) -> None:
        raise AuditUnavailable("the disk is full")

    async def refused(self, refusal: Refusal, caller: str) -> None:
        raise AuditUnavailable("the disk is full")


@pytest.mark.parametrize("op_class", [OperationClass.EMERGENCY, OperationClass.STANDARD])
@promise("audit:fails-closed")
async def test_what_can_not_be_recorded_does_not_leave(op_class: OperationClass) -> None:
    gate = ComplianceValidator(EU, CountingEntropy(), Broken())
    refused = await gate.open(clearance(operation(op_class)), "a")
    assert refused is not None
    assert "without an audit entry" in refused.reason
    assert "the disk is full" in refused.reason
    assert "local findings are unaffected" in refused.mend
    still = Refusal(operation=operation(), reason="too long", mend="")
    assert await gate.turn_away(still, "a") is still
    unsaid = await gate.remember(Outcome(operation=operation(), reply=reply("fine")), clearance(), "a")
    assert unsaid is not None, "an answer from memory isn't given without its entry either"
    assert "the disk is full" in unsaid.reason
    await gate.settle(None, clearance(), "a")  # an answer that is there stays there


@promise("audit:erase")
async def test_erasing_a_subject_leaves_a_log_that_verifies_and_says_nothing_of_them(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for caller in ("anna", "bert", "anna"):
        await rig.trail.opened(clearance(), caller)
    await rig.trail.aclose()

    def work() -> None:
        store, subjects = rig.writing()
        anna = subjects.known("anna")
        assert anna is not None
        kept = upkeep.of_subject(rig.files, subjects, "anna")
        assert kept is not None
        assert [each["index"] for each in kept] == [0, 2]
        assert upkeep.erase(store, subjects, "anna", rig.clock) == anna.tag
        assert upkeep.erase(store, subjects, "anna", rig.clock) is None
        assert upkeep.of_subject(rig.files, subjects, "anna") is None
        assert upkeep.of_subject(rig.files, subjects, "bert")
        held = b"".join(each.read_bytes() for each in rig.files.folder.iterdir())
        assert anna.key not in held
        assert rig.verdict().good
        again = subjects.of("anna")
        assert (again.tag, again.key) != (anna.tag, anna.key)
        store.close()
        subjects.close()

    await anyio.to_thread.run_sync(work)


@promise("audit:retention")
async def test_records_past_their_time_are_emptied_and_the_log_verifies(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    personal = Clearance(operation=operation(), routes=frozenset(), restore={"[[EMAIL_1_abc]]": "x"})
    for each in (personal, clearance(), personal):
        await rig.trail.opened(each, "anna")
    await rig.trail.anchor()
    rig.clock.time += 100 * DAY
    await rig.trail.opened(personal, "anna")

    def work() -> None:
        store, _ = rig.writing()
        gone = upkeep.prune(store, upkeep.KEEP_DAYS, rig.clock)
        assert (gone.records, gone.tombstones) == (2, 1)
        assert upkeep.prune(store, upkeep.KEEP_DAYS, rig.clock).records == 0
        verdict = rig.verdict()
        assert (verdict.good, verdict.records, verdict.pruned) == (True, 5, 2)
        assert [each.get("retention") for each in rig.records()] == ["other", "personal", None]
        rig.clock.time += 400 * DAY
        assert upkeep.prune(store, upkeep.KEEP_DAYS, rig.clock).records == 2
        assert rig.verdict().good
        store.close()

    await anyio.to_thread.run_sync(work)
    await rig.trail.aclose()


@promise("audit:export")
def test_a_record_as_an_ocsf_event() -> None:
    told = event(
        3, {"type": "closed", "at": 1_800_000_000_000_000, "outcome": "failure", "operation": "o", "ms": 5}, "log"
    )
    assert (told["class_uid"], told["category_uid"], told["type_uid"]) == (6003, 6, 600302)
    assert (told["metadata"]["version"], told["metadata"]["uid"]) == ("1.6.0", "log/3")
    assert (told["time"], told["status_id"], told["duration"]) == (1_800_000_000_000, 2, 5)
    assert event(0, {"type": "erased"}, "log")["activity_id"] == 99


@promise("audit:anchored")
async def test_the_trail_is_anchored_when_it_is_due(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await rig.trail.opened(clearance(), "a")
    async with anyio.create_task_group() as group:
        group.start_soon(rig.trail.run)
        with anyio.fail_after(20):
            while not (tmp_path / "anchors").exists():  # noqa: ASYNC110 - files tell nobody
                await anyio.sleep(0.05)
        await rig.trail.opened(clearance(), "a")
        rig.clock.time += ANCHOR_SECONDS
        with anyio.fail_after(20):
            while len(list((tmp_path / "anchors").iterdir())) < 2:  # noqa: ASYNC110
                await anyio.sleep(0.05)
        group.cancel_scope.cancel()
    await rig.trail.aclose()


async def test_an_anchor_that_can_not_be_made_is_told_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(tmp_path)
    await rig.trail.opened(clearance(), "a")
    (tmp_path / "anchors").write_text("no folder")
    await rig.trail.anchor()
    await rig.trail.anchor()
    assert len(caplog.messages) == 1
    assert "Check the folder" in rig.trail.trouble
    (tmp_path / "anchors").unlink()
    await rig.trail.anchor()
    assert not rig.trail.trouble
    await rig.trail.aclose()


async def test_entries_that_come_during_a_commit_go_together_into_the_next() -> None:
    groups: list[list[int]] = []

    def commit(entries: Sequence[int]) -> Sequence[Exception | None]:
        groups.append(list(entries))
        return [AuditUnavailable("odd") if each == 5 else None for each in entries]

    group = GroupCommit[int](commit)

    async def write(entry: int) -> None:
        if entry == 5:
            with pytest.raises(AuditUnavailable, match="odd"):
                await group.write(entry)
        else:
            await group.write(entry)

    async with anyio.create_task_group() as tasks:
        for each in range(10):
            tasks.start_soon(write, each)
    assert sorted(each for held in groups for each in held) == list(range(10))
    assert len(groups) == 2


async def test_a_writer_that_is_cancelled_holds_up_nobody() -> None:
    written: list[int] = []

    def commit(entries: Sequence[int]) -> Sequence[Exception | None]:
        written.extend(entries)
        return [None] * len(entries)

    group = GroupCommit[int](commit)
    for stop_at in range(4):
        written.clear()
        async with anyio.create_task_group() as tasks:
            scopes = [anyio.CancelScope() for _ in range(5)]

            async def write(entry: int, scope: anyio.CancelScope) -> None:
                with scope:
                    await group.write(entry)

            for number, scope in enumerate(scopes):
                tasks.start_soon(write, number, scope)
            for _ in range(stop_at):
                await anyio.lowlevel.checkpoint()
            scopes[1].cancel()
            scopes[2].cancel()
        with anyio.fail_after(5):
            await group.write(99)
        assert {0, 3, 4, 99} <= set(written)
