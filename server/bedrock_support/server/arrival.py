"""When a message reached this process: a deadline counts from there, not from when the loop got round to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from bedrock_support.routing.clock import Clock

ASGIApp = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]
_KEY = "bedrock_support.arrived"


@dataclass(frozen=True, slots=True)
class Arrived:
    """What stands for the request on a transport that has none. It has no headers: nothing is sent over stdio but
    messages, and that is how callers tell the transports apart."""

    at: float
    """Monotonic seconds."""


def stamped(app: ASGIApp, clock: Clock) -> ASGIApp:
    """The application, with each request's time of arrival in its scope."""

    async def stamp(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        scope[_KEY] = clock.now()
        await app(scope, receive, send)

    return stamp


def arrival(request: Any) -> float | None:
    """Monotonic seconds at which the message of this request came; None where the transport didn't say."""
    if isinstance(request, Arrived):
        return request.at
    scope = getattr(request, "scope", None)
    return scope.get(_KEY) if scope is not None else None
