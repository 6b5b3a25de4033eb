"""Values and errors of the queue. Times are Unix seconds, sizes are bytes of UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bedrock_support.routing.model import Priority

LEVEL = {each: level for level, each in enumerate(Priority)}
"""0 for an emergency, 4 for low."""
AGING = 30.0
"""Seconds of waiting that outweigh one step of priority; never the step to an emergency."""
DAY = 86_400.0
MOST_LEASED = 100
"""Messages in one lease, dead letters in one page."""
LONGEST_LEASE = 3600.0


class State(StrEnum):
    """Where a message is in its life."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"


ENDED = frozenset({State.DONE, State.CANCELLED, State.DISCARDED})
"""Kept without payload until their key may be used again."""


class DeadReason(StrEnum):
    """Why a message became a dead letter."""

    EXPIRED = "expired"
    """Its deadline came, or its next try would have been after it."""
    EXHAUSTED = "exhausted"
    """Handed out `attempts` times and never completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """What the queue takes in, and how long it keeps it."""

    rows: int = 1000
    """Messages waiting or leased."""
    payload: int = 256 * 1024
    """One payload, one result."""
    total: int = 64 * 1024 * 1024
    """All payloads and results that the file holds, dead letters included."""
    kept: int = 100_000
    """Dead letters and remembered keys. The oldest dead letters give way to a new message, and are counted."""
    reserve: float = 0.1
    """Share of rows, total and kept that only emergency and critical may fill; half of it is emergency's alone."""
    attempts: int = 5
    retention: float = DAY
    """Seconds that an ended message and its idempotency key are remembered."""
    lifetime: float = DAY
    """Seconds until the deadline of a message that names none."""
    pages: int = 65_536
    """Pages of 4 KiB that the file may grow to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The queue has the message on disk: now, or since the first time this key was given."""

    id: str
    state: State
    duplicate: bool = False
    result: str | None = None
    """What the first one was completed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """One message, this worker's until lease_until."""

    id: str
    topic: str
    priority: Priority
    payload: str
    key: str | None
    """Idempotency key: the same at each delivery, so that a side effect can be made once."""
    attempt: int
    """1 for the first delivery."""
    enqueued_at: float
    deadline: float
    lease_until: float
    """Never later than the deadline."""
    token: str = field(repr=False)
    """Proof of this lease, for extend, complete and fail."""
    origin: str = ""
    """Traceparent of the span that sent it, for a link; empty when it wasn't traced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All that is known of one message, but for its lease token."""

    number: int
    """Place in the order of arrival; the cursor of dead()."""
    id: str
    topic: str
    priority: Priority
    state: State
    key: str | None
    payload: str
    """Empty once ended."""
    size: int
    attempts: int
    enqueued_at: float
    available_at: float
    """Not handed out earlier; later than enqueued_at while backing off."""
    deadline: float
    worker: str = ""
    lease_until: float | None = None
    ended_at: float | None = None
    dead_reason: DeadReason | None = None
    error: str = ""
    """Words of the last failure."""
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """The queue at one instant."""

    states: Mapping[State, int]
    waiting: Mapping[Priority, int]
    delayed: int
    """Waiting messages that back off and aren't handed out yet."""
    dropped: int
    """Dead letters that gave way to new messages since the file was made."""
    topics: Mapping[str, int]
    """Messages waiting or leased, the fullest twenty."""
    live: int
    capacity: int
    size: int
    """Bytes of payloads and results held, and their limit."""
    most_size: int
    oldest_wait: float
    """Seconds that the oldest waiting message has waited, 0 when none waits."""


class QueueError(Exception):
    """The queue said no. Nothing was changed. Safe to show."""


class QueueRefused(QueueError):
    """The arguments can't be taken as they are: mend them."""


class QueueExpired(QueueRefused):
    """Dead letters whose deadline is over were to wait again without a new one."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} of these dead letters are past their deadline. Give a new one")


class QueueFull(QueueError):
    """A limit is reached; names it, the count and the mend."""

    def __init__(self, limit: str, count: int, most: int, mend: str) -> None:
        super().__init__(f"the queue is full: {count} of {most} {limit}. {mend}")
        self.limit = limit
        self.count = count
        self.most = most


class QueueConflict(QueueError):
    """The idempotency key was used for another payload."""


class QueueNotFound(QueueError):
    """No such message, or not in the state that was asked for."""


class LeaseLost(QueueError):
    """The lease is over: the message is somebody else's, waits again, or has ended."""


class QueueUnavailable(QueueError):
    """The file can't be read or written just now. Whatever was asked is undone, or safe to ask again by key."""
