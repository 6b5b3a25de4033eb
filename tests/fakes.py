"""Real, small implementations of the ports, for tests that hold time and chance themselves."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.mcp_router import CallerAbilities
from bedrock_support.routing.model import (
    Attempt,
    Carrier,
    Clearance,
    Handoff,
    Health,
    Operation,
    OperationClass,
    Reply,
    RouteCondition,
    RouteName,
)


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self, now: float = 1000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1_800_000_000.0 + self.time


class CountingEntropy:
    """Predictable ids: 0001, 0002, ..."""

    def __init__(self) -> None:
        self.drawn = 0

    def token(self) -> str:
        self.drawn += 1
        return f"{self.drawn:032x}"

    def unit(self) -> float:
        return 0.5


class Recorder:
    """An AttemptSink that remembers."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def record(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)


class FakeRoute:
    """A route that does what the test says."""

    def __init__(self, name: RouteName, behave: Callable[[Operation], Reply | Handoff | RouteError | float]) -> None:
        self.name = name
        self.behave = behave
        self.sent: list[Operation] = []

    async def send(self, operation: Operation) -> Reply | Handoff:
        self.sent.append(operation)
        what = self.behave(operation)
        if isinstance(what, RouteError):
            raise what
        if isinstance(what, int | float):
            await anyio.sleep(what)
            return reply()
        return what

    def condition(self) -> RouteCondition:
        return RouteCondition(health=Health.UNKNOWN)


class FakeCaller:
    """A calling client with fixed abilities and answers."""

    def __init__(self, *, sampling: bool = False, elicitation: bool = False, says: bool = True) -> None:
        self.abilities = CallerAbilities(sampling=sampling, elicitation=elicitation)
        self.says = says
        self.sampled: list[Operation] = []
        self.elicited: list[str] = []

    async def sample(self, operation: Operation) -> Reply:
        self.sampled.append(operation)
        return reply(carrier=Carrier.SAMPLING)

    async def elicit(self, message: str) -> bool:
        self.elicited.append(message)
        return self.says


def reply(text: str = "an answer", *, carrier: Carrier = Carrier.BEDROCK) -> Reply:
    return Reply(text=text, model="a-model", carrier=carrier)


def operation(
    op_class: OperationClass = OperationClass.STANDARD, *, deadline: float = 1030.0, brief: str = "a brief"
) -> Operation:
    return Operation(
        id="op-1",
        op_class=op_class,
        tool="triage_incident",
        system="be brief",
        brief=brief,
        evidence_digest="0" * 64,
        deadline=deadline,
    )


def clearance(of: Operation | None = None, routes: frozenset[RouteName] = frozenset(RouteName)) -> Clearance:
    return Clearance(operation=of or operation(), routes=routes)
