"""What a starting server is told of the attempts before it: once, and never in the way of a call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import anyio
import anyio.lowlevel
import anyio.to_thread

from bedrock_support.routing.lasting.experience import FRESH, Learning, Lived, Told, believed, doubted, telling
from bedrock_support.routing.lasting.file import LastingFile, LastingUnavailable
from bedrock_support.routing.lasting.past import PastClock
from bedrock_support.routing.model import Attempt, Failure, FailureKind, OperationClass, RouteName

log = logging.getLogger(__name__)

SLICE = 0.002
"""Seconds that the loop is held at a time."""
MOST_READ = 4096
BEFORE = "before the server started"
_COLUMNS = "at, route, channel, op_class, learnt, size, budget, seconds, failure, simulated"


class Sink(Protocol):
    """Told of attempts: health."""

    def record(self, attempt: Attempt) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Feeds what was lived through to learner and health, which run on `clock`."""

    file: LastingFile
    setup: str
    """The same as the journal's."""
    clock: PastClock
    learner: Learning
    health: Sink
    doubt: Callable[[str], None]
    """Told of each channel that is worth a probe."""
    live: Callable[[], bool]
    """Whether an attempt of this process has begun: what it tells is worth more than the past."""

    async def run(self) -> int:
        """Tell them; returns how many attempts were told to the learner. Raises nothing but cancellation."""
        try:
            told, worth_a_probe = await anyio.to_thread.run_sync(self._known)
        except LastingUnavailable as error:
            log.warning("what was learnt before can't be read: %s", error)
            return 0
        for channel in worth_a_probe:
            self.doubt(channel)
        if self.live():
            return 0
        self._to_health(told)
        return await self._to_learner(told)

    def _known(self) -> tuple[list[Told], frozenset[str]]:
        lived, now = self._read(), self.clock.wall()
        return believed(lived, now), doubted(lived, now)

    def _read(self) -> list[Lived]:
        query = f"SELECT {_COLUMNS} FROM attempts WHERE setup = ? ORDER BY at DESC LIMIT {MOST_READ}"  # noqa: S608 - ours
        with self.file.transaction() as base:
            rows = base.execute(query, (self.setup,)).fetchall()
        return [
            Lived(
                at=at,
                route=route,
                channel=channel,
                op_class=op_class,
                learnt=learnt,
                size=size,
                budget=budget,
                seconds=seconds,
                failure=failure,
                simulated=bool(simulated),
            )
            for at, route, channel, op_class, learnt, size, budget, seconds, failure, simulated in rows
        ]

    def _to_health(self, told: list[Told]) -> None:
        """What is fresh, at the moment of its end. Older attempts say nothing of health."""
        now = self.clock.now()
        fresh = [each for each in told if each.ago <= FRESH]
        for each in sorted(fresh, key=lambda each: each.what.seconds - each.ago):
            attempt = _attempt(each.what)
            if attempt is not None:
                with self.clock.at(now + min(0.0, each.what.seconds - each.ago)):
                    self.health.record(attempt)

    async def _to_learner(self, told: list[Told]) -> int:
        steps, done = telling(told, self.learner, self.clock), 0
        until = self.clock.now() + SLICE
        try:
            for _ in steps:
                done += 1
                if self.clock.now() >= until:
                    await anyio.lowlevel.checkpoint()
                    if self.live():
                        break
                    until = self.clock.now() + SLICE
        finally:
            steps.close()
        return done // 2


def _attempt(lived: Lived) -> Attempt | None:
    """The attempt as health takes it; None for one of another version's making."""
    try:
        failure = Failure(kind=FailureKind(lived.failure), message=BEFORE) if lived.failure else None
        return Attempt(
            route=RouteName(lived.route),
            number=1,
            seconds=lived.seconds,
            op_class=OperationClass(lived.op_class),
            budget=lived.budget,
            channel=lived.channel,
            simulated=lived.simulated,
            failure=failure,
        )
    except ValueError:
        return None
