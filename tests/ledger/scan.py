"""Promises of scan_compliance and the command scan."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "scan:finds": Promise("issue 5", "personal data, secrets and residency problems are found by file and line"),
    "scan:masked": Promise("issue 5", "no part of a value stands in an answer"),
    "scan:paged": Promise("issue 5", "the most important comes first, pages are small and miss nothing"),
    "scan:residency": Promise("issue 5", "configured regions, endpoints and profiles outside the EU are told"),
    "scan:confined": Promise("issue 5", "nothing outside the roots is read, links aren't followed"),
    "scan:limits": Promise("issue 5", "what was not read is said"),
    "scan:twin": Promise("issue 5", "command and tool find the same"),
}
