"""Promises of the vocabulary, the matrix, the router and the dispatch."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "matrix:complete": Promise("design 3", "every class with every pair of healths has exactly one deciding row"),
    "matrix:refuses-gaps": Promise(
        "design 3", "a matrix with a case undecided, a dead row or a forbidden route is refused"
    ),
    "router:emergency-direct": Promise("issue 2", "an emergency never leaves direct, whatever flags and health say"),
    "router:no-forbidden-route": Promise("issue 2", "no plan holds a route that the row or the clearance forbids"),
    "router:names-its-row": Promise(
        "issue 2", "every decision names its row and gives a reason for each route left out"
    ),
    "router:pure": Promise("design 2", "the same clearance and conditions give the same decision"),
    "router:explains": Promise("design 2", "a decision can be told in words, with what was known of each route"),
    "dispatch:one-deadline": Promise("design 3", "one deadline covers every attempt; none starts after it"),
    "dispatch:falls-over": Promise(
        "design 2", "a failed route is followed by the next one of the plan, and only by it"
    ),
    "dispatch:health-first": Promise("design 2", "health is told of an attempt before the next one starts"),
    "dispatch:act-once": Promise("design 2", "an act is tried once and never sent elsewhere"),
    "dispatch:callers-fault-stops": Promise("design 2", "a failure that is the caller's fault ends the plan"),
    "outcome:exactly-one": Promise("design 2", "an outcome holds exactly one of reply, handoff, failure and refusal"),
    "errors:every-kind": Promise("issue 2", "every kind of failure says what it means for retry and health"),
    "handoff:once": Promise("design 4", "a handoff id is good for one answer, expires, and is bounded in number"),
    "mcp-router:carrier": Promise(
        "design 4", "sampling where the client can, else handoff; approvals by elicitation only"
    ),
    "mcp-router:approval-blames-nobody": Promise(
        "issue 3", "an approval that fails or never comes says nothing of the route and leaves time for another"
    ),
    "mcp-router:approval": Promise("issue 2", "a route that needs approval is taken only after the user said yes"),
}
