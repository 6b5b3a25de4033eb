"""MCPRouter: one ask() over every carrier that a calling client may offer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, Protocol, overload

import anyio

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.routing.model import (
    FailureKind,
    Handoff,
    Health,
    Operation,
    Reply,
    RouteCondition,
    RouteName,
    Usage,
)
from bedrock_support.routing.route import Route

APPROVAL_SHARE = 0.5
"""Share of the time left that a person may take to answer: past it there is none for the work itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerAbilities:
    """What the calling client declared for this very call."""

    sampling: bool
    elicitation: bool


class Caller(Protocol):
    """The calling client, whatever protocol era it speaks. Raises RouteError and nothing else."""

    @property
    def key(self) -> str:
        """Tells this client from others, without naming it."""
        ...

    @property
    def abilities(self) -> CallerAbilities: ...

    async def sample(self, operation: Operation) -> Reply:
        """Have the client's own model answer."""
        ...

    async def elicit(self, message: str) -> bool:
        """Ask the client's user yes or no. False for no, for dismissal, and for an unreadable answer."""
        ...


class Upstream(Protocol):
    """Another MCP server that answers questions. Raises RouteError and nothing else."""

    @property
    def healthy(self) -> bool: ...

    async def answer(self, operation: Operation) -> Reply: ...


class Screen(Protocol):
    """A guardrail for text that doesn't go through Bedrock."""

    async def __call__(self, text: str, source: Literal["INPUT", "OUTPUT"], deadline: float) -> str:
        """The text as it may pass. `deadline` is absolute monotonic seconds. Raises RouteError when it may not."""
        ...


def nobody() -> Sequence[Upstream]:
    """No upstream server is configured."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A yes-or-no question for the person behind the client."""

    message: str


class MCPRouter:
    """Chooses the carrier: the client's own model where it can be sampled, else an upstream server, else handoff.

    Approvals go by elicitation.
    """

    def __init__(
        self, desk: HandoffDesk, upstreams: Callable[[], Sequence[Upstream]] = nobody, screen: Screen | None = None
    ) -> None:
        """`screen` looks at every question before it leaves for a model, and at the answer that comes back at once."""
        self._desk = desk
        self._upstreams = upstreams
        self._screen = screen

    @property
    def answered_upstream(self) -> bool:
        """An upstream server may answer in place of a client that can't be sampled."""
        return any(each.healthy for each in self._upstreams())

    @overload
    async def ask(self, caller: Caller, question: Operation) -> Reply | Handoff: ...

    @overload
    async def ask(self, caller: Caller, question: Approval) -> bool: ...

    async def ask(self, caller: Caller, question: Operation | Approval) -> Reply | Handoff | bool:
        """Ask the caller's model (an Operation) or its user (an Approval).

        Raises:
            RouteError: NO_CARRIER when an approval is wanted and the client can't elicit;
                whatever the caller's side reports otherwise.
        """
        if isinstance(question, Approval):
            if not caller.abilities.elicitation:
                raise RouteError(
                    FailureKind.NO_CARRIER,
                    "the client can't show a question to its user",
                    mend="use a client with elicitation, or switch the approval off",
                )
            return await caller.elicit(question.message)
        if self._screen is None:
            return await self._answered(caller, question)
        await self._screen(question.brief, "INPUT", question.deadline)
        answer = await self._answered(caller, question)
        if isinstance(answer, Handoff):
            return answer
        return replace(answer, text=await self._screen(answer.text, "OUTPUT", question.deadline))

    async def _answered(self, caller: Caller, question: Operation) -> Reply | Handoff:
        if caller.abilities.sampling:
            return await caller.sample(question)
        for upstream in self._upstreams():
            if upstream.healthy:
                # One that fails or may not see this leaves the question to the next, and at last to the agent.
                with suppress(RouteError):
                    return await upstream.answer(question)
        return self._desk.give(question)

    def route_for(self, caller: Caller) -> CallerRoute:
        """The MCP route of one call."""
        return CallerRoute(self, caller)


class CallerRoute:
    """The MCP route to the client that made this call. Implements Route."""

    def __init__(self, router: MCPRouter, caller: Caller) -> None:
        self._router = router
        self._caller = caller

    @property
    def name(self) -> RouteName:
        return RouteName.MCP

    @property
    def channel(self) -> str:
        by_client = self._caller.abilities.sampling or not self._router.answered_upstream
        return f"{RouteName.MCP}:{self._caller.key}" if by_client else f"{RouteName.MCP}:upstream"

    @property
    def hedgeable(self) -> bool:
        return self._caller.abilities.sampling or self._router.answered_upstream

    async def prepare(self, operation: Operation) -> None:
        """Nothing to settle."""

    async def send(self, operation: Operation) -> Reply | Handoff:
        return await self._router.ask(self._caller, operation)

    def usd(self, operation: Operation, usage: Usage | None = None) -> float | None:
        """Nothing: the client pays for its own model."""
        return 0.0

    def condition(self) -> RouteCondition:
        how = "handoff: the client can't be sampled"
        if self._caller.abilities.sampling:
            how = "the client's own model"
        elif self._router.answered_upstream:
            how = "an upstream server: the client can't be sampled"
        return RouteCondition(health=Health.UNKNOWN, note=how)


class ApprovedRoute:
    """A route that is taken only after the client's user said yes. Implements Route."""

    def __init__(self, route: Route, router: MCPRouter, caller: Caller, message: str, clock: Clock) -> None:
        self._route = route
        self._clock = clock
        self._router = router
        self._caller = caller
        self._message = message

    @property
    def name(self) -> RouteName:
        return self._route.name

    @property
    def channel(self) -> str:
        return self._route.channel

    @property
    def hedgeable(self) -> bool:
        """A person is asked first: what they are asked for should be what is needed."""
        return False

    async def send(self, operation: Operation) -> Reply | Handoff:
        return await self._route.send(operation)

    async def prepare(self, operation: Operation) -> None:
        """Ask the person. However that fails, it says nothing of the route.

        Raises:
            RouteError: NOT_APPROVED.
        """
        left = operation.deadline - self._clock.now()
        why = f"nobody approved the {self.name} route in time"
        with anyio.move_on_after(left * APPROVAL_SHARE):
            try:
                if await self._router.ask(self._caller, Approval(message=self._message)):
                    return
                why = f"the user did not approve the {self.name} route"
            except RouteError as error:
                why = f"the {self.name} route needs an approval, and asking for it failed: {error}"
        raise RouteError(
            FailureKind.NOT_APPROVED, why, mend="approve the question, or switch the approval off in the settings"
        )

    def usd(self, operation: Operation, usage: Usage | None = None) -> float | None:
        return self._route.usd(operation, usage)

    def condition(self) -> RouteCondition:
        return self._route.condition()
