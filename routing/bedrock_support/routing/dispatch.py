"""Running a plan: one attempt after the other under one deadline, each told to health before the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import anyio

from bedrock_support.routing import semconv
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import FAILURES, RouteError
from bedrock_support.routing.model import (
    Attempt,
    Carrier,
    Decision,
    Failure,
    FailureKind,
    Handoff,
    Kind,
    Outcome,
    Reply,
    RouteName,
)
from bedrock_support.routing.route import Route
from bedrock_support.routing.spans import failed, span

SEALING = 0.5
"""Seconds kept back from every attempt, so that there is time to seal and send what it brought."""
FALLBACK_SHARE = 0.6
"""Share of the time left that an attempt may take while another route still waits behind it."""


class AttemptSink(Protocol):
    """Told of every attempt before the next one starts. Not telemetry: routing depends on it."""

    def record(self, attempt: Attempt) -> None: ...


async def dispatch(decision: Decision, routes: Mapping[RouteName, Route], sink: AttemptSink, clock: Clock) -> Outcome:
    """Walk the plan until a route answers, and say how it went. Raises nothing but cancellation."""
    started = clock.now()
    operation = decision.operation
    attempts: list[Attempt] = []
    failure = _no_route(decision)
    for number, name in enumerate(decision.plan, start=1):
        budget = operation.deadline - SEALING - clock.now()
        if number < len(decision.plan) and operation.kind is Kind.READ:
            budget *= FALLBACK_SHARE
        if budget <= 0:
            failure = Failure(kind=FailureKind.TIMEOUT, message="the deadline passed before a route could be tried")
            break
        attempt, answer = await _attempt(routes[name], decision, number, budget, clock)
        sink.record(attempt)
        attempts.append(attempt)
        if answer is not None:
            return Outcome(
                operation=operation,
                decision=decision,
                attempts=tuple(attempts),
                seconds=clock.now() - started,
                reply=answer if isinstance(answer, Reply) else None,
                handoff=answer if isinstance(answer, Handoff) else None,
            )
        failure = attempt.failure or failure
        if operation.kind is Kind.ACT or not FAILURES[failure.kind].fall_over:
            break
    return Outcome(
        operation=operation,
        decision=decision,
        attempts=tuple(attempts),
        seconds=clock.now() - started,
        failure=failure,
    )


async def _attempt(
    route: Route, decision: Decision, number: int, budget: float, clock: Clock
) -> tuple[Attempt, Reply | Handoff | None]:
    operation = decision.operation
    began = clock.now()
    failure: Failure | None = None
    answer: Reply | Handoff | None = None
    about: dict[str, str | int | float] = {
        semconv.ROUTE: route.name.value,
        semconv.ATTEMPT_NUMBER: number,
        semconv.ATTEMPT_TIMEOUT_MS: round(budget * 1000),
        semconv.OP_CLASS: operation.op_class.value,
    }
    with span(semconv.SPAN_ATTEMPT, about) as current:
        try:
            with anyio.fail_after(budget):
                answer = await route.send(operation)
        except RouteError as error:
            failure = error.failure
        except TimeoutError:
            failure = Failure(
                kind=FailureKind.TIMEOUT, message=f"no answer on the {route.name} route within {budget:.1f} s"
            )
        if failure is not None:
            failed(current, failure.kind.value, failure.message)
        elif isinstance(answer, Reply):
            current.set_attributes({semconv.CARRIER: answer.carrier.value, semconv.SIMULATED: answer.simulated})
    reply = answer if isinstance(answer, Reply) else None
    attempt = Attempt(
        route=route.name,
        number=number,
        seconds=clock.now() - began,
        op_class=operation.op_class,
        budget=budget,
        carrier=reply.carrier if reply else Carrier.HANDOFF if answer is not None else None,
        model=reply.model if reply else "",
        usage=reply.usage if reply else None,
        simulated=reply.simulated if reply else False,
        failure=failure,
    )
    return attempt, answer


def _no_route(decision: Decision) -> Failure:
    return Failure(
        kind=FailureKind.UNCONFIGURED,
        message="no route to a model is open: " + "; ".join(decision.reasons[1:]),
        mend=next((seen.note for seen in decision.conditions.routes.values() if seen.note), ""),
    )
