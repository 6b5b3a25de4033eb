"""Every number that an operator goes by, from the code that goes by it: docs/operations/thresholds.md is this text."""

from __future__ import annotations

from collections.abc import Iterable

from bedrock_support.routing.matrix import shipped
from bedrock_support.server.approving import note
from bedrock_support.server.guarding import guardian, overhead, recent, triggers
from bedrock_support.server.notices import desk
from bedrock_support.server.rollout import crew, gates, pace, phases, plan, quality
from bedrock_support.telemetry.slo.burn import MIN_EVENTS, RULES

Row = tuple[str, str, str]
MIB = 1024 * 1024


def rows() -> Iterable[Row]:
    """What, how much, and what happens there."""
    limits = quality.Limits.of({})
    for op_class, rule in shipped().rules.items():
        yield (
            f"deadline of `{op_class}`",
            f"{rule.deadline:g} s",
            "the call ends, with its findings; p95 above it closes a gate",
        )
    yield "errors in a rollout's step", f"{gates.MOST_ERRORS:.0%}", "more closes the gate: rollback"
    yield "samples for each gate", f"{plan.LEAST}", "fewer are unknown: rollback"
    yield "p95 of generated answers", f"{limits.generated_seconds:g} s", "more closes the gate: rollback"
    yield "p95 of remembered answers", f"{limits.cached_seconds:g} s", "more closes the gate: rollback"
    yield "repeats answered from memory", f"{limits.hits:.0%}", "fewer closes the gate: rollback"
    yield "share of a budget", f"{limits.budget:.0%}", "more closes the gate: rollback"
    yield "answers asked before traffic moves", f"{pace.ANSWERS}", "half of them above the limit: no traffic moves"
    yield "steps of traffic", ", ".join(f"{each} %" for each in plan.STEPS), "the candidate's share of new sessions"
    yield "free disk before a rollout", f"{phases.ROOM // MIB} MiB", "less fails the preflight"
    yield "a new worker must listen within", f"{crew.READY:g} s", "else it is ended, and the rollout goes back"
    yield "running calls of a worker that goes", f"{crew.DRAIN:g} s", "then it is ended"
    for each in RULES:
        yield (
            f"error budget burns {each.factor:g} times too fast over {each.long / 3600:g} h",
            each.severity.value,
            f"an alert, once {MIN_EVENTS} events are known",
        )
    yield "look back of automatic stops", f"{recent.WINDOW:g} s", f"with {triggers.LEAST} attempts at least"
    yield "rest of a scope that stopped by itself", f"{guardian.REST:g} s", "then it is tried again"
    yield "tries in an hour", f"{guardian.TRIES}", "then a person must resume it"
    yield "idle CPU", f"{overhead.MOST_CPU:.0%} of a core", "more, and probes rest"
    yield "growth of memory", f"{overhead.MOST_BYTES // MIB} MiB", "more, and memory is given back"
    yield "a signed approval", f"{note.LONGEST / 3600:g} h", "longer ones are refused"
    yield "the same notice again", f"{desk.QUIET:g} s", "kept back and counted until then"


def text() -> str:
    """As Markdown."""
    lines = [
        "# Thresholds",
        "",
        "Made by `bedrock-support rollout thresholds`, from the code that goes by them.",
        "",
        "| what | value | at or beyond it |",
        "|---|---|---|",
        *(f"| {what} | {value} | {then} |" for what, value, then in rows()),
    ]
    return "\n".join([*lines, ""])
