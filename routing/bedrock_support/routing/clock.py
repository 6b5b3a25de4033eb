"""The one door for time and for randomness, so that a test can hold both."""

from __future__ import annotations

import random
import secrets
import time
from collections import deque
from typing import Protocol

DRAWN = 64
"""Tokens drawn at once."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Monotonic seconds; only differences mean anything."""
        ...

    def wall(self) -> float:
        """Seconds since the Unix epoch, for records that people read."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class Entropy(Protocol):
    """Where unguessable ids and jitter come from."""

    def token(self) -> str:
        """128 unguessable bits as 32 hexadecimal digits."""
        ...

    def unit(self) -> float:
        """A uniform draw from [0, 1), for jitter and sampling only."""
        ...


class SystemEntropy:
    """The operating system's random source. Safe to use from several threads; not to be carried over a fork."""

    def __init__(self) -> None:
        self._jitter = random.Random()  # noqa: S311 - jitter, never a secret
        self._drawn: deque[str] = deque()

    def token(self) -> str:
        # Each draw lets go of the interpreter lock, and beside busy threads it takes long to get it back: draw many.
        while True:
            try:
                return self._drawn.popleft()
            except IndexError:
                block = secrets.token_hex(16 * DRAWN)
                self._drawn.extend(block[at : at + 32] for at in range(0, len(block), 32))

    def unit(self) -> float:
        return self._jitter.random()
