"""Group commit: whoever comes while a transaction is written waits for the next one, together with all others.

No window is waited for: under load the disk itself makes the groups, and a lone record is written at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio
from anyio import to_thread

T = TypeVar("T")
MOST = 512
"""Entries in one transaction."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T]):
    entry: T
    woken: anyio.Event = field(default_factory=anyio.Event)
    done: bool = False
    problem: Exception | None = None


class GroupCommit(Generic[T]):
    """Hands entries to `commit` in groups, one group at a time, in a thread of its own. For one event loop.

    `commit` returns, for each entry, what kept it from being written, or None when it is durable.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Sequence[Exception | None]]) -> None:
        self._commit = commit
        self._queue: deque[_Waiting[T]] = deque()
        self._busy = False
        self._threads = anyio.CapacityLimiter(1)

    async def write(self, entry: T) -> None:
        """Returns when the entry is durable, or raises what kept it from that. Cancelled: it may be written or not."""
        mine = _Waiting(entry)
        self._queue.append(mine)
        if self._busy:
            try:
                await mine.woken.wait()
            except BaseException:
                if mine in self._queue:
                    self._queue.remove(mine)
                    if mine.woken.is_set():  # to lead the next group
                        self._pass_on()
                raise
        if not mine.done:
            await self._lead()
        if mine.problem is not None:
            raise mine.problem

    async def _lead(self) -> None:
        self._busy = True
        group = [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]
        problems: Sequence[Exception | None] = ()
        with anyio.CancelScope(shield=True):  # the others' entries are in this group too
            try:
                problems = await to_thread.run_sync(self._commit, [each.entry for each in group], limiter=self._threads)
            except Exception as error:  # noqa: BLE001 - told to everyone whose entry it was
                problems = [error] * len(group)
        for each, problem in zip(group, problems, strict=True):
            each.problem, each.done = problem, True
            each.woken.set()
        self._pass_on()

    def _pass_on(self) -> None:
        if self._queue:
            self._queue[0].woken.set()
        else:
            self._busy = False
