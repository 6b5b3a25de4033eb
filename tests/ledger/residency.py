"""Promises of residency."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "residency:table": Promise(
        "issue 5.4", "of every Region and profile geography that botocore knows, only those in the EU are let through"
    ),
    "residency:targets": Promise("issue 5.4", "telemetry and notices go to no AWS host outside the EU"),
}
