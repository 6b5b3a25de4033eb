"""Which role's model is asked: the smallest that is good enough, and one step up when its answer isn't."""

from __future__ import annotations

import json
from dataclasses import replace

from bedrock_support.routing.attempts import SEALING
from bedrock_support.routing.length import text_tokens
from bedrock_support.routing.matrix import ClassRule
from bedrock_support.routing.model import Carrier, Decision, Kind, ModelRole, Outcome, RouteName
from bedrock_support.routing.optimizing.answers import WHOLE

ROLES = (ModelRole.FAST, ModelRole.STANDARD, ModelRole.DEEP)
"""From small to large."""
SLOWER = 2.0
"""A larger model is given this many times as long as the smaller one took, or isn't asked."""
MORE = 2
"""A cut answer may be so many times as long when it is asked for again."""
MOST_TOKENS = 8000
"""Tokens of an answer above which no step up goes."""


def for_size(decision: Decision, rule: ClassRule, *, smaller: bool) -> Decision:
    """The decision with the smallest role that is good enough; no smaller one than its own unless `smaller`."""
    operation = decision.operation
    tokens, role = text_tokens(operation.brief), operation.model_role
    at = ROLES.index(role)
    if smaller and at and rule.small_tokens and tokens <= rule.small_tokens and role is rule.role:
        chosen = ROLES[at - 1]
        why = f"{chosen}: the class asks for {role}, but {tokens} tokens are a small brief (up to {rule.small_tokens})"
        return with_role(decision, chosen, why)
    return replace(decision, model_choice=(f"{role}: asked for, and the brief has {tokens} tokens",))


def with_role(decision: Decision, role: ModelRole, why: str) -> Decision:
    """The decision with another role, and why."""
    clearance = replace(decision.clearance, operation=replace(decision.operation, model_role=role))
    choice = (*decision.model_choice, why)
    return replace(decision, clearance=clearance, model_choice=choice)


def larger(role: ModelRole, than: ModelRole) -> bool:
    """Whether one role's model is the larger one."""
    return ROLES.index(role) > ROLES.index(than)


def fits(outcome: Outcome) -> bool:
    """Whether an answer has the form that was asked for; one that hasn't is given on, but not again."""
    reply, schema = outcome.reply, outcome.operation.answer_schema
    if reply is None or not schema:
        return reply is not None
    start, end = reply.text.find("{"), reply.text.rfind("}")
    try:
        found: object = json.loads(reply.text[start : end + 1])
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and set(schema.get("required", ())) <= found.keys()


def lacking(outcome: Outcome) -> str:
    """What is wrong with an answer, in words; empty for a good one and where there is none."""
    if outcome.reply is None:
        return ""
    if outcome.reply.stop_reason not in WHOLE:
        return f"the answer was cut at {outcome.operation.max_tokens} tokens"
    return "" if fits(outcome) else "the answer has not the form that was asked for"


def step_up(decision: Decision, outcome: Outcome, now: float) -> Decision | None:
    """The question to the next larger model, when the answer lacks something and time remains; `now` in seconds.

    None for an act, which is never sent twice, for an answer of the agent's own model, and at the largest role.
    """
    operation, reply = decision.operation, outcome.reply
    why = lacking(outcome)
    if not why or reply is None or reply.carrier is not Carrier.BEDROCK or operation.kind is Kind.ACT:
        return None
    at = ROLES.index(operation.model_role)
    took = max((each.seconds for each in outcome.attempts), default=0.0)
    left = operation.deadline - SEALING - now
    if at + 1 == len(ROLES) or left <= 0 or left < SLOWER * took:
        return None
    room = operation.max_tokens if reply.stop_reason in WHOLE else min(MOST_TOKENS, MORE * operation.max_tokens)
    up = with_role(decision, ROLES[at + 1], f"{ROLES[at + 1]}: a step up from {operation.model_role}, because {why}")
    asked = replace(up.operation, max_tokens=max(operation.max_tokens, room))
    return replace(up, clearance=replace(up.clearance, operation=asked), plan=(RouteName.DIRECT,), hedge=False)


def joined(first: Outcome, second: Outcome) -> Outcome:
    """The better of both outcomes, with the attempts and the seconds of both. The second decision tells of both."""
    last = len(first.attempts)
    attempts = (*first.attempts, *(replace(each, number=last + each.number) for each in second.attempts))
    better = second if second.reply is not None and not lacking(second) else first
    seconds = first.seconds + second.seconds
    return replace(better, decision=second.decision, attempts=attempts, seconds=seconds)
