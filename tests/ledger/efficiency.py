"""Promises of routing's efficiency figures."""

from __future__ import annotations

from tests.promises import Promise

PROMISES: dict[str, Promise] = {
    "efficiency:same-figures": Promise(
        "issue 7, 3", "live, from span files and from a Jaeger's query API the figures are the same"
    ),
    "efficiency:unknown": Promise("issue 7", "without data every figure is unknown, in the result and in words"),
    "efficiency:ex-ante": Promise(
        "telemetry 6.2", "a decision is judged by what was expected then; the unknown is never counted as right"
    ),
    "efficiency:by-hand": Promise("issue 7, 3", "rates, intervals, regret and costs are as computed by hand"),
    "efficiency:replay": Promise("issue 7, 3", "a recommendation says what replaying its change over the records says"),
    "efficiency:bounded": Promise("issue 7, 3", "memory is bounded, whatever the files and however long the process"),
    "efficiency:robust": Promise(
        "design 7", "cut, foreign, doubled and unordered spans neither fail nor falsify, and what is missing is told"
    ),
    "efficiency:jaeger": Promise(
        "telemetry 4", "a full answer of Jaeger is asked for again in halves; what is no Jaeger is told as such"
    ),
    "efficiency:refused": Promise("issue 7, 3", "an agent can't send the server to other machines or other folders"),
}
