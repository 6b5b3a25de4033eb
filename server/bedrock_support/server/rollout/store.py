"""The durable record of rollouts: runs, every transition before and after it is made, evidence, samples of calls."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio import to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.wal import to_wal

T = TypeVar("T")
WAIT_MS = 5_000
KEPT_CALLS = 200_000
"""Samples kept; the oldest give way."""
LAYOUT = """
CREATE TABLE IF NOT EXISTS runs(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, started REAL NOT NULL, ended REAL, state TEXT NOT NULL,
  phase TEXT NOT NULL, pid INTEGER NOT NULL, abort INTEGER NOT NULL DEFAULT 0, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS transitions(
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, at REAL NOT NULL, phase TEXT NOT NULL, state TEXT NOT NULL,
  note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS evidence(
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, at REAL NOT NULL, phase TEXT NOT NULL, name TEXT NOT NULL,
  ok INTEGER, value TEXT NOT NULL, trace TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls(
  id INTEGER PRIMARY KEY, at REAL NOT NULL, worker TEXT NOT NULL, generation TEXT NOT NULL, tool TEXT NOT NULL,
  class TEXT NOT NULL, ok INTEGER NOT NULL, ms REAL NOT NULL, problem TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS calls_by_worker ON calls(worker, at);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One rollout, rollback or drill."""

    id: str
    kind: str
    started: float
    ended: float | None
    state: str
    phase: str
    pid: int
    abort: bool
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of a run, as it was taken."""

    id: int
    at: float
    phase: str
    state: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that was seen. `ok` is None where it's a fact and no check."""

    id: int
    run: str
    at: float
    phase: str
    name: str
    ok: bool | None
    value: Mapping[str, Any]
    trace: str
    """Id of a trace or a decision, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One call that passed the front. `problem` is empty when it went well."""

    at: float
    worker: str
    generation: str
    tool: str
    op_class: str
    ok: bool
    ms: float
    problem: str

    @property
    def of_tool(self) -> bool:
        """Whether it was a call of a tool; else `tool` holds the method in brackets."""
        return not self.tool.startswith("(")


class EvidenceStore:
    """One SQLite file in WAL mode. Every method blocks; `Desk` takes them off the loop. Raises sqlite3.Error."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.close(handle)
        self._db = sqlite3.connect(path, timeout=WAIT_MS / 1000, isolation_level=None, check_same_thread=False)
        to_wal(self._db, WAIT_MS / 1000)
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(LAYOUT)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def begin(self, run: str, kind: str, detail: Mapping[str, object]) -> None:
        """A new run, in phase `new`."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO runs(id, kind, started, state, phase, pid, detail) VALUES (?,?,?,?,?,?,?)",
                (run, kind, self._clock.wall(), "running", "new", os.getpid(), json.dumps(detail)),
            )

    def set_detail(self, run: str, detail: Mapping[str, object]) -> None:
        with self._writing() as db:
            db.execute("UPDATE runs SET detail = ? WHERE id = ?", (json.dumps(detail), run))

    def adopt(self, run: str) -> None:
        """From now on this process does the run's work."""
        with self._writing() as db:
            db.execute("UPDATE runs SET pid = ? WHERE id = ?", (os.getpid(), run))

    def move(self, run: str, phase: str, state: str, note: str = "") -> None:
        """One transition: of a phase or a step in it (`phase/step`; begun, done, failed, cancelled), and of the run."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO transitions(run, at, phase, state, note) VALUES (?,?,?,?,?)",
                (run, self._clock.wall(), phase, state, note),
            )
            db.execute("UPDATE runs SET phase = ? WHERE id = ?", (phase.partition("/")[0], run))

    def set_state(self, run: str, state: str, *, ended: bool = False) -> None:
        with self._writing() as db:
            db.execute(
                "UPDATE runs SET state = ?, ended = CASE WHEN ? THEN ? ELSE ended END WHERE id = ?",
                (state, ended, self._clock.wall(), run),
            )

    def ask_abort(self, run: str) -> None:
        with self._writing() as db:
            db.execute("UPDATE runs SET abort = 1 WHERE id = ?", (run,))

    def add(
        self, run: str, phase: str, name: str, ok: bool | None, value: Mapping[str, object], trace: str = ""
    ) -> int:
        """Store evidence; its id."""
        with self._writing() as db:
            cursor = db.execute(
                "INSERT INTO evidence(run, at, phase, name, ok, value, trace) VALUES (?,?,?,?,?,?,?)",
                (run, self._clock.wall(), phase, name, ok, json.dumps(value, default=str), trace),
            )
            return int(cursor.lastrowid or 0)

    def add_calls(self, samples: Iterable[Sample]) -> None:
        rows = [(s.at, s.worker, s.generation, s.tool, s.op_class, s.ok, s.ms, s.problem) for s in samples]
        with self._writing() as db:
            db.executemany(
                "INSERT INTO calls(at, worker, generation, tool, class, ok, ms, problem) VALUES (?,?,?,?,?,?,?,?)", rows
            )
            db.execute("DELETE FROM calls WHERE id <= (SELECT max(id) FROM calls) - ?", (KEPT_CALLS,))

    def run(self, run: str) -> Run | None:
        return self._run("WHERE id = ?", run)

    def newest(self, kind: str) -> Run | None:
        """The newest run of a kind."""
        return self._run("WHERE kind = ? ORDER BY rowid DESC LIMIT 1", kind)

    def _run(self, where: str, value: str) -> Run | None:
        fields = "id, kind, started, ended, state, phase, pid, abort, detail"
        row = self._one(f"SELECT {fields} FROM runs {where}", (value,))  # noqa: S608 - both are ours
        if row is None:
            return None
        named = dict(zip(("id", "kind", "started", "ended", "state", "phase", "pid"), row[:7], strict=True))
        return Run(**named, abort=bool(row[7]), detail=json.loads(row[8]))

    def evidence(self, run: str) -> list[Evidence]:
        rows = self._all(
            "SELECT id, run, at, phase, name, ok, value, trace FROM evidence WHERE run = ? ORDER BY id", (run,)
        )
        return [
            Evidence(
                id=row[0],
                run=row[1],
                at=row[2],
                phase=row[3],
                name=row[4],
                ok=None if row[5] is None else bool(row[5]),
                value=json.loads(row[6]),
                trace=row[7],
            )
            for row in rows
        ]

    def transitions(self, run: str) -> list[Transition]:
        """The oldest first."""
        rows = self._all("SELECT id, at, phase, state, note FROM transitions WHERE run = ? ORDER BY id", (run,))
        return [Transition(id=row[0], at=row[1], phase=row[2], state=row[3], note=row[4]) for row in rows]

    def calls(self, worker: str, since: float) -> list[Sample]:
        """Samples of a worker by its name, over all its generations, that ended after a moment (Unix seconds)."""
        rows = self._all(
            "SELECT at, worker, generation, tool, class, ok, ms, problem FROM calls WHERE worker = ? AND at >= ?",
            (worker, since),
        )
        return [
            Sample(
                at=r[0], worker=r[1], generation=r[2], tool=r[3], op_class=r[4], ok=bool(r[5]), ms=r[6], problem=r[7]
            )
            for r in rows
        ]

    def _one(self, query: str, values: tuple[object, ...]) -> Any:
        with self._lock:
            return self._db.execute(query, values).fetchone()

    def _all(self, query: str, values: tuple[object, ...]) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()


class Desk:
    """Blocking work of one rollout, in one thread off the loop, in order."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(1)

    async def __call__(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, limiter=self._limiter)
