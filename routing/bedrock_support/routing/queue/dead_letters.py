"""DeadLetters: the messages that were given up; looked at, sent again or thrown away.

They go by themselves only where a new message needs their place, the oldest first (rows.check_room).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from bedrock_support.routing.queue.model import (
    MOST_LEASED,
    QueueExpired,
    QueueFull,
    QueueLimits,
    QueueNotFound,
    QueueRefused,
    State,
    Stored,
)
from bedrock_support.routing.queue.rows import Run, rank, room, share, stored, within

NO_LATER = 2**63 - 1
MOST_NAMED = 1000
"""Dead letters that one call sends again or throws away."""


class DeadLetters:
    """Part of QueueStore. `ids` None means all, the oldest first, at most MOST_NAMED in one call."""

    def __init__(self, run: Run, limits: QueueLimits) -> None:
        self._run = run
        self._limits = limits

    def page(self, limit: int = 20, after: int = 0) -> tuple[Stored, ...]:
        """Up to `limit` dead letters in order of arrival, after that number."""
        within("limit", limit, 1, MOST_LEASED)
        within("after", after, 0, NO_LATER)

        def work(connection: sqlite3.Connection, now: float) -> tuple[Stored, ...]:
            page = "SELECT * FROM messages WHERE state = 'dead' AND number > ? ORDER BY number LIMIT ?"
            return tuple(stored(row) for row in connection.execute(page, (after, limit)))

        return self._run(work)

    def requeue(self, ids: Sequence[str] | None = None, deadline: float | None = None) -> int:
        """Let dead letters wait again with fresh tries; returns how many. Without `deadline` each keeps its own.

        Named ones go all or none: QueueNotFound, QueueFull, QueueExpired. All goes as far as there is room and time.
        """

        def work(connection: sqlite3.Connection, now: float) -> int:
            if deadline is not None and not now < deadline < float("inf"):
                raise QueueRefused(f"deadline = {deadline}: not in the future. Give Unix seconds after {now:.0f}")
            moved = late = 0
            for row in _chosen(connection, ids):
                ends: float = row["deadline"] if deadline is None else deadline
                if ends <= now:
                    late += 1
                    continue
                level: int = row["level"]
                if room(connection, level, self._limits) < 1:
                    if ids is None:
                        continue
                    most = share(self._limits.rows, level, self._limits)
                    live = most - room(connection, level, self._limits)
                    raise QueueFull("messages waiting or leased", live, most, "Requeue fewer, or try later")
                connection.execute(
                    "UPDATE messages SET state = 'waiting', attempts = 0, urgent = ?, rank = ?, enqueued_at = ?, "
                    "available_at = ?, deadline = ?, due = ?, ended_at = NULL, dead_reason = NULL WHERE number = ?",
                    (*rank(level, now), now, now, ends, ends, row["number"]),
                )
                moved += 1
            if late and (ids is not None or not moved):
                raise QueueExpired(late)
            return moved

        return self._run(work)

    def discard(self, ids: Sequence[str] | None = None) -> int:
        """Throw dead letters away, named ones all or none; returns how many. Their keys stay taken for a while."""

        def work(connection: sqlite3.Connection, now: float) -> int:
            rows = _chosen(connection, ids)
            connection.executemany(
                "UPDATE messages SET state = ?, payload = x'', size = 0, ended_at = ?, due = ? WHERE number = ?",
                [(State.DISCARDED.value, now, now + self._limits.retention, row["number"]) for row in rows],
            )
            return len(rows)

        return self._run(work)


def _chosen(connection: sqlite3.Connection, ids: Sequence[str] | None) -> list[sqlite3.Row]:
    columns = "SELECT number, level, deadline FROM messages WHERE state = 'dead'"
    if ids is None:
        return connection.execute(f"{columns} ORDER BY number LIMIT ?", (MOST_NAMED,)).fetchall()
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MOST_NAMED:
        raise QueueRefused(f"ids: {len(wanted)}, give at most {MOST_NAMED}")
    rows: list[sqlite3.Row] = []
    for each in wanted:
        row = connection.execute(f"{columns} AND id = ?", (each,)).fetchone()
        if row is None:
            raise QueueNotFound(f"no dead letter has the id {each[:80]!r}. Nothing was changed; list them first")
        rows.append(row)
    return rows
