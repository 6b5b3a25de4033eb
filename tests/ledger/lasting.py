"""Promises of what outlives a process."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "opening:together": Promise("issue 3", "processes that open one new file at the same moment wait for each other"),
    "lasting:handoff": Promise(
        "issue 3", "with a store a handed-over question is answered once, after kill -9 too and at any replica"
    ),
    "lasting:handoff-bounds": Promise(
        "issue 3", "kept questions are over after an hour, bounded in number and size, and of one tenant"
    ),
    "lasting:redacted": Promise(
        "issue 3", "no clear value is kept; an answer taken after a restart keeps its placeholders and says so"
    ),
    "lasting:decisions": Promise(
        "issue 3", "with a store a past decision is explained after a restart, by a replica, and from outside"
    ),
    "lasting:batched": Promise("issue 3", "attempts and decisions are written together, off the loop, within bounds"),
    "lasting:no-content": Promise("issue 3", "attempts are kept without what they were about"),
    "lasting:set-aside": Promise("issue 3", "a damaged file is set aside, a file of something else is left alone"),
    "lasting:crash": Promise("issue 3", "what was told kept, taken or written outlives kill -9 at any instant"),
    "lasting:stale": Promise(
        "issue 3", "what is old is not believed: a channel that was dead yesterday is probed, not avoided"
    ),
    "lasting:where": Promise("issue 3", "nothing lasts where neither a store nor a queue is named"),
    "lasting:emergency": Promise("issue 3", "no past makes an emergency wait or take another route"),
    "lasting:experience": Promise(
        "issue 3", "a server that starts knows what is usual on a channel, and what is fresh"
    ),
}
