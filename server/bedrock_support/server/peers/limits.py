"""What one upstream server may take: time, memory, messages. Beyond each bound it is refused or cut off."""

from __future__ import annotations

from dataclasses import dataclass

from bedrock_support.routing.clock import Clock

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerLimits:
    """Seconds, bytes and counts, for each peer."""

    connect: float = 20.0
    """From the start of the process to its list of tools. The SDK alone waits 10 s for a server of unknown era."""
    first_pause: float = 0.5
    most_pause: float = 30.0
    """Pauses between attempts to connect are drawn from zero to a bound that doubles from the first to the most."""
    patience: float = 1.0
    """A call waits out a pause of no more than this; with a longer one it fails at once."""
    steady: float = 10.0
    """A connection that lived for less counts as a failed attempt."""
    at_once: int = 16
    """Calls on one connection, where calls may share it."""
    waiting: int = 64
    """Calls of one peer, running and waiting, before more are turned away."""
    message: int = 4 * MIB
    """Bytes of one message, either way."""
    text: int = MIB
    """Characters of a result's text, and of a call's arguments."""
    burst: float = 1000.0
    per_second: float = 200.0
    """Messages that a connection may send at once, and per second over time."""
    bytes_burst: float = 32.0 * MIB
    bytes_per_second: float = 8.0 * MIB
    asks: int = 8
    """Requests of the peer that one call passes on to its caller."""
    grace: float = 1.0
    """A process may take so long to end by itself, and again after being told to."""


class Hostile(Exception):
    """The peer broke a bound; the message says which."""


class Meter:
    """Token buckets over the messages and the bytes of one connection."""

    def __init__(self, clock: Clock, limits: PeerLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._messages = limits.burst
        self._bytes = limits.bytes_burst
        self._at = clock.now()

    def count(self, messages: int = 1, size: int = 0) -> None:
        """So much more came.

        Raises:
            Hostile: it was too much.
        """
        limits, now = self._limits, self._clock.now()
        passed, self._at = now - self._at, now
        self._messages = min(limits.burst, self._messages + limits.per_second * passed) - messages
        self._bytes = min(limits.bytes_burst, self._bytes + limits.bytes_per_second * passed) - size
        if self._messages < 0:
            raise Hostile(f"it sent more than {limits.burst:.0f} messages at once and {limits.per_second:.0f} a second")
        if self._bytes < 0:
            raise Hostile(f"it sent more than {limits.bytes_per_second / MIB:.0f} MiB a second")


def printable(text: str, most: int) -> str:
    """Foreign text on one line: control and invisible characters become spaces, and no more than `most` is kept."""
    return " ".join("".join(each if each.isprintable() else " " for each in text[: most * 2]).split())[:most]
