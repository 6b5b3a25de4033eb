"""Single flight: of all who ask the same at once, in all processes, one asks a model and the others wait for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.to_thread

from bedrock_support.routing.optimizing.port import AnyStore

LEASE = 15.0
"""Seconds that a leader of another process is waited for without a sign of life."""
RENEW = 5.0
"""Seconds between two signs of life."""
LOOK_FIRST, LOOK_MOST = 0.02, 0.25
"""Seconds between two looks whether another process has answered, which double up to the second."""


class Flights:
    """Who leads, by key. Belongs to the event loop; the store is asked in threads."""

    def __init__(self, store: AnyStore, owner: str, threads: anyio.CapacityLimiter) -> None:
        self._store = store
        self._owner = owner
        self._threads = threads
        self._leading: dict[str, anyio.Event] = {}

    def going(self, key: str) -> bool:
        """Somebody in this process asks just now, or waits for another process that does."""
        return key in self._leading

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncGenerator[bool]:
        """True: this call leads, and the others wait until the block ends. False: somebody else has just led.

        Waits for as long as somebody leads; the caller's deadline ends the wait. A leader that dies, with its process
        or without, is followed by one of those who wait.
        """
        going = self._leading.get(key)
        if going is not None:
            await going.wait()
            yield False
            return
        ended = self._leading[key] = anyio.Event()
        try:
            if not await self._leased(key):
                await self._other(key)
                yield False
                return
            async with anyio.create_task_group() as group:
                group.start_soon(self._renew, key)
                try:
                    yield True
                finally:
                    group.cancel_scope.cancel()
                    with anyio.CancelScope(shield=True):
                        await self._in_thread(partial(self._store.delete, _lease(key), self._mine))
        finally:
            del self._leading[key]
            ended.set()

    @property
    def _mine(self) -> bytes:
        return self._owner.encode()

    async def _leased(self, key: str) -> bool:
        return bool(await self._in_thread(partial(self._store.add, _lease(key), self._mine, LEASE)))

    async def _renew(self, key: str) -> None:
        while True:
            await anyio.sleep(RENEW)
            await self._in_thread(partial(self._store.set, _lease(key), self._mine, LEASE))

    async def _other(self, key: str) -> None:
        pause = LOOK_FIRST
        while await self._in_thread(partial(self._store.get, _lease(key))) is not None:
            await anyio.sleep(pause)
            pause = min(LOOK_MOST, 2 * pause)

    async def _in_thread(self, work: partial[object]) -> object:
        return await anyio.to_thread.run_sync(work, limiter=self._threads)


def _lease(key: str) -> str:
    return f"lease:{key}"
