"""Promises of the page."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "page:off": Promise("issue 7.6", "there is no page unless it is enabled"),
    "page:unknown": Promise("issue 7", "on a fresh server every figure of the page is unknown"),
    "page:live": Promise("issue 7.6", "decisions appear as they fall, each with its explanation"),
    "page:guarded": Promise("issue 7.6", "the page answers no other host's pages, and runs no script but its own"),
    "page:bounded": Promise("issue 7.6", "sixteen readers at most; one that leaves makes room"),
    "page:browser": Promise("issue 7.6", "a browser shows it without complaint, by keyboard, light and dark"),
}
