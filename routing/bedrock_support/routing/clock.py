"""The one door for time and for randomness, so that a test can hold both."""

from __future__ import annotations

import random
import secrets
import time
from typing import Protocol


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
    """The operating system's random source."""

    def __init__(self) -> None:
        self._jitter = random.Random()  # noqa: S311 - jitter, never a secret

    def token(self) -> str:
        return secrets.token_hex(16)

    def unit(self) -> float:
        return self._jitter.random()
