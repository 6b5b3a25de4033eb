"""Lifecycle of support mode: inactive, activating, active, draining, and stopped by emergency."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from bedrock_support.routing.model import Operation, Refusal, Scope, stopped
from bedrock_support.routing.model import RouteName as Route
from bedrock_support.server.flags import FlagSnapshot

RESUME = "bedrock-support resume"


class State(StrEnum):
    """Where support mode is. docs/flags.md has the table of what each state lets happen."""

    INACTIVE = "inactive"
    """Switched off, and nothing of before is under way any more."""
    ACTIVATING = "activating"
    """Switched on; the first look at the routes hasn't ended. Calls are judged already."""
    ACTIVE = "active"
    DRAINING = "draining"
    """Switched off; calls that began before end normally, and questions out with agents may be answered."""
    EMERGENCY_STOP = "emergency_stop"
    """At least one scope is stopped: see `stops`."""


class Lifecycle:
    """What state support mode is in, from the newest snapshot and from what is under way. For one event loop."""

    def __init__(self, snapshot: Callable[[], FlagSnapshot], questions: Callable[[], int]) -> None:
        """`questions`: how many are out with agents."""
        self._snapshot = snapshot
        self._questions = questions
        self._under_way = 0
        self._looked_at = False
        self._preflight: Mapping[str, str] | None = None

    @property
    def under_way(self) -> int:
        """Calls that began while support mode was on."""
        return self._under_way

    @property
    def state(self) -> State:
        now = self._snapshot()
        if now.stops:
            return State.EMERGENCY_STOP
        if now.flags.support_mode:
            return State.ACTIVE if self._looked_at else State.ACTIVATING
        return State.DRAINING if self._under_way or self._questions() else State.INACTIVE

    @property
    def idle(self) -> bool:
        """No model can be asked, and none owes an answer: what serves judgement alone has nothing to do."""
        return not self._snapshot().effective.support_mode and not self._under_way and not self._questions()

    @property
    def may_ask(self) -> bool:
        """Whether something that no caller waits for may be asked on the direct route now."""
        return self._snapshot().effective.support_mode and not self.halted(Route.DIRECT)

    def halted(self, route: Route) -> str:
        """Why a stop keeps attempts off the route at this moment, in words; empty when none does."""
        return stopped(route, self._snapshot().stops)

    @contextmanager
    def call(self, taken: FlagSnapshot) -> Generator[None]:
        """One call, under the snapshot that it took. Draining waits for its end."""
        counts = taken.effective.support_mode
        self._under_way += counts
        try:
            yield
        finally:
            self._under_way -= counts

    async def activate(self, look: Callable[[], Awaitable[Mapping[str, str]]]) -> None:
        """End ACTIVATING with the preflight. Health says what it found; it holds no call up."""
        self._looked_at = False
        self._preflight = await look()
        self._looked_at = True

    def report(self) -> dict[str, object]:
        """For health: state, what the last preflight found, stops with their reasons, and what is under way."""
        return {
            "state": self.state.value,
            "preflight": self._preflight,
            "stops": {scope.value: why for scope, why in self._snapshot().stops.items()},
            "under_way": self._under_way,
            "questions_out": self._questions(),
        }


def turned_away(operation: Operation, taken: FlagSnapshot) -> Refusal | None:
    """The refusal of a call while everything is stopped; None when it isn't. The tool's own findings still stand."""
    if Scope.ALL not in taken.stops:
        return None
    why = taken.stops[Scope.ALL] or "no reason was given"
    return Refusal(
        operation=operation,
        reason=f"everything is stopped by hand: {why}",
        mend=f"the local findings are unaffected; an operator lifts it with: {RESUME} {Scope.ALL}",
    )
