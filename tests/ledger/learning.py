"""Promises of what the router learns."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "learning:unknown": Promise(
        "issue 3", "a channel never seen has an estimate of no samples, by which nothing is reordered"
    ),
    "learning:size": Promise("issue 3", "how latency grows with size is learnt for each channel"),
    "learning:shape": Promise("issue 3", "no family of latencies is assumed: two-humped ones are kept as they are"),
    "learning:brown-out": Promise(
        "issue 3", "a channel that turns slow is known for it within a few calls, and again when it is fast"
    ),
    "learning:hang": Promise("issue 3", "calls that hang count before they end"),
    "learning:outage": Promise("issue 3", "a few failures in a row are enough, and a few good ends to forget them"),
    "learning:both": Promise(
        "issue 3", "two channels that fail alike are taken to fail for one reason, and rank as usual"
    ),
    "learning:gray": Promise("issue 3", "a class that fails alone does not blacken its channel"),
    "learning:not-usual": Promise("issue 3", "what was seen in a trouble does not become what is usual"),
    "learning:adopts": Promise("issue 3", "a new speed that stays becomes the usual one"),
    "learning:bounded": Promise("issue 3", "channels, classes and calls in flight that are kept are bounded"),
    "learning:silent": Promise("issue 3", "a cancelled call and a question handed over say nothing of the channel"),
    "learning:order": Promise(
        "issue 3", "the plan follows the expected utility, and the matrix where the gap is small or something unknown"
    ),
    "learning:held": Promise(
        "issue 3", "a route whose guard lets nothing pass goes last, and an emergency keeps its only one"
    ),
    "probes:few": Promise(
        "issue 3", "probes stay under 15 % of the calls, whatever their rate, beyond those saved up at the start"
    ),
    "probes:trouble": Promise("issue 3", "a route in trouble is probed even when nothing else may be"),
    "replay:virtual": Promise(
        "issue 3", "the replay sees an outcome when it would have ended, and of nothing it did not choose"
    ),
    "replay:rows": Promise("issue 3", "a row that can't be used is named with line, field, value and mend"),
    "replay:quality": Promise(
        "issue 3", "in a world with a brown-out and an outage nearly all decisions are optimal ex ante"
    ),
}
