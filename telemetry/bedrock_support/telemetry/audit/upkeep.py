"""What an operator does to a log: erase a subject's key, prune what is past its time, export a subject's records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bedrock_support.routing.clock import Clock
from bedrock_support.telemetry.audit.canonical import canonical
from bedrock_support.telemetry.audit.records import MICRO, SCHEMA
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.subjects import SubjectKeys

DAY = 86_400
KEEP_DAYS: Mapping[str, int] = {"personal": 90, "other": 365}
"""How long records are kept, by their class. Records of erasure and pruning stay: they explain the gaps."""
KEPT = ("erased", "pruned")
RANGES = 1000
"""Ranges in one tombstone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went."""

    records: int
    tombstones: int


def erase(store: AuditStore, subjects: SubjectKeys, name: str, clock: Clock) -> str | None:
    """Destroy a subject's key. Their tag, or None when there is no such subject.

    The record of it is on the disk before the key goes: a crash between the two leaves an erasure to be repeated,
    never one that nobody knows of.
    """
    subject = subjects.known(name)
    if subject is None:
        return None
    record = {"v": SCHEMA, "type": "erased", "at": round(clock.wall() * MICRO), "subject": subject.tag}
    store.append([canonical(record)])
    subjects.destroy(subject.tag)
    return subject.tag


def prune(store: AuditStore, keep_days: Mapping[str, int], clock: Clock) -> Pruned:
    """Empty every record past the days of its class, under signed tombstones; the hashes stay, so that all verifies."""
    now = clock.wall()
    gone = 0
    tombstones = 0

    def work(connection: sqlite3.Connection) -> Sequence[str]:
        nonlocal gone, tombstones
        ranges = _ranges(_expired(connection, keep_days, now))
        bodies: list[str] = []
        for at in range(0, len(ranges), RANGES):
            chunk = ranges[at : at + RANGES]
            connection.executemany("UPDATE records SET body = NULL WHERE idx >= ? AND idx < ?", chunk)
            bodies.append(
                canonical(
                    {"v": SCHEMA, "type": "pruned", "at": round(now * MICRO), "ranges": [list(each) for each in chunk]}
                )
            )
        gone, tombstones = sum(end - first for first, end in ranges), len(bodies)
        return bodies

    store.change(work)
    return Pruned(records=gone, tombstones=tombstones)


def of_subject(store: AuditStore, subjects: SubjectKeys, name: str) -> list[dict[str, Any]] | None:
    """Every record of a subject with its index; None when there is no such subject (any more)."""
    subject = subjects.known(name)
    if subject is None:
        return None
    query = "SELECT idx, body FROM records WHERE body ->> '$.subject' = ? ORDER BY idx"
    found = store.read(query, (subject.tag,))
    return [{"index": index, **cast("dict[str, Any]", json.loads(str(body)))} for index, body in found]


def resurrected(store: AuditStore, subjects: SubjectKeys) -> set[str]:
    """Tags of erased subjects whose key is there again: somebody restored an old copy of the keys."""
    erased = store.read("SELECT body ->> '$.subject' FROM records WHERE body ->> '$.type' = 'erased'")
    return {str(row[0]) for row in erased} & subjects.tags()


def _expired(connection: sqlite3.Connection, keep_days: Mapping[str, int], now: float) -> Iterable[int]:
    query = """SELECT idx, body ->> '$.type', body ->> '$.at', body ->> '$.retention'
        FROM records WHERE body IS NOT NULL ORDER BY idx"""
    for index, kind, at, retention in connection.execute(query):
        days = keep_days.get(retention, max(keep_days.values()))
        if kind not in KEPT and at / MICRO < now - days * DAY:
            yield index


def _ranges(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbours together, as [first, end)."""
    ranges: list[tuple[int, int]] = []
    for index in indexes:
        if ranges and ranges[-1][1] == index:
            ranges[-1] = (ranges[-1][0], index + 1)
        else:
            ranges.append((index, index + 1))
    return ranges
