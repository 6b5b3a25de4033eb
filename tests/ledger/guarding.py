"""Promises of stops that nobody's hand makes, and of what the server itself costs."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "guardian:stops": Promise(
        "issue 8.2", "limits on errors, latency and cost stop a route, a breach of compliance stops support mode"
    ),
    "guardian:recovers": Promise("issue 8.2", "a stop made so is tried again after five minutes, three times an hour"),
    "guardian:by-hand": Promise("issue 8.2", "the flags file comes first for a scope, and its resume lifts both"),
    "guardian:overhead": Promise(
        "issue 8.2", "idle CPU above 1 % lets probes rest, growth above 50 MB frees memory; unknown until measured"
    ),
}
