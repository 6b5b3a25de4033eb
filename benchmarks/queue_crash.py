"""Kill a process that uses the message queue, again and again over one file, and check what the file still knows.

    python -m benchmarks.queue_crash [KILLS] [SEED]

The child does everything the queue can do and writes each answer it got to a journal, synced line by line, before it
goes on. SIGKILL comes at a random instant, so the queue may know one thing more than the journal, never less.
SIGKILL leaves the system's page cache alone: this is a test of the process's death, not of a power cut.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.model import Priority
from bedrock_support.routing.queue.model import DeadReason, LeaseLost, QueueFull, QueueLimits, State
from bedrock_support.routing.queue.store import QueueStore

TOPIC = "background"
LIMITS = QueueLimits(rows=200, attempts=3)
LONGEST = 0.15
"""Seconds that a child may live after it is ready."""
LATE = 5.0
"""Seconds between the sweep and the check, at the very most."""
ENDED = (State.DONE, State.CANCELLED, State.DISCARDED)


class LateClock(SystemClock):
    """The system's time, pushed on by the child so that leases and deadlines end within the run."""

    ahead = 0.0

    def wall(self) -> float:
        return super().wall() + self.ahead


class Child:
    """One life of a process that enqueues, leases, completes, fails, requeues and discards."""

    def __init__(self, folder: Path, seed: int, ahead: float) -> None:
        self.clock = LateClock()
        self.clock.ahead = ahead
        self.store = QueueStore(folder / "queue.db", self.clock, SystemEntropy(), LIMITS)
        self.random = random.Random(seed)  # noqa: S311 - a repeatable choice of work
        self.seed = seed
        self.noted: set[str] = set()
        self.journal = os.open(folder / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(self.journal, b"\n")  # ends a line that the last kill cut short

    def note(self, what: str, **facts: object) -> None:
        os.write(self.journal, (json.dumps({"what": what, **facts}) + "\n").encode())
        os.fsync(self.journal)

    def live(self) -> None:
        self.store.stats()
        print("ready", flush=True)
        step = 0
        while True:
            step += 1
            self.step(step)

    def step(self, step: int) -> None:
        self.clock.ahead += self.random.random()
        self.note("time", ahead=self.clock.ahead)
        self.random.choice([self.enqueue, self.enqueue, self.work, self.work, self.mend])(step)

    def enqueue(self, step: int) -> None:
        key = f"{self.seed}-{step}"
        priority = self.random.choice(list(Priority))
        life = self.random.choice([1, 3, 1000, 100_000])
        size = self.random.choice([10, 5000])
        try:
            taken = self.store.enqueue(
                TOPIC, key.ljust(size), priority=priority, key=key, deadline=self.clock.wall() + life
            )
        except QueueFull:
            for held in self.store.leases.lease([TOPIC], "w", 60):
                self.store.cancel(held.id)
            return
        self.note("accepted", id=taken.id, key=key, size=size)

    def work(self, step: int) -> None:
        asked = self.clock.wall()
        for held in self.store.leases.lease([TOPIC], f"w{self.seed}", self.random.choice([2, 60]), 3):
            self.note("delivered", id=held.id, deadline=held.deadline, until=held.lease_until, asked=asked)
            lot = self.random.random()
            try:
                if lot < 0.6:
                    self.store.leases.complete(held.id, held.token, held.id)
                    self.note("completed", id=held.id)
                elif lot < 0.9:
                    self.store.leases.fail(held.id, held.token, "no luck")
            except LeaseLost:
                continue

    def mend(self, step: int) -> None:
        page = self.store.dead_letters.page(100)
        for each in page:
            if each.id not in self.noted:
                self.note("died", id=each.id)
                self.noted.add(each.id)
        if page and self.random.random() < 0.1:
            # Noted before: after the kill nobody could say whether a letter was mended or lost.
            self.note("mending", id=page[0].id)
            self.noted.discard(page[0].id)
            try:
                if step % 2:
                    self.store.dead_letters.discard([page[0].id])
                else:
                    self.store.dead_letters.requeue([page[0].id], self.clock.wall() + 1000)
            except QueueFull:
                return


@dataclass(slots=True)
class Known:
    """What the journals say, over all lives so far."""

    accepted: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    completed: set[str] = field(default_factory=set[str])
    dead: set[str] = field(default_factory=set[str])
    died: int = 0
    ahead: float = 0.0
    deliveries: int = 0
    read: int = 0
    unsaid: int = 0
    """Messages that the file has and no journal: the kill came between the commit and the journal's line."""

    def take(self, journal: Path) -> None:
        """Read on; a line cut short by a kill was never acknowledged."""
        with journal.open("rb") as file:
            file.seek(self.read)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self.read += len(whole)
        for line in whole.splitlines():
            try:
                fact = json.loads(line)
            except ValueError:
                continue
            self._line(fact)

    def _line(self, fact: dict[str, object]) -> None:
        what, message = fact["what"], str(fact.get("id"))
        if what == "time":
            self.ahead = float(str(fact["ahead"]))
        elif what == "accepted":
            self.accepted[message] = (str(fact["key"]), int(str(fact["size"])))
        elif what == "delivered":
            self.deliveries += 1
            assert message not in self.completed, f"{message} was completed and delivered again"
            deadline = float(str(fact["deadline"]))
            assert deadline > float(str(fact["asked"])), f"{message} was delivered after its deadline"
            assert float(str(fact["until"])) <= deadline, f"{message} leased past its deadline"
        elif what == "completed":
            assert message not in self.completed, f"{message} was completed twice"
            self.completed.add(message)
        elif what == "died":
            self.died += message not in self.dead
            self.dead.add(message)
        elif what == "mending":
            self.dead.discard(message)


def check(folder: Path, known: Known) -> None:
    """What must hold after every kill."""
    clock = LateClock()
    clock.ahead = known.ahead
    store = QueueStore(folder / "queue.db", clock, SystemEntropy(), LIMITS)
    assert store.stats().live <= LIMITS.rows  # opens the file and sweeps it, as the next life would
    store.close()
    connection = sqlite3.connect(folder / "queue.db")
    columns = "id, key, state, payload, result, deadline, dead_reason"
    rows = {row[0]: row[1:] for row in connection.execute(f"SELECT {columns} FROM messages")}  # noqa: S608
    assert known.accepted.keys() <= rows.keys(), f"lost: {known.accepted.keys() - rows.keys()}"
    known.unsaid = len(rows.keys() - known.accepted.keys())
    for message, (key, size) in known.accepted.items():
        found_key, state, payload, result, deadline, reason = rows[message]
        assert found_key == key
        if state not in ENDED:
            assert payload.decode() == key.ljust(size), f"{message} came back with another payload"
        if message in known.completed:
            assert (state, result) == (State.DONE, message.encode()), f"{message} was completed and is {state}"
        if state == State.DONE:
            known.completed.add(message)  # also where the kill came before the journal's line
        if message in known.dead:
            assert state == State.DEAD, f"dead letter {message} is {state}"
            assert reason in set(DeadReason)
        if state in (State.WAITING, State.LEASED):
            assert deadline > clock.wall() - LATE, f"{message} outlived its deadline"
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    counted = dict(connection.execute("SELECT state, count(*) FROM messages GROUP BY state"))
    assert counted == dict(connection.execute("SELECT state, rows FROM totals WHERE rows > 0"))
    connection.close()


def run(kills: int, seed: int, folder: Path) -> Known:
    """Kill `kills` children over one file, checking after each; raises AssertionError at the first thing wrong."""
    chance, known = random.Random(seed), Known()  # noqa: S311 - repeatable instants
    for number in range(kills):
        command = [sys.executable, "-m", "benchmarks.queue_crash", "child", str(folder), str(number), str(known.ahead)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as child:
            assert child.stdout
            if chance.random() < 0.9:  # else also while the file is being opened
                assert child.stdout.readline() == b"ready\n"
            time.sleep(chance.random() * LONGEST)
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL, f"the child ended by itself: {child.returncode}"
        if (folder / "journal").exists():
            known.take(folder / "journal")
        check(folder, known)
    return known


def main() -> None:
    """Print what was killed and what survived."""
    if sys.argv[1:2] == ["child"]:
        Child(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])).live()
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        known = run(kills, seed, Path(folder))
        print(
            f"{kills} kills in {time.monotonic() - began:.1f} s: {len(known.accepted)} accepted, none lost, "
            f"and {known.unsaid} more taken in but killed before the answer; "
            f"{known.deliveries} deliveries, none after its deadline; "
            f"{len(known.completed)} completed, none delivered again; "
            f"{known.died} died, each intact until mended ({len(known.dead)} at the end); integrity ok after each kill"
        )


if __name__ == "__main__":
    main()
