"""Threads for a blocking client: bounded, under a deadline, and freed when the caller has gone."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from bedrock_support.routing.bedrock.call import CURRENT, Call, CallCut
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind

T = TypeVar("T")

CLOSED = "the direct client is closed"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a stream may keep us waiting, in seconds. A socket's own timeout never notices a drip."""

    first: float
    """From asking to the first piece of the answer."""
    between: float
    """From one frame to the next."""


class Workers:
    """Runs jobs in worker threads, so many at once. Idle it owns neither thread nor timer."""

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._clock = clock
        self._permits = anyio.CapacityLimiter(concurrency)
        # anyio gives its permit back as soon as the caller leaves; ours is held until the thread has ended.
        self._threads = anyio.CapacityLimiter(math.inf)
        self._calls: set[Call] = set()

    @property
    def busy(self) -> int:
        """Permits in use: one for each call whose thread has not ended."""
        return len(self._calls)

    def stop(self) -> None:
        """Cut every call."""
        for call in tuple(self._calls):
            call.stop()

    async def run(self, job: Callable[[Call], T], deadline: float, pace: Pace | None = None) -> T:
        """The job's result, by the deadline. Raises RouteError(TIMEOUT), or what the job raised.

        On a timeout and on cancellation the job's connection is cut, which ends its thread.
        """
        call = Call(self._clock.now())
        left = deadline - call.progress
        if left <= 0:
            raise RouteError(FailureKind.TIMEOUT, "the deadline had passed before Bedrock was asked")
        with anyio.move_on_after(left):
            await self._enter(call)
            try:
                return await (self._in_thread(job, call) if pace is None else self._paced(job, call, pace))
            except CallCut:
                raise RouteError(FailureKind.UNAVAILABLE, CLOSED) from None
            finally:
                leave = partial(self._leave, call)
                if call.leave(partial(_soon, current_token(), leave)):
                    leave()
        raise RouteError(FailureKind.TIMEOUT, f"no answer from Bedrock within {left:.1f} s")

    async def _enter(self, call: Call) -> None:
        try:
            self._permits.acquire_on_behalf_of_nowait(call)
        except anyio.WouldBlock:
            await self._permits.acquire_on_behalf_of(call)
        self._calls.add(call)

    def _leave(self, call: Call) -> None:
        self._calls.discard(call)
        self._permits.release_on_behalf_of(call)

    async def _in_thread(self, job: Callable[[Call], T], call: Call) -> T:
        return await anyio.to_thread.run_sync(_serve, job, call, abandon_on_cancel=True, limiter=self._threads)

    async def _paced(self, job: Callable[[Call], T], call: Call, pace: Pace) -> T:
        ended: list[T] = []
        error: RouteError | CallCut | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, call, pace, group.cancel_scope)
            try:
                ended.append(await self._in_thread(job, call))
            except (RouteError, CallCut) as raised:
                error = raised  # kept out of the group, which would wrap it
            group.cancel_scope.cancel()
        if error is not None:
            raise error
        if not ended:
            raise RouteError(FailureKind.TIMEOUT, call.late)
        return ended[0]

    async def _watch(self, call: Call, pace: Pace, scope: anyio.CancelScope) -> None:
        """Wake once per limit, not once per frame."""
        while True:
            if call.first_piece is None:
                since, limit = call.asked, pace.first
            else:
                since, limit = call.progress, pace.between
            left = since + limit - self._clock.now()
            if left <= 0:
                call.late = f"the stream sent nothing for {limit:g} s"
                scope.cancel()
                return
            # While the first piece is awaited, wake as often as the shorter limit wants once it has come.
            await anyio.sleep(min(left, pace.between))


def _serve(job: Callable[[Call], T], call: Call) -> T:
    call.begin()
    CURRENT.set(call)  # in this thread's copy of the context
    try:
        return job(call)
    finally:
        call.finish()


def _soon(loop: EventLoopToken, then: Callable[[], None]) -> None:
    """Have the loop do something, from a thread that nobody waits for any more.

    anyio.from_thread would block until it is done, for ever if the loop ends meanwhile.
    """
    native: Any = loop.native_token
    schedule = native.run_sync_soon if hasattr(native, "run_sync_soon") else native.call_soon_threadsafe
    with suppress(RuntimeError):  # the loop has ended, and its permits with it
        schedule(then)
