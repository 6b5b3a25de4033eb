"""Promises that outside judges hold us to: the official conformance suite and the Inspector."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "conformance:2025-11-25": Promise(
        "mcp 5", "every check that the official suite requires for 2025-11-25 passes on our server over HTTP"
    ),
    "conformance:2026-07-28": Promise(
        "mcp 5", "every check that the official suite scores for 2026-07-28 passes on our server over HTTP"
    ),
    "conformance:schemas-portable": Promise(
        "mcp 5", "the Inspector's strict check finds nothing to report in our tool schemas, in either era"
    ),
    "conformance:lists": Promise(
        "mcp 5", "the Inspector lists our tools, prompts, resources and templates over HTTP and stdio, in either era"
    ),
}
