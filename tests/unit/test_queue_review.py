"""The queue's file is left alone when it isn't ours, and the work done at each call stays small."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bedrock_support.routing.queue.model import QueueLimits, QueueUnavailable, State
from bedrock_support.routing.queue.store import QueueStore
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

TOPIC = "background"


def opened(path: Path, clock: FakeClock | None = None, **limits: int) -> QueueStore:
    return QueueStore(path, clock or FakeClock(), CountingEntropy(), QueueLimits(**limits))


@promise("queue:private")
@pytest.mark.parametrize("statement", ["CREATE TABLE theirs (a)", "PRAGMA user_version = 9"])
def test_another_programs_file_is_left_as_it_was(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(QueueUnavailable):
        opened(path).stats()
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o644


@promise("queue:private")
def test_a_loose_file_of_ours_is_tightened_with_its_companions(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = opened(path)
    store.stats()
    store.close()
    path.chmod(0o644)
    store.enqueue(TOPIC, "secret")
    assert {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {
        "queue.db": 0o600,
        "queue.db-wal": 0o600,
        "queue.db-shm": 0o600,
    }
    store.close()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that SQLite is given from now on."""
    heard: list[str] = []
    connect = sqlite3.connect

    def traced(path: Path, **more: Any) -> sqlite3.Connection:
        connection = connect(path, **more)
        connection.set_trace_callback(heard.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    return heard


def test_no_call_walks_the_whole_table(tmp_path: Path, said: list[str]) -> None:
    path, clock = tmp_path / "queue.db", FakeClock()
    store = opened(path, clock)
    for each in range(3):
        store.enqueue(TOPIC, "x", key=str(each))
    held = store.leases.lease([TOPIC], "w", 5, 3)
    store.leases.complete(held[0].id, held[0].token)
    clock.time += 5
    store.leases.lease([TOPIC], "w", 5)
    store.purge()
    store.stats()
    store.close()
    asked = {each for each in said if each.startswith("UPDATE messages")}
    asked |= {each for each in said if each.startswith(("SELECT", "DELETE")) and "FROM messages" in each}
    plain = sqlite3.connect(path)
    plans = {each: [row[3] for row in plain.execute(f"EXPLAIN QUERY PLAN {each}")] for each in asked}
    plain.close()
    assert len(plans) > 8
    assert [each for each, plan in plans.items() if "SCAN messages" in plan] == []


@promise("queue:survives-kill")
def test_commits_are_synced(tmp_path: Path, said: list[str]) -> None:
    store = opened(tmp_path / "queue.db")
    store.enqueue(TOPIC, "x")
    store.close()
    assert "PRAGMA synchronous = FULL" in said
    assert said.index("PRAGMA journal_mode = WAL") < said.index("PRAGMA synchronous = FULL")


@promise("queue:broken-file")
def test_a_text_that_is_no_text_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = opened(path)
    store.enqueue(TOPIC, "hello")
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE messages SET payload = x'ff'")
    connection.commit()
    connection.close()
    with pytest.raises(QueueUnavailable, match="damaged"):
        store.leases.lease([TOPIC], "w", 30)
    store.close()


@promise("queue:retry")
def test_many_attempts_still_back_off(tmp_path: Path) -> None:
    clock = FakeClock()
    store = opened(tmp_path / "queue.db", clock, attempts=5000)
    message = store.enqueue(TOPIC, "x").id
    store.close()
    connection = sqlite3.connect(tmp_path / "queue.db")
    connection.execute("UPDATE messages SET attempts = 1100")
    connection.commit()
    connection.close()
    [held] = store.leases.lease([TOPIC], "w", 30)
    assert store.leases.fail(held.id, held.token, "no") is State.WAITING
    assert store.inspect(message).available_at == clock.wall() + 30  # half of the cap
    store.close()
