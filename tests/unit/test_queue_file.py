"""The queue's file and its async face: privacy, versions, full disk, corruption, other processes, cancellation."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.model import Priority
from bedrock_support.routing.queue import leases as leases_module
from bedrock_support.routing.queue.message_queue import MessageQueue
from bedrock_support.routing.queue.model import QueueLimits, QueueRefused, QueueUnavailable, State
from bedrock_support.routing.queue.store import QueueStore
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

TOPIC = "background"
DRAIN = """
import sys
from pathlib import Path
from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.queue.store import QueueStore
store = QueueStore(Path(sys.argv[1]), SystemClock(), SystemEntropy())
held = store.leases.lease(["background"], sys.argv[2], 60, 5)
print("ready", flush=True)
sys.stdin.readline()
while held:
    for each in held:
        store.leases.complete(each.id, each.token, sys.argv[2])
        print(each.payload, flush=True)
    held = store.leases.lease(["background"], sys.argv[2], 60, 5)
store.close()
"""
LIGHT = """
import sys
import bedrock_support.routing.queue.message_queue
print(sorted({"pydantic", "mcp", "boto3"} & sys.modules.keys()))
"""


def opened(path: Path, **limits: int) -> QueueStore:
    return QueueStore(path, FakeClock(), CountingEntropy(), QueueLimits(**limits))


def raw(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for each in statements:
        connection.execute(each)
    connection.close()


@promise("queue:private")
def test_file_and_folder_are_the_owners(tmp_path: Path) -> None:
    path = tmp_path / "state" / "queue.db"
    store = opened(path)
    store.enqueue(TOPIC, "secret")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    files = list(path.parent.iterdir())
    assert len(files) == 3
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
    store.close()
    path.chmod(0o644)
    store.stats()
    assert path.stat().st_mode & 0o777 == 0o600
    store.close()


@promise("queue:private")
def test_strange_layouts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = opened(path)
    store.stats()
    store.close()
    raw(path, "PRAGMA user_version = 2")
    with pytest.raises(QueueUnavailable, match=r"newer bedrock-support \(layout 2, this one knows 1\)"):
        store.stats()
    raw(path, "PRAGMA user_version = 0")
    with pytest.raises(QueueUnavailable, match="unknown layout 0"):
        store.stats()
    other = tmp_path / "other.db"
    raw(other, "CREATE TABLE theirs (a)")
    with pytest.raises(QueueUnavailable, match="another program's"):
        opened(other).stats()


@promise("queue:broken-file")
def test_a_full_disk_half_writes_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path / "queue.db", pages=64)
    taken: list[str] = []

    def fill() -> None:
        while True:
            taken.append(store.enqueue(TOPIC, f"{len(taken)}" + "x" * 5000, key=f"k{len(taken)}").id)

    with pytest.raises(QueueUnavailable, match=r"full\. Free disk space"):
        fill()
    assert len(taken) > 10
    assert store.stats().live == len(taken)
    held = store.leases.lease([TOPIC], "w", 30, 2)
    for each in held:
        store.leases.complete(each.id, each.token)
    assert not store.enqueue(TOPIC, "x" * 5000, key=f"k{len(taken)}").duplicate
    assert store.stats().live == len(taken) - 1
    store.close()


@promise("queue:broken-file")
@pytest.mark.parametrize("at", [0, 5000], ids=["no database", "torn page"])
def test_a_corrupt_file_is_told_in_words(tmp_path: Path, at: int) -> None:
    path = tmp_path / "queue.db"
    store = opened(path)
    for each in range(30):
        store.enqueue(TOPIC, f"{each}" * 300)
    store.close()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(60_000))
    with pytest.raises(QueueUnavailable, match="Move it aside"):
        store.leases.lease([TOPIC], "w", 30, 100)
    path.unlink()
    store.enqueue(TOPIC, "a new start")
    store.close()


@promise("queue:broken-file")
def test_a_file_out_of_reach_is_told_in_words(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(QueueUnavailable, match="Check that this user"):
        opened(blocked / "queue.db").stats()
    store = opened(tmp_path / "queue.db")
    store.enqueue(TOPIC, "kept")
    (tmp_path / "queue.db").rename(tmp_path / "moved.db")
    with pytest.raises(QueueUnavailable, match="moved or deleted"):
        store.enqueue(TOPIC, "would be lost")
    with pytest.raises(QueueRefused, match="surrogate"):
        opened(tmp_path / "new.db").inspect("\ud800")


@promise("queue:shared")
def test_two_processes_complete_each_message_once(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = QueueStore(path, SystemClock(), SystemEntropy())
    for each in range(500):
        store.enqueue(TOPIC, str(each))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", DRAIN, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    for each in workers:
        assert each.stdout
        assert each.stdout.readline() == "ready\n"
    for each in workers:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    done = [each.communicate(timeout=50)[0].split() for each in workers]
    assert [each.returncode for each in workers] == [0, 0]
    assert sorted(map(int, done[0] + done[1])) == list(range(500))
    assert all(done)
    assert store.stats().states[State.DONE] == 500
    store.close()


def test_several_threads_may_share_a_store(tmp_path: Path) -> None:
    entropy = SystemEntropy()
    stores = [QueueStore(tmp_path / "queue.db", FakeClock(), entropy) for _ in range(2)]

    def fill(store: QueueStore) -> None:
        for _ in range(20):
            store.enqueue(TOPIC, "x")

    threads = [threading.Thread(target=fill, args=(each,)) for each in stores * 2]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert stores[0].stats().live == 80
    for each in stores:
        each.close()


def test_import_is_light() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_every_call_from_the_loop(tmp_path: Path) -> None:
    queue = MessageQueue(tmp_path / "queue.db", FakeClock(), CountingEntropy())
    assert queue.path == tmp_path / "queue.db"
    for each in range(4):
        await queue.enqueue(TOPIC, str(each), priority=Priority.HIGH, key=f"k{each}")
    first, second, third = await queue.lease([TOPIC], "w", 30, 3)
    assert await queue.extend(first.id, first.token, 60) == first.lease_until + 30
    await queue.complete(first.id, first.token, "ok")
    assert await queue.fail(second.id, second.token, "no", retry_after=10 * 86400) is State.DEAD
    assert await queue.give_back([third]) == 1
    assert await queue.cancel(third.id)
    assert (await queue.inspect(first.id)).result == "ok"
    [dead] = await queue.dead()
    assert await queue.requeue([dead.id]) == 1
    assert await queue.discard() == 0
    assert await queue.purge() == 0
    assert (await queue.stats()).live == 2
    await queue.aclose()


@promise("queue:cancelled-lease")
async def test_a_cancelled_lease_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = MessageQueue(tmp_path / "queue.db", FakeClock(), CountingEntropy())
    await queue.enqueue(TOPIC, "work")
    inside, go_on = threading.Event(), threading.Event()
    named = leases_module.named

    def slow(name: str, text: str, most: int = 200) -> str:
        inside.set()
        assert go_on.wait(10)
        return named(name, text, most)

    monkeypatch.setattr(leases_module, "named", slow)
    async with anyio.create_task_group() as group:
        group.start_soon(queue.lease, [TOPIC], "w", 30)
        assert await anyio.to_thread.run_sync(inside.wait, 10)
        group.cancel_scope.cancel()
        go_on.set()
    message = await queue.lease([TOPIC], "w", 30)
    assert [each.attempt for each in message] == [1]
    await queue.aclose()
