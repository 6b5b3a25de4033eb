"""The only exception a route may raise, and what each kind of failure means."""

from __future__ import annotations

from dataclasses import dataclass

from bedrock_support.routing.model import Failure, FailureKind


class RouteError(Exception):
    """A route could not answer. Nothing else may leave a route but cancellation."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        mend: str = "",
        retry_after: float | None = None,
        policies: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.failure = Failure(kind=kind, message=message, mend=mend, retry_after=retry_after, policies=policies)

    @property
    def kind(self) -> FailureKind:
        return self.failure.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the router does about a failure."""

    fall_over: bool
    """The next route of the plan may answer."""
    hurts_health: bool
    """Counts against the route's health."""
    overload: bool = False
    """The other side asks for less traffic."""
    again: bool = False
    """The same route may well answer if asked once more a little later."""


_ROUTE_FAULT = Meaning(fall_over=True, hurts_health=True)
_PASSING = Meaning(fall_over=True, hurts_health=True, again=True)
_OVERLOAD = Meaning(fall_over=True, hurts_health=False, overload=True, again=True)
_OUR_OWN = Meaning(fall_over=True, hurts_health=False, again=True)
_SET_UP = Meaning(fall_over=True, hurts_health=False)
_CALLERS_FAULT = Meaning(fall_over=False, hurts_health=False)

FAILURES: dict[FailureKind, Meaning] = {
    FailureKind.THROTTLED: _OVERLOAD,
    FailureKind.NOT_READY: _PASSING,
    FailureKind.UNAVAILABLE: _PASSING,
    FailureKind.TIMEOUT: _ROUTE_FAULT,
    FailureKind.MODEL_ERROR: _PASSING,
    FailureKind.CONNECTION: _PASSING,
    FailureKind.STREAM_CUT: _PASSING,
    FailureKind.BAD_REPLY: _ROUTE_FAULT,
    FailureKind.INVALID_REQUEST: _CALLERS_FAULT,
    FailureKind.ACCESS_DENIED: _SET_UP,
    FailureKind.NOT_FOUND: _SET_UP,
    FailureKind.QUOTA: _SET_UP,
    FailureKind.BLOCKED: _CALLERS_FAULT,
    FailureKind.GUARDRAIL: _CALLERS_FAULT,
    FailureKind.UNCONFIGURED: _SET_UP,
    FailureKind.NO_CARRIER: _SET_UP,
    FailureKind.NOT_APPROVED: _SET_UP,
    FailureKind.DECLINED: _CALLERS_FAULT,
    FailureKind.CANCELLED: _CALLERS_FAULT,
    FailureKind.SHED: _OUR_OWN,
    FailureKind.PREEMPTED: _OUR_OWN,
    FailureKind.HELD_BACK: _OUR_OWN,
    FailureKind.HALTED: _SET_UP,
}
"""One row for every FailureKind; a test holds the two together."""
