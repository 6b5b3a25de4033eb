"""Promises under faults."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "fire:stream-faults": Promise(
        "issue 3", "No fault of a stream passes in silence: a whole answer comes, or a failure that says its kind."
    ),
    "fire:no-repeats": Promise("issue 3", "An answer that was begun twice holds its text once."),
}
