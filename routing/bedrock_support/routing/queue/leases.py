"""Leases: messages handed out to workers, kept, completed, failed and given back."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from bedrock_support.routing.clock import Entropy
from bedrock_support.routing.queue.model import (
    LONGEST_LEASE,
    MOST_LEASED,
    DeadReason,
    Leased,
    LeaseLost,
    QueueLimits,
    QueueRefused,
    State,
)
from bedrock_support.routing.queue.rows import Run, bury, end, leased, marks, named, sized, within

LONGEST_BACKOFF = 60.0
SHOWN_ERROR = 500
"""Characters kept of a worker's reason for a failure."""


class Leases:
    """Part of QueueStore. A lease's token is unguessable and good for that one delivery."""

    def __init__(self, run: Run, limits: QueueLimits, entropy: Entropy) -> None:
        self._run = run
        self._limits = limits
        self._entropy = entropy

    def lease(self, topics: Sequence[str], worker: str, seconds: float, limit: int = 1) -> tuple[Leased, ...]:
        """Hand out up to `limit` messages of these topics, most urgent first, for `seconds` or until their deadline."""
        within("limit", limit, 1, MOST_LEASED)
        within("seconds", seconds, 0.001, LONGEST_LEASE)
        within("number of topics", len(topics), 1, MOST_LEASED)
        named("worker", worker)

        def work(connection: sqlite3.Connection, now: float) -> tuple[Leased, ...]:
            rows = connection.execute(
                "SELECT messages.*, (SELECT trace FROM origins WHERE origins.id = messages.id) AS origin "  # noqa: S608
                f"FROM messages WHERE state = 'waiting' AND topic IN ({marks(topics)}) "
                "AND available_at <= ? ORDER BY urgent, rank, number LIMIT ?",
                (*topics, now, limit),
            ).fetchall()
            given: list[Leased] = []
            for row in rows:
                token = self._entropy.token()
                until = min(now + seconds, row["deadline"])
                connection.execute(
                    "UPDATE messages SET state = 'leased', attempts = attempts + 1, token = ?, worker = ?, due = ? "
                    "WHERE number = ?",
                    (token, worker, until, row["number"]),
                )
                given.append(leased(row, token, until))
            return tuple(given)

        return self._run(work)

    def extend(self, message: str, token: str, seconds: float) -> float:
        """Keep a lease for `seconds` from now, never past the deadline. Returns its end; raises LeaseLost."""
        within("seconds", seconds, 0.001, LONGEST_LEASE)

        def work(connection: sqlite3.Connection, now: float) -> float:
            row = _held(connection, message, token)
            until = max(row["due"], min(now + seconds, row["deadline"]))
            connection.execute("UPDATE messages SET due = ? WHERE number = ?", (until, row["number"]))
            return until

        return self._run(work)

    def complete(self, message: str, token: str, result: str = "") -> None:
        """End a leased message. Again with the same token changes nothing; with a stale one raises LeaseLost."""
        data = sized("result", result, self._limits.payload)

        def work(connection: sqlite3.Connection, now: float) -> None:
            done = "SELECT 1 FROM messages WHERE id = ? AND token = ? AND state = 'done'"
            if connection.execute(done, (message, token)).fetchone():
                return
            row = _held(connection, message, token)
            kept_until = now + self._limits.retention
            end(connection, "number = ?", (row["number"],), State.DONE, kept_until, now, data)

        self._run(work)

    def fail(self, message: str, token: str, reason: str, retry_after: float = 0.0) -> State:
        """Give a message back after a failed try, to wait with full jitter and at least `retry_after` seconds.

        A dead letter where it was tried often enough, or the wait would outlast its deadline.
        """
        if not 0 <= retry_after < float("inf"):
            raise QueueRefused(f"retry_after = {retry_after}: give seconds, 0 or more")
        words = sized("reason", reason, self._limits.payload).decode()[:SHOWN_ERROR]

        def work(connection: sqlite3.Connection, now: float) -> State:
            row = _held(connection, message, token)
            number = row["number"]
            connection.execute("UPDATE messages SET error = ? WHERE number = ?", (words, number))
            wait = self._entropy.unit() * min(LONGEST_BACKOFF, 2.0 ** min(row["attempts"], 10))
            available = now + max(wait, retry_after)
            spent = row["attempts"] >= self._limits.attempts
            if spent or available >= row["deadline"]:
                dead = DeadReason.EXHAUSTED if spent else DeadReason.EXPIRED
                bury(connection, "number = ?", (number,), dead, now)
                return State.DEAD
            connection.execute(
                "UPDATE messages SET state = 'waiting', token = NULL, available_at = ?, due = deadline "
                "WHERE number = ?",
                (available, number),
            )
            return State.WAITING

        return self._run(work)

    def give_back(self, held: Sequence[Leased]) -> int:
        """Return leases unused, as if never given out; those already lost are left alone. Returns how many."""

        def work(connection: sqlite3.Connection, now: float) -> int:
            back = "UPDATE messages SET state = 'waiting', token = NULL, due = deadline, attempts = attempts - 1 "
            back += "WHERE id = ? AND token = ? AND state = 'leased'"
            return sum(connection.execute(back, (each.id, each.token)).rowcount for each in held)

        return self._run(work)


def _held(connection: sqlite3.Connection, message: str, token: str) -> sqlite3.Row:
    row = connection.execute(
        "SELECT * FROM messages WHERE id = ? AND token = ? AND state = 'leased'", (message, token)
    ).fetchone()
    if row is None:
        raise LeaseLost(f"the lease of {message[:80]!r} is over: drop this work, it is somebody else's or has ended")
    return row
