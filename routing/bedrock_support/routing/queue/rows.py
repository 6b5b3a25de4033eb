"""What the queue's operations share: rows as values, the sweep of what came due, and the limits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bedrock_support.routing.model import Priority
from bedrock_support.routing.queue.model import (
    AGING,
    LEVEL,
    DeadReason,
    Leased,
    QueueFull,
    QueueLimits,
    QueueRefused,
    State,
    Stored,
)

T = TypeVar("T")
PRIORITIES: tuple[Priority, ...] = tuple(Priority)
STEP = 1.0
"""Seconds that the system's time may go back unnoticed."""
CAREFUL = 20
"""Ended messages forgotten beside other work."""
FORGETTABLE = "'done', 'cancelled', 'discarded'"
"""As the index by_end spells it: SQLite uses a partial index only where the query repeats its condition."""


class Run(Protocol):
    """Runs work in one transaction, with the Unix time it began at."""

    def __call__(self, work: Callable[[sqlite3.Connection, float], T], /) -> T: ...


def rank(level: int, now: float) -> tuple[int, float]:
    """Place in the order of service: emergencies first, else linear aging."""
    return (0 if level == 0 else 1), now + level * AGING


def marks(values: Sequence[object]) -> str:
    """Placeholders for a list of values."""
    return ", ".join("?" for _ in values)


def sized(name: str, text: str, most: int) -> bytes:
    """UTF-8 of a text within its limit, or QueueRefused."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise QueueRefused(f"{name}: not Unicode text (a lone surrogate). Send text that UTF-8 can hold") from None
    if len(data) > most:
        raise QueueRefused(f"{name}: {len(data)} bytes, over the limit of {most}. Send a reference to it instead")
    return data


def named(name: str, text: str, most: int = 200) -> str:
    """A short name without control characters, or QueueRefused."""
    if not 0 < len(text) <= most or not text.isprintable():
        raise QueueRefused(f"{name} = {text[:80]!r}: give 1 to {most} printable characters")
    return text


def sweep(connection: sqlite3.Connection, now: float, limits: QueueLimits) -> None:
    """Move what came due by `now`: past the deadline to the dead letters, past the lease back into the line."""
    due = "due <= ? AND state IN ('waiting', 'leased')"
    if connection.execute(f"SELECT 1 FROM messages WHERE {due} LIMIT 1", (now,)).fetchone() is None:  # noqa: S608
        return
    bury(connection, f"{due} AND deadline <= ?", (now, now), DeadReason.EXPIRED, now)
    lost = f"{due} AND state = 'leased'"
    bury(connection, f"{lost} AND attempts >= ?", (now, limits.attempts), DeadReason.EXHAUSTED, now)
    connection.execute(
        "UPDATE messages SET state = 'waiting', token = NULL, due = deadline, available_at = ?, "  # noqa: S608
        f"error = 'the lease ended without a word from ' || worker WHERE {lost}",
        (now, now),
    )


def bury(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...], reason: DeadReason, now: float
) -> None:
    """Make dead letters of the messages that `where`, a constant of ours, names."""
    connection.execute(
        f"UPDATE messages SET state = 'dead', dead_reason = ?, token = NULL, ended_at = ? WHERE {where}",  # noqa: S608
        (reason.value, now, *values),
    )


def end(
    connection: sqlite3.Connection,
    where: str,
    values: tuple[object, ...],
    state: State,
    kept_until: float,
    now: float,
    result: bytes | None = None,
) -> int:
    """End the messages that `where`, a constant of ours, names: the payload goes, the key is kept for a while."""
    return connection.execute(
        "UPDATE messages SET state = ?, payload = x'', result = ?, size = ?, ended_at = ?, due = ? "  # noqa: S608
        f"WHERE {where}",
        (state.value, result, len(result or b""), now, kept_until, *values),
    ).rowcount


def forget(connection: sqlite3.Connection, now: float, most: int = CAREFUL) -> int:
    """Remove at most `most` ended messages whose retention is over."""
    return connection.execute(
        f"DELETE FROM messages WHERE number IN (SELECT number FROM messages WHERE due <= ? AND state IN ({FORGETTABLE}) "  # noqa: S608, E501
        "ORDER BY due LIMIT ?)",
        (now, most),
    ).rowcount


def totals(connection: sqlite3.Connection) -> dict[State, tuple[int, int]]:
    """Rows and bytes by state."""
    return {State(row["state"]): (row["rows"], row["size"]) for row in connection.execute("SELECT * FROM totals")}


def room(connection: sqlite3.Connection, level: int, limits: QueueLimits) -> int:
    """How many messages more of this level may wait, under the limit of rows."""
    held = totals(connection)
    return share(limits.rows, level, limits) - held[State.WAITING][0] - held[State.LEASED][0]


def share(most: int, level: int, limits: QueueLimits) -> int:
    """The part of a limit that a level may fill."""
    if level == LEVEL[Priority.EMERGENCY]:
        return most
    if level == LEVEL[Priority.CRITICAL]:
        return most - int(most * limits.reserve / 2)
    return int(most * (1 - limits.reserve))


def check_room(connection: sqlite3.Connection, level: int, size: int, limits: QueueLimits) -> None:
    """QueueFull when one more message of this level and size doesn't fit."""
    held = totals(connection)
    live = held[State.WAITING][0] + held[State.LEASED][0]
    if live < share(limits.rows, level, limits) and _yield(connection, level, size, limits):
        held = totals(connection)
    kept = sum(rows for rows, _ in held.values()) - live
    total = sum(each for _, each in held.values())
    later = "Let workers take some, or try later"
    if live >= (most := share(limits.rows, level, limits)):
        raise QueueFull("messages waiting or leased", live, most, later)
    if total + size > (most := share(limits.total, level, limits)):
        mend = "Let workers take some, or try later"
        raise QueueFull(f"bytes held (this message: {size})", total, most, mend)
    if kept >= (most := share(limits.kept, level, limits)):
        raise QueueFull("remembered keys", kept, most, "Try later, when the oldest are forgotten")


def _yield(connection: sqlite3.Connection, level: int, size: int, limits: QueueLimits) -> bool:
    """Delete as many of the oldest dead letters as a new message needs, and count them. False where none had to go."""
    held = totals(connection)
    live = held[State.WAITING][0] + held[State.LEASED][0]
    over_rows = sum(rows for rows, _ in held.values()) - live - share(limits.kept, level, limits) + 1
    over_size = sum(each for _, each in held.values()) + size - share(limits.total, level, limits)
    dead_rows, dead_size = held[State.DEAD]
    if (over_rows <= 0 and over_size <= 0) or over_rows > dead_rows or over_size > dead_size:
        return False  # nothing to do, or nothing that dead letters could mend
    gone: list[tuple[int]] = []
    for number, freed in connection.execute("SELECT number, size FROM messages WHERE state = 'dead' ORDER BY number"):
        if over_rows <= 0 and over_size <= 0:
            break
        over_rows, over_size = over_rows - 1, over_size - freed
        gone.append((number,))
    connection.executemany("DELETE FROM messages WHERE number = ?", gone)
    connection.execute("UPDATE facts SET value = value + ? WHERE name = 'dropped'", (len(gone),))
    return True


def fact(connection: sqlite3.Connection, name: str) -> float:
    """One of the numbers that the file keeps beside its messages."""
    value: float = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0]
    return value


def follow_clock(connection: sqlite3.Connection, now: float) -> None:
    """Move what was reckoned from the system's time back with it, so that nothing stands still until it catches up.

    Deadlines stay: they are the sender's instants. The file knows the time to STEP seconds.
    """
    seen = fact(connection, "seen")
    if seen - STEP <= now < seen + STEP:
        return
    connection.execute("UPDATE facts SET value = ? WHERE name = 'seen'", (now,))
    if now < seen:
        back = seen - now
        connection.execute(
            "UPDATE messages SET enqueued_at = enqueued_at - ?, available_at = available_at - ?, rank = rank - ?, "
            "due = CASE state WHEN 'waiting' THEN due ELSE due - ? END WHERE state != 'dead'",
            (back, back, back, back),
        )


def priority_of(row: sqlite3.Row) -> Priority:
    """The priority that a row's level stands for."""
    level: int = row["level"]
    return PRIORITIES[level]


def stored(row: sqlite3.Row) -> Stored:
    """A row in full."""
    state = State(row["state"])
    return Stored(
        number=row["number"],
        id=row["id"],
        topic=row["topic"],
        priority=priority_of(row),
        state=state,
        key=row["key"],
        payload=row["payload"].decode(),
        size=row["size"],
        attempts=row["attempts"],
        enqueued_at=row["enqueued_at"],
        available_at=row["available_at"],
        deadline=row["deadline"],
        worker=row["worker"],
        lease_until=row["due"] if state is State.LEASED else None,
        ended_at=row["ended_at"],
        dead_reason=DeadReason(row["dead_reason"]) if row["dead_reason"] else None,
        error=row["error"],
        result=None if row["result"] is None else row["result"].decode(),
    )


def leased(row: sqlite3.Row, token: str, until: float) -> Leased:
    """A row that is handed out just now."""
    return Leased(
        id=row["id"],
        topic=row["topic"],
        priority=priority_of(row),
        payload=row["payload"].decode(),
        key=row["key"],
        attempt=row["attempts"] + 1,
        enqueued_at=row["enqueued_at"],
        deadline=row["deadline"],
        lease_until=until,
        token=token,
        origin=row["origin"] or "",
    )


def within(name: str, value: float, least: float, most: float) -> None:
    """QueueRefused when a number is out of its bounds, or no number."""
    if not least <= value <= most:
        raise QueueRefused(f"{name} = {value}: give {least:g} to {most:g}")
