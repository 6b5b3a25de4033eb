"""One request as both sides see it: the event loop, which may give up, and the thread, which may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol


class Line(Protocol):
    """A connection that can be ended from another thread."""

    def cut(self) -> None:
        """Shut the socket down, so that whoever waits on it wakes with an error."""
        ...

    def hurry(self, seconds: float) -> None:
        """Let every further read of this reply wait that long and no longer."""
        ...

    def close(self) -> None: ...


class CallCut(Exception):
    """The loop gave the call up; its thread ends here."""


class Call:
    """What the loop and the worker thread share about one request.

    A permit is held from the loop's side until the thread has really ended, even when nobody waits for it
    any more. All that is done under the lock takes microseconds, so the loop may take it.
    """

    __slots__ = ("_line", "_lock", "_on_end", "_running", "asked", "cut", "first_piece", "late", "progress")

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._line: Line | None = None
        self._on_end: Callable[[], None] | None = None
        self._running = False
        self.cut = False
        self.late = ""
        """Which limit of a stream was passed, in words; empty while none was."""
        self.asked = now
        """When the request went out; until then, when the call was made. Monotonic seconds."""
        self.progress = now
        """When the last frame came. Monotonic seconds."""
        self.first_piece: float | None = None
        """When the first piece of the answer came. Monotonic seconds."""

    def begin(self) -> None:
        """The thread starts. Raises CallCut if nobody waits for it any more."""
        with self._lock:
            if self.cut:
                raise CallCut
            self._running = True

    def finish(self) -> None:
        """The thread ends: a connection that it still holds is not clean, so it is closed, never pooled."""
        with self._lock:
            self._running = False
            line, self._line = self._line, None
            on_end, self._on_end = self._on_end, None
        if line is not None:
            line.close()
        if on_end is not None:
            on_end()

    def hold(self, line: Line) -> None:
        """The thread has taken a connection from the pool."""
        with self._lock:
            if self.cut:
                raise CallCut
            self._line = line

    def let_go(self) -> bool:
        """The thread gives the connection back; false when it was cut and must not be pooled."""
        with self._lock:
            self._line = None
            return not self.cut

    def hurry(self, seconds: float) -> None:
        """The thread needs little more from the connection that it holds, if it still holds one."""
        if self._line is not None:
            self._line.hurry(seconds)

    def leave(self, on_end: Callable[[], None]) -> bool:
        """The loop stops waiting. True: no thread runs. False: it was cut, and will call on_end when it ends."""
        with self._lock:
            if not self._running:
                self.cut = True
                return True
            self._on_end = on_end
        self.stop()
        return False

    def stop(self) -> None:
        """End the request from outside its thread."""
        with self._lock:
            self.cut = True
            # Under the lock: once given back to the pool the connection may already serve somebody else.
            if self._line is not None:
                self._line.cut()


CURRENT: ContextVar[Call | None] = ContextVar("bedrock_support.direct.call", default=None)
"""The call that the running worker thread serves; the pool reads it when a connection is taken."""
