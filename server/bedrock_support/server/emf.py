"""EmfWriter: the events of each objective as lines of the embedded metric format, once a minute, in a file."""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import anyio.to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.server.cloudwatch import emf
from bedrock_support.telemetry.slo.board import Board

EVERY = 60.0
"""Seconds between two writes: CloudWatch's usual resolution."""
log = logging.getLogger(__name__)


class EmfWriter:
    """Appends to a file that the CloudWatch agent reads. What can't be written is tried again with the next lines."""

    def __init__(self, path: Path, board: Board, clock: Clock) -> None:
        self._path = path
        self._board = board
        self._clock = clock
        self._told: dict[str, tuple[int, int]] = {}
        self._limiter = anyio.CapacityLimiter(1)

    async def run(self) -> None:
        """Runs until cancelled; then writes what is left."""
        try:
            while True:
                await anyio.sleep(EVERY)
                await self.write()
        finally:
            with anyio.CancelScope(shield=True):
                await self.write()

    async def write(self) -> None:
        """Append what happened since the last time; nothing when nothing did."""
        standing = self._board.standing()
        at = self._clock.wall()
        lines = [emf(each, self._told.get(each.objective.name, (0, 0)), at) for each in standing]
        text = "".join(f"{line}\n" for line in lines if line is not None)
        if not text:
            return
        try:
            await anyio.to_thread.run_sync(self._append, text, limiter=self._limiter)
        except OSError as error:
            log.warning("metrics can't be written to %s: %s", self._path, error.strerror)
            return
        self._told = {each.objective.name: (each.good, each.bad) for each in standing}

    def _append(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text)
