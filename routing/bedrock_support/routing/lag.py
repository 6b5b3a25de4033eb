"""LoopLag: how late this process comes to what is ready, so that its own queueing isn't blamed on the other side.

An answer that lies in the socket while the event loop is busy with something else looks like a slow answer. How long
it lay there nobody tells; but a timer that is due at the same time comes just as late, and that can be measured.
"""

from __future__ import annotations

import math
from typing import Any

from anyio import NoEventLoopError
from anyio.lowlevel import current_token

from bedrock_support.routing.clock import Clock

EVERY = 0.01
"""Seconds between two timers while somebody measures. Without anybody there is none."""
MEMORY = 1.0
"""Seconds after which a lateness counts for a third of what it did."""


class LoopLag:
    """Adds up by how much timers come too late. For one event loop at a time; where that isn't asyncio's it says 0.

    A busy processor, threads that hold the interpreter and other processes all show in it, because all of them keep
    the loop from its work.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._measuring = 0
        self._late = 0.0
        self._due = 0.0
        self.usual = 0.0
        """Seconds by which a turn of the loop comes too late of late: what each further turn will cost."""
        self._loop: Any = None
        self._timer: Any = None
        """The event loop's own handle: a timer of its own costs a hundredth of a task that sleeps."""

    def begin(self) -> float:
        """Measure from now on. What it returns is for `end`, which must follow."""
        self._measuring += 1
        if self._measuring == 1 and (self._timer is None or self._clock.now() >= self._due):
            # One that should have rung while nobody measured says nothing, and its loop may have ended before.
            self.usual *= math.exp(-max(0.0, self._clock.now() - self._due) / MEMORY)
            self._forget()
            self._find_loop()
            self._arm()
        return self._total()

    def end(self, since: float) -> float:
        """Seconds that the loop came too late since `begin`, the timer that is still out included."""
        found = self._total() - since
        self._measuring -= 1
        return max(0.0, found)

    def _total(self) -> float:
        # Whatever the loop works on before it comes to the timer, such as the end of this very call, counts as well.
        pending = max(0.0, self._clock.now() - self._due) if self._timer is not None else 0.0
        return self._late + pending

    def _find_loop(self) -> None:
        try:
            loop: Any = current_token().native_token
        except NoEventLoopError:
            loop = None
        self._loop = loop if hasattr(loop, "call_later") else None

    def _arm(self) -> None:
        if self._loop is not None:
            self._due = self._clock.now() + EVERY
            self._timer = self._loop.call_later(EVERY, self._rang)

    def _rang(self) -> None:
        late = max(0.0, self._clock.now() - self._due)
        self._late += late
        self.usual += (late - self.usual) * -math.expm1(-(EVERY + late) / MEMORY)
        self._timer = None
        if self._measuring:
            self._arm()  # else the one that was out is the last

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
