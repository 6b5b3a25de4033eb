"""A routing decision in words."""

from __future__ import annotations

from collections.abc import Sequence

from bedrock_support.tools.explained import Alternative, Candidate, Entry, Expected, Tried


def worded(entry: Entry, candidates: Sequence[Candidate], others: Sequence[Alternative], *, hypothetical: bool) -> str:
    """All of a decision, for people: what was decided, why, what was known, what came of it and what else could be."""
    made = "Would be decided now (nothing was sent)" if hypothetical else f"Decision {entry.id}"
    return "\n".join(
        [
            f"{made}, at {entry.moment()}, for class {entry.operation_class}.",
            f"Plan: {' then '.join(entry.plan) or 'none'} (row {entry.row}, policy {entry.policy}).",
            *(f"- {reason}" for reason in entry.reasons),
            *(f"Model {each}." for each in entry.model_choice),
            *(_candidate(each) for each in candidates),
            *(_attempt(each) for each in entry.attempts),
            *([f"It ended: {entry.ended}, {_usd(entry.usd)} in all."] if entry.ended else []),
            *(_other(each, hypothetical) for each in others),
            *(f"Limit: {limit}" for limit in entry.limits),
        ]
    )


def _candidate(seen: Candidate) -> str:
    state = f"{seen.health} from {seen.samples} attempts, breaker {seen.breaker}"
    if seen.open_in_s is None:
        state += ", opened by hand only"
    elif seen.open_in_s > 0:
        state += f", lets nothing pass for {seen.open_in_s:.1f} s"
    why_not = f"; left out: {seen.why_not}" if seen.why_not else ""
    note = f" ({seen.note})" if seen.note and seen.note != seen.why_not else ""
    expected = f"\n  expected: {_expected(seen.expected)}" if seen.expected else ""
    return f"Route {seen.route}: {state}{note}{why_not}.{expected}"


def _expected(each: Expected) -> str:
    behind = f"from {each.samples:.0f} calls" if each.samples else "a guess"
    unusual = ", unusual just now" if each.flagged else ""
    return (
        f"in time with {each.p_success:.0%}, after {each.seconds:.1f} s, {_usd(each.usd)}, "
        f"worth {each.utility:.3f} ({behind}{unusual})"
    )


def _attempt(each: Tried) -> str:
    what = f"{each.failure}: {each.message}" if each.failure else f"answered by {each.carrier}"
    hedge = ", started beside the first" if each.hedge else ""
    waited = f" after {each.waited_seconds:.2f} s in line" if each.waited_seconds >= 0.01 else ""
    label = " [SIMULATED]" if each.simulated else ""
    return (
        f"Attempt {each.number} on {each.route}{hedge}: {what}{label}, {each.seconds:.2f} s{waited}, {_usd(each.usd)}."
    )


def _other(each: Alternative, hypothetical: bool) -> str:
    would = "would" if hypothetical else "would have"
    if each.seconds is None or each.p_success is None:
        return f"What {each.route} {would} cost can't be said: nothing is learnt of it."
    is_was = "is" if hypothetical else "was"
    return (
        f"Instead, {each.route} {is_was} expected to answer in time with {each.p_success:.0%}, "
        f"after {each.seconds:.1f} s, {_usd(each.usd)}."
    )


def _usd(value: float | None) -> str:
    return "cost unknown" if value is None else f"{value:.4f} USD"
