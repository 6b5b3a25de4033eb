"""explain_routing: why a call went where it went, or where one would go now. No model is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from pydantic import Field

from bedrock_support.routing.compliance import MAX_BRIEF
from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import InputError, SupportTool, ToolContext, ToolInput
from bedrock_support.tools.envelope import Result
from bedrock_support.tools.explained import Alternative, Candidate, Entry, Tried
from bedrock_support.tools.explained_text import worded

LATEST = "latest"
DEFAULT_SIZE = 4000


class Look(Protocol):
    """Where decisions are looked up, in the form that Entry reads."""

    async def past(self, decision_id: str) -> Mapping[str, object] | None:
        """A decision that was made, or None when it isn't known (any more)."""
        ...

    async def latest(self) -> Mapping[str, object] | None:
        """The newest decision, or None when none was made yet."""
        ...

    async def hypothetical(
        self, op_class: OperationClass, size_chars: int, deadline_s: float | None
    ) -> Mapping[str, object]:
        """What would be decided now for `size_chars` characters; nothing is sent and nothing kept."""
        ...


class ExplainInput(ToolInput):
    """Arguments of explain_routing."""

    decision_id: Annotated[
        str | None, Field(max_length=64, description="decision_id of a result, or latest: a decision that was made")
    ] = None
    operation_class: Annotated[
        OperationClass | None, Field(description="instead of decision_id: what would be decided now for this class")
    ] = None
    size_chars: Annotated[
        int, Field(ge=1, le=MAX_BRIEF, description="with operation_class: characters that the model would read")
    ] = DEFAULT_SIZE


class RoutingExplanation(Result):
    """One routing decision with everything that shaped it."""

    decision_id: str | None = None
    hypothetical: bool = Field(description="Nothing was sent: this is what would be decided now")
    at: str
    operation_class: OperationClass
    row: str = Field(description="Row of the decision matrix")
    policy: str
    plan: list[str] = Field(description="Routes in the order in which they are tried")
    reasons: list[str]
    model_choice: list[str] = Field(default=[], description="Why a model of this role was asked, in order")
    candidates: list[Candidate]
    attempts: list[Tried]
    chosen: str | None = Field(default=None, description="First route of the plan; left out: none")
    answered_by: str | None = Field(default=None, description="Route that answered or took the question over")
    ended: str | None = None
    cost_usd: float | None = Field(default=None, description="Of all attempts; left out: not known, or nothing sent")
    other_would_have: list[Alternative] = Field(description="What the other routes were expected to take")
    text: str = Field(description="All of it in words")
    limits: list[str] = Field(description="What can't be said, and why")
    trace_id: str | None = None


def explain_routing(look: Look) -> SupportTool[ExplainInput, RoutingExplanation]:
    """The tool, over the place where decisions are looked up."""

    async def run(_: ToolContext, params: ExplainInput) -> RoutingExplanation:
        if params.decision_id is None and params.operation_class is not None:
            kept = await look.hypothetical(params.operation_class, params.size_chars, params.deadline_s)
            return explanation(kept, hypothetical=True)
        return explanation(await _found(look, _asked_for(params)), hypothetical=False)

    return SupportTool(
        name="explain_routing",
        title="Explain a routing decision",
        description=(
            "Why, routing, decision, cost, route health: explains why a support call went to direct Bedrock or over "
            "MCP (decision_id), or where one would go now (operation_class). Row, health, candidates with what was "
            "expected of them, attempts, cost, and what the other route would have cost. Asks no model."
        ),
        input_model=ExplainInput,
        output_model=RoutingExplanation,
        run=run,
        op_class=lambda _: OperationClass.STANDARD,
        reads_files=lambda _: False,
        summary=lambda result: result.text,
        open_world=False,
    )


def explanation(kept: Mapping[str, object], *, hypothetical: bool) -> RoutingExplanation:
    """A decision in the port's form, explained."""
    entry = Entry.of(kept)
    candidates = entry.candidates()
    chosen = entry.plan[0] if entry.plan else None
    answered_by = next((each.route for each in reversed(entry.attempts) if each.failure is None), None)
    others = [_instead(each) for each in candidates if each.route != (answered_by or chosen)]
    return RoutingExplanation(
        decision_id=None if hypothetical else entry.id,
        hypothetical=hypothetical,
        at=entry.moment(),
        operation_class=entry.operation_class,
        row=entry.row,
        policy=entry.policy,
        plan=entry.plan,
        reasons=entry.reasons,
        model_choice=entry.model_choice,
        candidates=candidates,
        attempts=entry.attempts,
        chosen=chosen,
        answered_by=answered_by,
        ended=entry.ended,
        cost_usd=entry.usd,
        other_would_have=others,
        text=worded(entry, candidates, others, hypothetical=hypothetical),
        limits=[*entry.limits, *_limits(candidates)],
    )


def _asked_for(params: ExplainInput) -> str:
    """The past decision that is wanted, once it is clear that nothing else is."""
    one = "Give exactly one: decision_id (or latest) for a past decision, or operation_class for one made now"
    if params.decision_id is None:
        raise InputError("decision_id", None, "neither decision_id nor operation_class is given", one)
    if params.operation_class is not None:
        raise InputError("decision_id", params.decision_id, "operation_class is given too", one)
    if params.size_chars != DEFAULT_SIZE:  # some clients send every default along
        raise InputError(
            "size_chars", params.size_chars, "a past decision has its own size", "Leave out size_chars or decision_id"
        )
    return params.decision_id


async def _found(look: Look, decision_id: str) -> Mapping[str, object]:
    if decision_id == LATEST:
        kept = await look.latest()
        problem, mend = "no decision was made yet", "Call a tool that asks a model, or give operation_class"
    else:
        kept = await look.past(decision_id)
        problem = "not among the last decisions of this server"
        mend = "Take the id from a tool result's decision_id, use latest, or give operation_class"
    if kept is None:
        raise InputError("decision_id", decision_id, problem, mend)
    return kept


def _instead(candidate: Candidate) -> Alternative:
    expected = candidate.expected
    if expected is None:
        return Alternative(route=candidate.route)
    return Alternative(route=candidate.route, usd=expected.usd, seconds=expected.seconds, p_success=expected.p_success)


def _limits(candidates: list[Candidate]) -> list[str]:
    guesses = [each.route for each in candidates if each.expected is not None and not each.expected.samples]
    unknown = [each.route for each in candidates if each.expected is None]
    return [
        *(f"what is expected of {route} is a guess: no call of this class was seen on it" for route in guesses),
        *(f"what {route} would take can't be said: nothing is learnt of it" for route in unknown),
    ]
