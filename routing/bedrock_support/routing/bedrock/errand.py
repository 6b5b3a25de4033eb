"""One blocking errand at a time, in a thread that nobody has to wait for: finding or renewing credentials."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import anyio
from anyio.lowlevel import EventLoopToken, current_token

T = TypeVar("T")


class Errand(Generic[T]):
    """A blocking job, run once however many wait for it.

    Whoever waits may give up at any time: a hanging metadata service then holds one thread, which is a daemon and
    can't keep the process, and the next one to ask waits for that same thread.
    """

    def __init__(self, job: Callable[[], T]) -> None:
        self._job = job
        self._ended = anyio.Event()
        self._result: list[T] = []
        self._error: Exception | None = None
        threading.Thread(target=self._run, args=(current_token(),), name="bedrock-credentials", daemon=True).start()

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    async def result(self) -> T:
        """What the job returned. Raises what it raised."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self, loop: EventLoopToken) -> None:
        try:
            self._result.append(self._job())
        except Exception as error:  # noqa: BLE001 - raised again in `result`, for everyone who waits
            self._error = error
        native: Any = loop.native_token
        schedule = native.run_sync_soon if hasattr(native, "run_sync_soon") else native.call_soon_threadsafe
        with suppress(RuntimeError):  # the loop has ended, and everyone who waited with it
            schedule(self._ended.set)
