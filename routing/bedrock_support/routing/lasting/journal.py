"""Journal: takes in attempts and decisions at once, and writes many of them in one transaction, off the loop."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from functools import partial

import anyio
import anyio.to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.lasting.file import LastingFile, LastingUnavailable
from bedrock_support.routing.model import Attempt

log = logging.getLogger(__name__)

LINGER = 0.25
"""Seconds for which rows are gathered: what a killed process may lose of what it has just done."""
AGAIN = 5.0
"""Seconds until the next try after one that failed."""
MOST_PENDING = 8192
"""Rows that wait to be written; beyond, the newest are not taken in."""
MOST_ATTEMPTS, ATTEMPT_SECONDS = 4096, 86_400.0
"""Attempts kept of all replicas together, and for how long: older ones aren't believed anyway."""
MOST_DECISIONS, DECISION_SECONDS = 10_000, 7 * 86_400.0
TIDY_EVERY = 64
"""Writes between two looks for what has to go."""

AttemptRow = tuple[str, float, str, str, str, str, float, float, float, str, int]


class Journal:
    """One process's part. What can't be written waits for the next time; nobody waits for what is written."""

    def __init__(self, file: LastingFile, clock: Clock, *, tenant: str, setup: str) -> None:
        """`setup` tells whom the channels lead to: attempts on another Region's models say nothing of these."""
        self._file = file
        self._clock = clock
        self._tenant = tenant
        self._setup = setup
        self._attempts: list[AttemptRow] = []
        self._decisions: list[tuple[str, float, Mapping[str, object]]] = []
        self._notes: list[tuple[str, str, object]] = []
        self._news = anyio.Event()
        self._writes = 0
        self._threads = anyio.CapacityLimiter(1)
        self.lost = 0
        """Rows that weren't taken in because too many waited."""

    def attempt(self, learnt: str, size: float, attempt: Attempt) -> None:
        """An attempt that says something of its channel: what it was, never what it was about."""
        if self._full():
            return
        self._attempts.append(
            (
                self._setup,
                self._clock.wall() - attempt.seconds,
                attempt.route.value,
                attempt.channel,
                attempt.op_class.value,
                learnt,
                size,
                attempt.budget,
                attempt.seconds,
                attempt.failure.kind.value if attempt.failure is not None else "",
                int(attempt.simulated),
            )
        )

    def decision(self, decision_id: str, at: float, entry: Mapping[str, object]) -> None:
        """A decision in the ledger's form; the mapping must not be changed any more. `at` is Unix seconds."""
        if not self._full():
            self._decisions.append((decision_id, at, entry))

    def note(self, decision_id: str, key: str, value: object) -> None:
        """A later fact about a decision, made by whatever replica."""
        if not self._full():
            self._notes.append((decision_id, key, value))

    async def run(self) -> None:
        """Write what is there, now and then. Runs until cancelled; without news it sleeps without a timer."""
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            await anyio.sleep(LINGER)
            if not await self.flush():
                await anyio.sleep(AGAIN)

    async def flush(self) -> bool:
        """Write what is there; False when it can't be written now, and stays."""
        attempts, decisions, notes = self._attempts, self._decisions, self._notes
        if not (attempts or decisions or notes):
            return True
        self._attempts, self._decisions, self._notes = [], [], []
        try:
            await anyio.to_thread.run_sync(partial(self._write, attempts, decisions, notes), limiter=self._threads)
        except LastingUnavailable as error:
            log.warning("experience and decisions can't be kept just now: %s", error)
            self._attempts, self._decisions = attempts + self._attempts, decisions + self._decisions
            self._notes = notes + self._notes
            self._news.set()
            return False
        return True

    async def aclose(self) -> None:
        """Write the last rows and let go of the file."""
        await self.flush()
        await anyio.to_thread.run_sync(self._file.close)

    def _full(self) -> bool:
        """Whether another row has no room; also wakes the writer."""
        waiting = len(self._attempts) + len(self._decisions) + len(self._notes)
        if waiting >= MOST_PENDING:
            self.lost += 1
            return True
        if not self._news.is_set():
            self._news.set()
        return False

    def _write(
        self,
        attempts: list[AttemptRow],
        decisions: list[tuple[str, float, Mapping[str, object]]],
        notes: list[tuple[str, str, object]],
    ) -> None:
        rows = [(key, self._tenant, at, json.dumps(entry, separators=(",", ":"))) for key, at, entry in decisions]
        with self._file.transaction() as base:
            base.executemany(
                "INSERT INTO attempts (setup, at, route, channel, op_class, learnt, size, budget, seconds, failure, "
                "simulated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                attempts,
            )
            base.executemany("INSERT OR REPLACE INTO decisions (id, tenant, at, entry) VALUES (?, ?, ?, ?)", rows)
            for decision_id, key, value in notes:
                self._noted(base, decision_id, key, value)
            if self._writes % TIDY_EVERY == 0:
                _tidy(base, self._clock.wall())
            self._writes += 1

    def _noted(self, base: sqlite3.Connection, decision_id: str, key: str, value: object) -> None:
        known = decision_id, self._tenant
        row = base.execute("SELECT entry FROM decisions WHERE id = ? AND tenant = ?", known).fetchone()
        if row is not None:
            entry = json.dumps(json.loads(row[0]) | {key: value}, separators=(",", ":"))
            base.execute("UPDATE decisions SET entry = ? WHERE id = ? AND tenant = ?", (entry, *known))


def _tidy(base: sqlite3.Connection, now: float) -> None:
    for table, most, seconds in (
        ("attempts", MOST_ATTEMPTS, ATTEMPT_SECONDS),
        ("decisions", MOST_DECISIONS, DECISION_SECONDS),
    ):
        base.execute(f"DELETE FROM {table} WHERE at < ?", (now - seconds,))  # noqa: S608 - names of our own
        base.execute(f"DELETE FROM {table} WHERE number <= (SELECT max(number) FROM {table}) - ?", (most,))  # noqa: S608
