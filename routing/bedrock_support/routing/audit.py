"""The port through which the gate has every operation written down, before anything leaves and after all is over."""

from __future__ import annotations

from typing import Protocol

from bedrock_support.routing.model import Clearance, Outcome, Refusal


class AuditUnavailable(Exception):
    """The entry could not be written. The message is safe to show and says what to do."""


class AuditSink(Protocol):
    """A trail of entries. What it keeps of an operation are names, counts and keyed digests, never content."""

    async def opened(self, clearance: Clearance, caller: str) -> None:
        """The entry of an operation that is about to leave; durable on return.

        `caller` says whose operation it is. Raises AuditUnavailable.
        """
        ...

    async def closed(self, clearance: Clearance, outcome: Outcome | None, caller: str) -> None:
        """The entry of how it ended; None when it was cancelled. Durable on return. Raises AuditUnavailable."""
        ...

    async def stayed(self, clearance: Clearance, outcome: Outcome | None, caller: str) -> None:
        """Both entries at once, of an operation of which nothing left. Durable on return. Raises AuditUnavailable."""
        ...

    async def relayed(self, peer: str, tool: str, arguments: str, caller: str) -> None:
        """The entry of a call that is about to be passed on to an upstream server. Raises AuditUnavailable."""
        ...

    async def refused(self, refusal: Refusal, caller: str) -> None:
        """The entry of an operation that may not leave. Durable on return. Raises AuditUnavailable."""
        ...
