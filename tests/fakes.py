"""Real, small implementations of the ports, for tests that hold time and chance themselves."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from bedrock_support.routing.attempts import Dispatch
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.feed import AttemptFeed, AttemptSink
from bedrock_support.routing.guard import Guards, GuardSettings
from bedrock_support.routing.learning.learner import RouteLearner
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
    Usage,
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


def dispatching(clock: Clock, *sinks: AttemptSink, entropy: Entropy | None = None, capacity: int = 64) -> Dispatch:
    """What a plan is run with, for tests."""
    guards = Guards(clock, entropy or CountingEntropy(), GuardSettings(capacity=capacity))
    return Dispatch(guards=guards, feed=AttemptFeed(RouteLearner(clock), *sinks), clock=clock)


class FakeRoute:
    """A route that does what the test says."""

    def __init__(self, name: RouteName, behave: Callable[[Operation], Reply | Handoff | RouteError | float]) -> None:
        self.name = name
        self.behave = behave
        self.hedgeable = True
        self.price: float | None = None
        self.forbids: RouteError | None = None
        self.sent: list[Operation] = []

    @property
    def channel(self) -> str:
        return self.name.value

    def usd(self, operation: Operation, usage: Usage | None = None) -> float | None:
        return self.price

    async def prepare(self, operation: Operation) -> None:
        if self.forbids is not None:
            raise self.forbids

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

    key = "fake"

    def __init__(
        self,
        *,
        sampling: bool = False,
        elicitation: bool = False,
        says: bool = True,
        fails: RouteError | None = None,
        thinks: float = 0.0,
    ) -> None:
        self.abilities = CallerAbilities(sampling=sampling, elicitation=elicitation)
        self.says = says
        self.fails = fails
        self.thinks = thinks
        self.sampled: list[Operation] = []
        self.elicited: list[str] = []

    async def sample(self, operation: Operation) -> Reply:
        self.sampled.append(operation)
        return reply(carrier=Carrier.SAMPLING)

    async def elicit(self, message: str) -> bool:
        self.elicited.append(message)
        if self.fails is not None:
            raise self.fails
        await anyio.sleep(self.thinks)
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
