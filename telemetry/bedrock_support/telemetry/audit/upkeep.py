"""What an operator does to a log: erase a subject's key, prune what is past its time, export a subject's records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bedrock_support.routing.clock import Clock
from bedrock_support.telemetry.audit import reader
from bedrock_support.telemetry.audit.canonical import canonical
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.records import MICRO, SCHEMA
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.subjects import SubjectKeys

DAY = 86_400
KEEP_DAYS: Mapping[str, int] = {"personal": 90, "secret": 90, "other": 365}
"""How long records are kept, by their class, unless the settings say otherwise.

Records of erasure and pruning stay: they explain the gaps.
"""
KEPT = ("erased", "pruned")
AT_ONCE = 5000
"""Records emptied in one transaction, under one tombstone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went."""

    records: int
    tombstones: int


def erase(store: AuditStore, subjects: SubjectKeys, name: str, clock: Clock) -> str | None:
    """Destroy a subject's key. Their tag, or None when there is no such subject.

    The record of it is on the disk before the key goes: a crash between the two leaves an erasure to be repeated,
    never one that nobody knows of.

    Raises:
        AuditUnavailable: the trail can't be written, or bytes of the key couldn't be overwritten yet: ask again.
    """
    subject = subjects.known(name)
    if subject is None:
        subjects.overwrite()  # where an erasure before couldn't
        return None
    record = {"v": SCHEMA, "type": "erased", "at": round(clock.wall() * MICRO), "subject": subject.tag}
    store.append([canonical(record)])
    subjects.destroy(subject.tag)
    return subject.tag


def prune(store: AuditStore, keep_days: Mapping[str, int], clock: Clock) -> Pruned:
    """Empty every record past the days of its class, under signed tombstones; the hashes stay, so that all verifies.

    Looks without holding anybody up, then empties a few thousand in each transaction: servers write meanwhile.
    """
    now = clock.wall()
    with reader.reading(store.files.log) as connection:
        expired = list(_expired(connection, keep_days, now))
    tombstones = 0
    for at in range(0, len(expired), AT_ONCE):
        store.change(_emptying(_ranges(expired[at : at + AT_ONCE]), now))
        tombstones += 1
    return Pruned(records=len(expired), tombstones=tombstones)


def of_subject(files: AuditFiles, subjects: SubjectKeys, name: str) -> list[dict[str, Any]] | None:
    """Every record of a subject with its index; None when there is no such subject (any more)."""
    subject = subjects.known(name)
    if subject is None:
        return None
    query = "SELECT idx, body FROM records WHERE body ->> '$.subject' = ? ORDER BY idx"
    with reader.reading(files.log) as connection:
        found: list[tuple[int, bytes]] = connection.execute(query, (subject.tag,)).fetchall()
    return [{"index": index, **cast("dict[str, Any]", json.loads(body))} for index, body in found]


def _emptying(ranges: list[tuple[int, int]], now: float) -> Callable[[sqlite3.Connection], Sequence[str]]:
    def work(connection: sqlite3.Connection) -> Sequence[str]:
        connection.executemany("UPDATE records SET body = NULL WHERE idx >= ? AND idx < ?", ranges)
        named = [list(each) for each in ranges]
        return [canonical({"v": SCHEMA, "type": "pruned", "at": round(now * MICRO), "ranges": named})]

    return work


def _expired(connection: sqlite3.Connection, keep_days: Mapping[str, int], now: float) -> Iterable[int]:
    longest = max(keep_days.values())
    for row in reader.rows(connection):
        try:
            record: Any = json.loads(row.body or b"{}")
            days = keep_days.get(str(record.get("retention")), longest)
            if record.get("type") not in KEPT and record["at"] / MICRO < now - days * DAY:
                yield row.index
        except (ValueError, AttributeError, KeyError, TypeError):
            continue  # pruned already, or tampered with and evidence


def _ranges(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbours together, as [first, end)."""
    ranges: list[tuple[int, int]] = []
    for index in indexes:
        if ranges and ranges[-1][1] == index:
            ranges[-1] = (ranges[-1][0], index + 1)
        else:
            ranges.append((index, index + 1))
    return ranges
