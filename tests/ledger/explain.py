"""Promises of explain_routing: the tool, the command and what the ledger keeps for them."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "explain:kept": Promise(
        "issue 3", "the ledger keeps what was expected of each route and what each attempt cost, as valid JSON"
    ),
    "explain:past": Promise(
        "issue 3", "a past decision is explained: row, health then, candidates, why this order, attempts, cost"
    ),
    "explain:other": Promise(
        "issue 3", "an explanation says what the other route would have cost, or that it can't be said"
    ),
    "explain:hypothetical": Promise(
        "issue 3", "a hypothetical decision is the real router's own; nothing is sent and nothing kept"
    ),
    "explain:input": Promise("issue 3", "a wish that can't be explained is refused with field, value and mend"),
    "explain:down": Promise("issue 3", "explaining works when no model can be reached"),
    "explain:command": Promise(
        "issue 3", "the command explains offline and from a running server, with exit codes 0, 1 and 2"
    ),
}
