"""Files that several processes open at the same moment: nobody is told that they are locked."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.lasting.file import LastingFile
from bedrock_support.routing.optimizing.store import Store
from bedrock_support.routing.queue.database import Database
from bedrock_support.routing.wal import to_wal
from bedrock_support.server.rollout.store import EvidenceStore
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.tools.gaps.store import FactStore
from tests.promises import promise

PROCESSES, ROUNDS = 8, 20
LATE = 120.0
"""Seconds after which a process that waits for the others gives up."""


def audit(place: Path) -> None:
    store = AuditStore(AuditFiles(folder=place), SystemEntropy())
    store.append(['{"type":"opened"}'])
    store.close()


def queue(place: Path) -> None:
    base = Database(place / "queue.db", 1000)
    with base.transaction() as connection:
        connection.execute("SELECT count(*) FROM messages")
    base.close()


def evidence(place: Path) -> None:
    place.mkdir(exist_ok=True)
    EvidenceStore(place / "evidence.sqlite", SystemClock()).close()


def facts(place: Path) -> None:
    store = FactStore(place / "facts.sqlite")
    store.open()
    assert store.lasting, "its file could not be opened"
    store.close()


def answers(place: Path) -> None:
    store = Store(place)
    assert store.set("key", b"value", 60.0)
    store.close()


def lasting(place: Path) -> None:
    base = LastingFile(place / "lasting.db")
    with base.transaction() as connection:
        connection.execute("SELECT count(*) FROM questions")
    assert not base.set_aside
    base.close()


OPENERS: tuple[Callable[[Path], None], ...] = (audit, queue, evidence, facts, answers, lasting)


def one_process(folder: str, together: Barrier) -> None:
    """Open one new file after another, each at the same moment as the others do."""
    for opener in OPENERS:
        for number in range(ROUNDS):
            together.wait(LATE)
            opener(Path(folder) / f"{opener.__name__}-{number}")


@promise("opening:together")
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_eight_processes_open_one_new_file_at_the_same_moment(tmp_path: Path) -> None:
    start = multiprocessing.get_context("spawn")
    together = start.Barrier(PROCESSES)
    running = [start.Process(target=one_process, args=(str(tmp_path), together)) for _ in range(PROCESSES)]
    for each in running:
        each.start()
    try:
        for each in running:
            each.join(LATE)
        assert [each.exitcode for each in running] == [0] * PROCESSES
    finally:
        for each in running:
            if each.is_alive():
                each.kill()
            each.join()
            each.close()


@promise("opening:together")
def test_whoever_holds_the_file_for_good_is_told_of_in_time(tmp_path: Path) -> None:
    path, clock = tmp_path / "held.db", SystemClock()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE held (x)")
    holder.execute("BEGIN EXCLUSIVE")
    late = sqlite3.connect(path, isolation_level=None, timeout=0.0)
    began = clock.now()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        to_wal(late, 0.2)
    assert 0.2 <= clock.now() - began < 5.0
    holder.execute("ROLLBACK")
    to_wal(late, 0.2)
    late.close()
    holder.close()
