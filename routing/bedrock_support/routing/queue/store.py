"""QueueStore: the queue's operations on its file, each one transaction. Blocks: call it from a thread."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.model import Priority
from bedrock_support.routing.queue.database import Database
from bedrock_support.routing.queue.dead_letters import DeadLetters
from bedrock_support.routing.queue.leases import Leases
from bedrock_support.routing.queue.model import (
    ENDED,
    LEVEL,
    QueueConflict,
    QueueLimits,
    QueueNotFound,
    QueueRefused,
    QueueStats,
    Receipt,
    State,
    Stored,
)
from bedrock_support.routing.queue.rows import (
    PRIORITIES,
    check_room,
    end,
    fact,
    follow_clock,
    forget,
    named,
    rank,
    sized,
    stored,
    sweep,
    totals,
    within,
)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection, float], T]
"""What one transaction does, given the Unix time it began at."""


class QueueStore:
    """Five priorities, leases, deadlines and dead letters in one file that several processes may share.

    Every call raises QueueUnavailable when the file can't be used; then nothing has changed.
    """

    def __init__(self, path: Path, clock: Clock, entropy: Entropy, limits: QueueLimits | None = None) -> None:
        self._limits = limits or QueueLimits()
        self._database = Database(path, self._limits.pages)
        self._clock = clock
        self._entropy = entropy
        self.leases = Leases(self._run, self._limits, entropy)
        self.dead_letters = DeadLetters(self._run, self._limits)

    @property
    def path(self) -> Path:
        return self._database.path

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        self._database.close()

    def enqueue(
        self,
        topic: str,
        payload: str,
        *,
        priority: Priority = Priority.MEDIUM,
        key: str | None = None,
        deadline: float | None = None,
        origin: str = "",
    ) -> Receipt:
        """Take a message in. `deadline` is Unix seconds; without one, it lives as long as the limits say.

        `origin` is the traceparent of the span that sends it; it makes the message no other.
        Raises QueueRefused, QueueFull, or QueueConflict when `key` came with another payload.
        """
        data = sized("payload", payload, self._limits.payload)
        named("topic", topic)
        digest = hashlib.sha256(data).hexdigest()
        if key is not None:
            named("key", key)

        def work(connection: sqlite3.Connection, now: float) -> Receipt:
            forget(connection, now)
            if key is not None and (known := _known(connection, topic, key, digest, now)):
                return known
            ends = now + self._limits.lifetime if deadline is None else deadline
            if not now < ends < float("inf"):
                raise QueueRefused(f"deadline = {ends}: not in the future. Give Unix seconds after {now:.0f}")
            level = LEVEL[priority]
            check_room(connection, level, len(data), self._limits)
            message = self._entropy.token()
            connection.execute(
                "INSERT INTO messages (id, topic, key, digest, payload, size, level, urgent, rank, state, "
                "enqueued_at, available_at, deadline, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?)",
                (message, topic, key, digest, data, len(data), level, *rank(level, now), now, now, ends, ends),
            )
            if origin:
                connection.execute("INSERT INTO origins (id, trace) VALUES (?, ?)", (message, origin))
            return Receipt(id=message, state=State.WAITING)

        return self._run(work)

    def cancel(self, message: str) -> bool:
        """End a message that waits or is leased; its worker's lease is lost. False when it was neither."""

        def work(connection: sqlite3.Connection, now: float) -> bool:
            live = "id = ? AND state IN ('waiting', 'leased')"
            return end(connection, live, (message,), State.CANCELLED, now + self._limits.retention, now) > 0

        return self._run(work)

    def inspect(self, message: str) -> Stored:
        """Everything about one message; raises QueueNotFound."""

        def work(connection: sqlite3.Connection, now: float) -> Stored:
            row = connection.execute("SELECT * FROM messages WHERE id = ?", (message,)).fetchone()
            if row is None:
                raise QueueNotFound(f"no message has the id {message[:80]!r}: ended ones are forgotten after a while")
            return stored(row)

        return self._run(work)

    def stats(self) -> QueueStats:
        """The queue at this instant."""
        return self._run(self._stats)

    def purge(self, most: int = 500) -> int:
        """Forget at most `most` ended messages whose retention is over. Dead letters stay."""
        within("most", most, 1, 10_000)
        return self._run(lambda connection, now: forget(connection, now, most))

    def _stats(self, connection: sqlite3.Connection, now: float) -> QueueStats:
        held = totals(connection)
        live = "FROM messages WHERE state IN ('waiting', 'leased')"
        waiting = dict.fromkeys(PRIORITIES, 0)
        for level, count in connection.execute(f"SELECT level, count(*) {live} AND state = 'waiting' GROUP BY level"):
            waiting[PRIORITIES[level]] = count
        fullest = connection.execute(
            f"SELECT topic, count(*) {live} GROUP BY topic ORDER BY count(*) DESC, topic LIMIT 20"
        )
        oldest = connection.execute("SELECT min(enqueued_at) FROM messages WHERE state = 'waiting'").fetchone()[0]
        return QueueStats(
            states={state: rows for state, (rows, _) in held.items()},
            waiting=waiting,
            delayed=connection.execute(
                "SELECT count(*) FROM messages WHERE state = 'waiting' AND available_at > ?", (now,)
            ).fetchone()[0],
            dropped=int(fact(connection, "dropped")),
            topics={row[0]: row[1] for row in fullest},
            live=held[State.WAITING][0] + held[State.LEASED][0],
            capacity=self._limits.rows,
            size=sum(size for _, size in held.values()),
            most_size=self._limits.total,
            oldest_wait=0.0 if oldest is None else max(0.0, now - oldest),
        )

    def _run(self, work: Work[T]) -> T:
        with self._database.transaction() as connection:
            now = self._clock.wall()
            follow_clock(connection, now)
            sweep(connection, now, self._limits)
            return work(connection, now)


def _known(connection: sqlite3.Connection, topic: str, key: str, digest: str, now: float) -> Receipt | None:
    """The receipt of the message that this key stands for, unless its retention is over."""
    row = connection.execute("SELECT * FROM messages WHERE topic = ? AND key = ?", (topic, key)).fetchone()
    if row is None:
        return None
    state = State(row["state"])
    if state in ENDED and row["due"] <= now:
        connection.execute("DELETE FROM messages WHERE number = ?", (row["number"],))
        return None
    if row["digest"] != digest:
        raise QueueConflict(f"the key {key!r} stands for another payload on {topic!r}. Use a new key for a new message")
    result = None if row["result"] is None else row["result"].decode()
    return Receipt(id=row["id"], state=state, duplicate=True, result=result)
