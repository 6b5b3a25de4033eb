"""One routing decision as values: what the server kept of it, and what explain_routing tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.envelope import Result


class Expected(Result):
    """What the operation could expect of a route when the decision was made."""

    p_success: float = Field(description="Probability of an answer in time")
    seconds: float
    p95_seconds: float | None = None
    usd: float | None = Field(default=None, description="Left out: the price isn't known")
    utility: float = Field(description="What orders the routes, in successes: answer in time less cost and wait")
    samples: float = Field(description="Calls behind it; 0: a guess")
    flagged: bool = Field(description="Unusually slow or failing at that moment")


class Candidate(Result):
    """A route and what was known of it."""

    route: str
    feasible: bool
    why_not: str | None = None
    health: str
    samples: int
    note: str = ""
    breaker: str
    open_in_s: float | None = Field(default=None, description="Left out: only a hand can open it")
    expected: Expected | None = Field(default=None, description="Left out: nothing can be said of this route")


class Tried(BaseModel):
    """One attempt, as the server kept it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    route: str
    channel: str | None = None
    number: int
    hedge: bool = False
    seconds: float
    waited_seconds: float = 0.0
    budget_seconds: float
    carrier: str | None = None
    model: str | None = None
    simulated: bool = False
    usd: float | None = None
    failure: str | None = None
    message: str | None = None


class Alternative(Result):
    """What a route that did not answer was expected to take."""

    route: str
    usd: float | None = Field(default=None, description="Left out: not known")
    seconds: float | None = None
    p_success: float | None = None


class _Condition(BaseModel):
    health: str
    samples: int
    note: str = ""
    breaker: str = "closed"
    open_in_seconds: float | None = None
    why_not: str | None = None
    estimate: Expected | None = None


class Entry(BaseModel):
    """A decision as the port gives it: the ledger's form, of which other keys are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str | None = None
    at: float
    """Unix seconds."""
    operation_class: OperationClass
    row: str
    policy: str
    plan: list[str]
    reasons: list[str]
    model_choice: list[str] = []
    conditions: dict[str, _Condition]
    attempts: list[Tried] = []
    ended: str | None = None
    usd: float | None = None
    limits: list[str] = []

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> Entry:
        return cls.model_validate(kept)

    def moment(self) -> str:
        """When it was made, ISO 8601 in UTC."""
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def candidates(self) -> list[Candidate]:
        """Routes in the order of the plan, then those left out."""
        order = [*self.plan, *(route for route in self.conditions if route not in self.plan)]
        return [
            Candidate(
                route=route,
                feasible=route in self.plan,
                why_not=seen.why_not,
                health=seen.health,
                samples=seen.samples,
                note=seen.note,
                breaker=seen.breaker,
                open_in_s=seen.open_in_seconds,
                expected=seen.estimate,
            )
            for route in order
            if (seen := self.conditions.get(route))
        ]
