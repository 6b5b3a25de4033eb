"""What outlives a process: questions out with agents, decisions, and the file that they stand in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from bedrock_support.routing.handoff import LIFETIME, HandoffDesk, OpenQuestion
from bedrock_support.routing.lasting import questions
from bedrock_support.routing.lasting.decisions import PastDecisions
from bedrock_support.routing.lasting.file import LastingFile, LastingUnavailable
from bedrock_support.routing.lasting.journal import MOST_ATTEMPTS, MOST_PENDING, TIDY_EVERY, Journal
from bedrock_support.routing.lasting.questions import Claim, KeptQuestion, Questions
from bedrock_support.routing.model import Attempt, Failure, FailureKind, Handoff, OperationClass, RouteName
from bedrock_support.routing.redaction import Redactor
from bedrock_support.tools.complete import LEFT_IN_PLACE, HandoffInput, complete_handoff
from benchmarks.lasting_crash import crash
from tests.fakes import CountingEntropy, FakeClock, operation
from tests.gaps_rig import context
from tests.promises import promise

SECRET = "anna.schmidt@example.org"


class Replica:
    """One server's part of a store, as wiring makes it."""

    def __init__(self, folder: Path, clock: FakeClock, tenant: str = "t") -> None:
        self.file = LastingFile(folder / "lasting.db")
        self.questions = Questions(self.file, clock, tenant)
        self.past = PastDecisions(self.file, tenant)
        self.journal = Journal(self.file, clock, tenant=tenant, setup="s")
        self.desk = HandoffDesk(clock, CountingEntropy(), self.questions)

    async def handed_over(self, brief: str = "why?", restore: dict[str, str] | None = None) -> Handoff:
        handoff = self.desk.give(replace(operation(brief=brief), evidence_ids=("E1",)))
        await self.desk.decided(handoff.id, "d-1", restore or {})
        return handoff

    async def found(self, handoff_id: str) -> OpenQuestion:
        question = await self.desk.find(handoff_id)
        assert question is not None
        return question


async def counted(file: LastingFile, table: str) -> int:
    """Rows of a table."""

    def work() -> int:
        with file.transaction() as base:
            return int(base.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - names of our own

    return await anyio.to_thread.run_sync(work)


def damaged(path: Path, how: str) -> None:
    raw = path.read_bytes()
    path.write_bytes(b"no database" * 4000 if how == "garbage" else raw[:4096] + b"\xff" * (len(raw) - 4096))


def holding(path: Path) -> sqlite3.Connection:
    """Another process in the middle of a transaction."""
    held = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    held.execute("BEGIN IMMEDIATE")
    return held


def all_bytes(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


@promise("lasting:handoff")
async def test_a_question_is_answered_at_another_replica_and_nowhere_else_again(tmp_path: Path) -> None:
    clock = FakeClock()
    first, second = Replica(tmp_path, clock), Replica(tmp_path, clock)
    handoff = await first.handed_over()
    clock.time += 60
    question = await second.found(handoff.id)
    assert (question.brief, question.evidence_ids, question.decision_id) == ("why?", ("E1",), "d-1")
    assert (question.recalled, round(clock.now() - question.handed_at)) == (True, 60)
    mine = await first.found(handoff.id)
    assert await second.desk.close(handoff.id, question)
    assert not await first.desk.close(handoff.id, mine), "the other replica took the answer"
    assert await second.desk.find(handoff.id) is None
    assert await first.desk.find(handoff.id) is None
    assert await Replica(tmp_path, clock).desk.find(handoff.id) is None


@promise("lasting:handoff")
async def test_of_many_answers_at_once_one_is_taken(tmp_path: Path) -> None:
    clock = FakeClock()
    handoff = await Replica(tmp_path, clock).handed_over()
    won: list[bool] = []

    async def answer(replica: Replica) -> None:
        question = await replica.found(handoff.id)
        ready.append(question)
        while len(ready) < 6:  # all have found it before the first takes it
            await anyio.lowlevel.checkpoint()
        won.append(await replica.desk.close(handoff.id, question))

    ready: list[OpenQuestion] = []
    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(answer, Replica(tmp_path, clock))
    assert sorted(won) == [False] * 5 + [True]


@promise("lasting:handoff-bounds")
async def test_open_questions_are_over_after_an_hour_bounded_and_of_one_tenant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 5
    monkeypatch.setattr(questions, "MOST_OPEN", most)
    clock = FakeClock()
    here, other = Replica(tmp_path, clock), Replica(tmp_path, clock, tenant="other")
    handoff = await here.handed_over()
    assert await other.desk.find(handoff.id) is None
    assert await other.questions.claim(handoff.id) is Claim.ABSENT
    restarted = Replica(tmp_path, clock)
    await restarted.desk.recall()
    assert restarted.desk.out == 1
    clock.time += LIFETIME + 1
    assert (restarted.desk.out, await restarted.desk.find(handoff.id)) == (0, None)

    def kept(number: int) -> KeptQuestion:
        return KeptQuestion(
            op_class=OperationClass.STANDARD,
            brief="q",
            evidence_ids=(),
            decision_id="",
            handed_at=clock.wall() + number,
            expires_at=clock.wall() + LIFETIME,
        )

    for number in range(most + 3):
        await here.questions.keep(f"h-{number}", kept(number))
    assert await here.questions.find("h-2") is None
    assert await here.questions.find("h-3") is not None
    assert len(await here.questions.ends()) == most
    assert await counted(here.file, "questions") == most, "what is over or gave way is gone"


@promise("lasting:redacted")
async def test_no_clear_value_is_stored_and_the_answer_says_that_placeholders_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    redactor = Redactor(nonce="0123abcd")
    brief = await anyio.to_thread.run_sync(redactor.redact, f"E1: mail to {SECRET} bounced")
    (mark,) = redactor.originals
    here = Replica(tmp_path, clock)
    own, lost = await here.handed_over(brief, redactor.originals), await here.handed_over(brief, redactor.originals)
    answer: dict[str, Any] = {"summary": f"{mark} does not exist (E1)", "causes": [], "next_steps": []}
    notes: list[tuple[str, str, object]] = []

    def told(decision_id: str, key: str, value: object) -> None:
        notes.append((decision_id, key, value))

    async def complete(desk: HandoffDesk, handoff_id: str) -> tuple[str, list[str]]:
        tool = complete_handoff(desk, told)
        found = await tool.run(context(tmp_path), HandoffInput(handoff_id=handoff_id, answer=answer))
        assert found.judgement is not None
        return found.judgement.summary, found.limits

    summary, limits = await complete(here.desk, own.id)
    assert SECRET in summary
    assert LEFT_IN_PLACE not in limits
    summary, limits = await complete(Replica(tmp_path, clock).desk, lost.id)
    assert mark in summary
    assert SECRET not in summary
    assert LEFT_IN_PLACE in limits
    assert [each[:2] for each in notes] == [("d-1", "handoff")] * 2
    for raw in await anyio.to_thread.run_sync(all_bytes, tmp_path):
        assert SECRET.encode() not in raw
        assert lost.id.encode() not in raw, "whoever reads the file could answer in the agent's place"


@promise("lasting:handoff")
async def test_an_answer_waits_while_the_store_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    here = Replica(tmp_path, clock)
    kept, alone = await here.handed_over(), here.desk.give(operation())

    def refuse(*_: object, **__: object) -> object:
        raise LastingUnavailable("no")

    monkeypatch.setattr(here.file, "transaction", refuse)
    await here.desk.decided(alone.id, "d-2", {})  # it can't be kept, and lives as long as this process
    assert await here.desk.close(alone.id, await here.found(alone.id))
    question = await here.found(kept.id)
    with pytest.raises(LastingUnavailable):
        await here.desk.close(kept.id, question)
    monkeypatch.undo()
    assert await here.desk.close(kept.id, question)


@promise("lasting:decisions")
async def test_a_decision_and_what_was_noted_later_is_read_by_another_process(tmp_path: Path) -> None:
    clock = FakeClock()
    first, second = Replica(tmp_path, clock), Replica(tmp_path, clock)
    for number in range(3):
        first.journal.decision(f"d-{number}", clock.wall() + number, {"id": f"d-{number}", "plan": ["mcp"]})
    assert await first.journal.flush()
    second.journal.note("d-1", "handoff", {"answered_after_seconds": 3.0})
    second.journal.note("d-none", "handoff", {})
    assert await second.journal.flush()
    assert await second.past.find("d-1") == {
        "id": "d-1",
        "plan": ["mcp"],
        "handoff": {"answered_after_seconds": 3.0},
    }
    assert await second.past.newest() == {"id": "d-2", "plan": ["mcp"]}
    assert await Replica(tmp_path, clock, tenant="other").past.find("d-1") is None


@promise("lasting:batched")
async def test_rows_are_written_together_and_what_cannot_be_written_waits_within_bounds(tmp_path: Path) -> None:
    clock = FakeClock()
    here = Replica(tmp_path, clock)
    attempt = Attempt(route=RouteName.DIRECT, number=1, seconds=1.0, op_class=OperationClass.STANDARD, budget=9.0)
    async with anyio.create_task_group() as group:
        group.start_soon(here.journal.run)
        for number in range(100):
            here.journal.attempt("standard", 10.0, attempt)
            here.journal.decision(f"d-{number}", clock.wall(), {})
        while await here.past.find("d-99") is None:  # noqa: ASYNC110 - another task's work
            await anyio.sleep(0.02)
        group.cancel_scope.cancel()
    assert await counted(here.file, "attempts") == 100
    held = await anyio.to_thread.run_sync(holding, here.file.path)
    for _ in range(MOST_PENDING + 5):
        here.journal.attempt("standard", 10.0, attempt)
    assert not await here.journal.flush()
    assert here.journal.lost == 5
    await anyio.to_thread.run_sync(held.close)
    assert await here.journal.flush()
    for _ in range(TIDY_EVERY):
        here.journal.attempt("standard", 10.0, attempt)
        await here.journal.flush()
    assert await counted(here.file, "attempts") <= MOST_ATTEMPTS + TIDY_EVERY
    await here.journal.aclose()


@promise("lasting:no-content")
async def test_attempts_are_kept_without_what_they_were_about(tmp_path: Path) -> None:
    here = Replica(tmp_path, FakeClock())
    failure = Failure(kind=FailureKind.TIMEOUT, message=f"no answer to {SECRET}")
    attempt = Attempt(
        route=RouteName.DIRECT,
        number=1,
        seconds=1.0,
        op_class=OperationClass.STANDARD,
        budget=9.0,
        failure=failure,
        channel="direct",
    )
    here.journal.attempt("standard", 4000.0, attempt)
    await here.journal.aclose()
    raw = await anyio.to_thread.run_sync(here.file.path.read_bytes)
    assert b"timeout" in raw
    assert SECRET.encode() not in raw


@promise("lasting:set-aside")
@pytest.mark.parametrize("damage", ["garbage", "torn"])
async def test_a_damaged_file_is_set_aside_and_the_server_goes_on(tmp_path: Path, damage: str) -> None:
    clock = FakeClock()
    first, second = Replica(tmp_path, clock), Replica(tmp_path, clock)
    handoff = await first.handed_over()
    open_there = await second.found(handoff.id)
    for each in (first, second):
        await anyio.to_thread.run_sync(each.file.close)
    path = first.file.path
    await anyio.to_thread.run_sync(damaged, path, damage)
    for each in (first, second):
        try:
            await each.questions.find(handoff.id)
        except LastingUnavailable as error:
            assert str(path) in str(error)  # noqa: PT017 - the first to see it is told, the next begins anew
    kept = await first.handed_over()
    assert await second.desk.find(kept.id) is not None, "both stand on one new file"
    assert first.file.set_aside + second.file.set_aside == 1
    assert list(await anyio.to_thread.run_sync(lambda: list(tmp_path.glob("damaged-*"))))
    assert await first.desk.close(handoff.id, await first.found(handoff.id)), "who handed it over still takes it"
    assert not await second.desk.close(handoff.id, open_there)


@promise("lasting:set-aside")
async def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    def theirs() -> bytes:
        with closing(sqlite3.connect(path)) as foreign:
            foreign.execute("CREATE TABLE IF NOT EXISTS theirs (x)")
        return path.read_bytes()

    path = tmp_path / "lasting.db"
    before = await anyio.to_thread.run_sync(theirs)
    with pytest.raises(LastingUnavailable, match="no file of layout"):
        await Replica(tmp_path, FakeClock()).past.newest()
    assert await anyio.to_thread.run_sync(theirs) == before


@promise("lasting:crash")
@pytest.mark.slow
async def test_nothing_told_is_lost_to_kill_nine(tmp_path: Path) -> None:
    """benchmarks/lasting_crash.py does it a hundred times."""
    told = await anyio.to_thread.run_sync(partial(crash, 6, 7, tmp_path))
    assert told.kept
    assert told.good, told
