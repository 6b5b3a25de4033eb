"""MessageQueue: the durable queue as the event loop uses it; every call runs in a worker thread of its own kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.model import Priority
from bedrock_support.routing.queue.model import Leased, QueueError, QueueLimits, QueueStats, Receipt, State, Stored
from bedrock_support.routing.queue.store import QueueStore

T = TypeVar("T")


class MessageQueue:
    """Messages that outlive the process. Raises QueueError and its kinds, nothing else.

    A call that has begun is finished even when its caller is cancelled, so that nothing is left half-known;
    a call that still waits for its turn is not begun.
    """

    def __init__(self, path: Path, clock: Clock, entropy: Entropy, limits: QueueLimits | None = None) -> None:
        self._store = QueueStore(path, clock, entropy, limits)
        # One at a time: SQLite takes one writer, and a second thread would only wait for it.
        self._threads = anyio.CapacityLimiter(1)

    @property
    def path(self) -> Path:
        return self._store.path

    async def aclose(self) -> None:
        """Let go of the file; a later call opens it again."""
        await self._run(self._store.close)

    async def enqueue(
        self,
        topic: str,
        payload: str,
        *,
        priority: Priority = Priority.MEDIUM,
        key: str | None = None,
        deadline: float | None = None,
        origin: str = "",
    ) -> Receipt:
        """Take a message in: once this returns it is on disk. See QueueStore.enqueue."""
        take = partial(
            self._store.enqueue, topic, payload, priority=priority, key=key, deadline=deadline, origin=origin
        )
        return await self._run(take)

    async def lease(self, topics: Sequence[str], worker: str, seconds: float, limit: int = 1) -> tuple[Leased, ...]:
        """Up to `limit` messages, this worker's for `seconds`; given back when the caller was cancelled meanwhile."""
        held = await self._run(partial(self._store.leases.lease, tuple(topics), worker, seconds, limit))
        try:
            await anyio.lowlevel.checkpoint_if_cancelled()
        except anyio.get_cancelled_exc_class():
            if held:
                with anyio.CancelScope(shield=True), suppress(QueueError):
                    await self._run(partial(self._store.leases.give_back, held))
            raise
        return held

    async def extend(self, message: str, token: str, seconds: float) -> float:
        """Keep a lease; returns its new end in Unix seconds, or raises LeaseLost."""
        return await self._run(partial(self._store.leases.extend, message, token, seconds))

    async def complete(self, message: str, token: str, result: str = "") -> None:
        """End a leased message, or raise LeaseLost."""
        await self._run(partial(self._store.leases.complete, message, token, result))

    async def fail(self, message: str, token: str, reason: str, retry_after: float = 0.0) -> State:
        """Give a message back after a failed try: WAITING or DEAD. Raises LeaseLost."""
        return await self._run(partial(self._store.leases.fail, message, token, reason, retry_after))

    async def give_back(self, held: Sequence[Leased]) -> int:
        """Return leases unused."""
        return await self._run(partial(self._store.leases.give_back, tuple(held)))

    async def cancel(self, message: str) -> bool:
        """End a message that waits or is leased."""
        return await self._run(partial(self._store.cancel, message))

    async def inspect(self, message: str) -> Stored:
        """Everything about one message, or QueueNotFound."""
        return await self._run(partial(self._store.inspect, message))

    async def stats(self) -> QueueStats:
        """The queue at this instant."""
        return await self._run(self._store.stats)

    async def purge(self, most: int = 500) -> int:
        """Forget ended messages whose retention is over; returns how many."""
        return await self._run(partial(self._store.purge, most))

    async def dead(self, limit: int = 20, after: int = 0) -> tuple[Stored, ...]:
        """A page of dead letters, after that number."""
        return await self._run(partial(self._store.dead_letters.page, limit, after))

    async def requeue(self, ids: Sequence[str] | None = None, deadline: float | None = None) -> int:
        """Let dead letters wait again; None for all that fit. Returns how many."""
        return await self._run(partial(self._store.dead_letters.requeue, ids, deadline))

    async def discard(self, ids: Sequence[str] | None = None) -> int:
        """Throw dead letters away; None for all. Returns how many."""
        return await self._run(partial(self._store.dead_letters.discard, ids))

    async def _run(self, call: Callable[[], T]) -> T:
        # Not abandoned on cancellation: anyio waits for the thread and hands its result over.
        return await anyio.to_thread.run_sync(call, limiter=self._threads)
