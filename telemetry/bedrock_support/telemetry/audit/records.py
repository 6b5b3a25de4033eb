"""What each record says. docs/audit.md has the table. Names, counts, kinds and keyed digests; never content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bedrock_support.routing.model import Attempt, Clearance, Operation, Outcome, Refusal
from bedrock_support.routing.redaction import SECRET_KINDS, blanked

SCHEMA = 1
MOST_NAME = 200
"""Characters kept of a name or a reason."""
_LABEL = re.compile(r"[A-Z][A-Z_]{2,31}")
PERSONAL, SECRET, OTHER = "personal", "secret", "other"
"""Operations in which personal data were found, that name data classes, or that nobody looked through; those in which
secrets alone were found; and the rest."""
MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record before it is known under whose key its digests are made."""

    caller: str
    fields: Mapping[str, Any]
    texts: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Content, of which only keyed digests are kept."""


def opened(clearance: Clearance, caller: str, at: float, server: str) -> Draft:
    """Of an operation that is about to leave."""
    operation = clearance.operation
    return Draft(
        caller=caller,
        fields={
            **_head("opened", operation, at, server),
            "retention": _retention(clearance),
            "routes": sorted(each.value for each in clearance.routes),
            "forbidden": {route.value: plain(why) for route, why in clearance.forbidden.items()},
            "found": _found(clearance),
        },
        texts={"brief": operation.brief, "evidence": operation.evidence_digest},
    )


def relayed(peer: str, tool: str, arguments: str, caller: str, at: float) -> Draft:
    """Of a tool call that is about to be passed on to an upstream server."""
    return Draft(
        caller=caller,
        fields={
            "v": SCHEMA,
            "type": "relayed",
            "at": round(at * MICRO),
            "peer": plain(peer),
            "tool": plain(tool),
            "characters": len(arguments),
            "retention": PERSONAL,
        },
        texts={"arguments": arguments},
    )


def switched(changes: Mapping[str, str], revision: str, how: str, caller: str, at: float, server: str) -> Draft:
    """Of flags and stops that changed: `how` is "set" for the command that did it, "seen" for a server that follows."""
    return Draft(
        caller=caller,
        fields={
            "v": SCHEMA,
            "type": "switched",
            "at": round(at * MICRO),
            "server": plain(server),
            "how": how,
            "revision": plain(revision),
            # Reasons of stops are people's words.
            "changes": {plain(name): plain(blanked(value)) for name, value in changes.items()},
            "retention": OTHER,
        },
    )


def acted(action: str, target: str, *, step: str, by: str, outcome: str, caller: str, at: float, server: str) -> Draft:
    """Of something that changes something: `step` is "approved", "refused" or "ended"."""
    return Draft(
        caller=caller,
        fields={
            "v": SCHEMA,
            "type": "acted",
            "at": round(at * MICRO),
            "server": plain(server),
            "action": plain(action),
            "target": plain(target),
            "step": step,
            "by": plain(by),
            "result": plain(outcome),
            "retention": OTHER,
        },
    )


def refused(refusal: Refusal, caller: str, at: float, server: str) -> Draft:
    """Of an operation that may not leave."""
    operation = refusal.operation
    return Draft(
        caller=caller,
        fields={**_head("refused", operation, at, server), "retention": PERSONAL, "reason": plain(refusal.reason)},
        texts={"evidence": operation.evidence_digest},
    )


def closed(clearance: Clearance, outcome: Outcome | None, caller: str, at: float) -> Draft:
    """Of how an operation ended."""
    about: dict[str, Any] = {
        "v": SCHEMA,
        "type": "closed",
        "at": round(at * MICRO),
        "operation": plain(clearance.operation.id),
        "retention": _retention(clearance),
        "outcome": ended(outcome),
    }
    texts: dict[str, str] = {}
    if outcome is not None:
        about["attempts"] = [_attempt(each) for each in outcome.attempts]
        about["ms"] = round(outcome.seconds * 1000)
        costs = [each.usd for each in outcome.attempts]
        if costs and None not in costs:
            about["cost_micro_usd"] = round(sum(cost for cost in costs if cost is not None) * MICRO)
        if outcome.decision is not None:
            about["decision"] = plain(outcome.decision.id)
            about["policy"] = plain(outcome.decision.policy)
            about["plan"] = [each.value for each in outcome.decision.plan]
        if outcome.failure is not None:
            about["failure"] = outcome.failure.kind.value
            if outcome.failure.policies:
                about["guardrail"] = [plain(each) for each in outcome.failure.policies]
        if outcome.reply is not None:
            about["model"] = plain(outcome.reply.model)
            about["simulated"] = outcome.reply.simulated
            if outcome.reply.masked:
                about["guardrail"] = [plain(each) for each in outcome.reply.masked]
            texts["answer"] = outcome.reply.text
    return Draft(caller=caller, fields=about, texts=texts)


def ended(outcome: Outcome | None) -> str:
    """The one word for how an operation ended."""
    if outcome is None:
        return "cancelled"
    ends = {
        "reply": outcome.reply,
        "handoff": outcome.handoff,
        "failure": outcome.failure,
        "refusal": outcome.refusal,
    }
    return next(name for name, end in ends.items() if end is not None)


def plain(text: str) -> str:
    """A name as it may stand in a record: short, on one line, valid UTF-8."""
    cleaned = "".join(char if char.isprintable() else " " for char in text[:MOST_NAME])
    return cleaned.encode(errors="replace").decode()


def _head(what: str, operation: Operation, at: float, server: str) -> dict[str, Any]:
    return {
        "v": SCHEMA,
        "type": what,
        "at": round(at * MICRO),
        "server": plain(server),
        "operation": plain(operation.id),
        "tool": plain(operation.tool),
        "class": operation.op_class.value,
        "kind": operation.kind.value,
        "residency": operation.residency.value,
        "data_classes": sorted(plain(each) for each in operation.data_classes),
        "characters": len(operation.brief),
    }


def _retention(clearance: Clearance) -> str:
    """Class by which it is decided how long the record is kept."""
    found = _found(clearance).keys()
    if clearance.operation.data_classes or found - SECRET_KINDS:
        return PERSONAL
    return SECRET if found else OTHER


def _found(clearance: Clearance) -> dict[str, int]:
    """How many values of each type were replaced; a placeholder begins with its type."""
    labels = (_LABEL.search(mark) for mark in clearance.restore)
    return dict(Counter("UNKNOWN" if label is None else label[0].rstrip("_") for label in labels))


def _attempt(attempt: Attempt) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "route": attempt.route.value,
        "channel": plain(attempt.channel),
        "number": attempt.number,
        "ms": round(attempt.seconds * 1000),
        "model": plain(attempt.model),
        "simulated": attempt.simulated,
        "hedge": attempt.hedge,
    }
    if attempt.carrier is not None:
        kept["carrier"] = attempt.carrier.value
    if attempt.failure is not None:
        kept["failure"] = attempt.failure.kind.value
    if attempt.usd is not None:
        kept["cost_micro_usd"] = round(attempt.usd * MICRO)
    if attempt.usage is not None:
        kept["input_tokens"] = attempt.usage.input_tokens
        kept["output_tokens"] = attempt.usage.output_tokens
    return kept
