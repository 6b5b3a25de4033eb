"""Promises of fewer tokens, smaller models and true costs."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "cost:fifty-blocks": Promise(
        "issue 4", "fifty usage blocks with cached tokens, TTLs and tiers cost what they come to by hand"
    ),
    "cost:second-source": Promise("issue 4", "the price table agrees with a second source but for a list of reasons"),
    "cost:table-origin": Promise("issue 4", "the price table says its currency, date and source"),
}
