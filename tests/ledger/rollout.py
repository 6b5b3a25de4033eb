"""Promises of rollouts, rollbacks and the front."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "rollout:drill": Promise(
        "issue 8.4", "each level of rollback is done, timed and verified; immediate in 10 s, full in 60 s"
    ),
    "rollout:phases": Promise(
        "issue 8.3", "a new configuration goes live through seven phases, each with stored evidence"
    ),
    "rollout:steps": Promise(
        "issue 8.3", "steps of a phase that don't need each other run side by side, each in the record on its own"
    ),
    "rollout:siblings": Promise("issue 8.3", "a step that fails ends those beside it, and what they held is let go"),
    "rollout:progress": Promise("issue 8.3", "an agent is told by MCP's progress which steps are done and under way"),
    "rollout:slow-model": Promise(
        "issue 8.3", "a model too slow for its gate is told of before traffic moves, with the way to mend it"
    ),
    "rollout:elsewhere": Promise(
        "issue 8.3", "a load balancer takes the same weights, read back, and gets its own again on the way back"
    ),
    "rollout:back": Promise(
        "issue 8.3", "a failed check leads back by itself: weights, flags and processes as before, verified"
    ),
    "rollout:unknown-fails": Promise("issue 8.3", "a gate without enough samples does not open"),
    "rollout:answers": Promise(
        "issue 7.4, 8.3",
        "generated and remembered answers, hits among repeats and the budget are gates; what is unknown opens none",
    ),
    "rollout:tries": Promise(
        "issue 8.3, 8.4",
        "a check of an answer in time is made up to three times, its misses kept as evidence; what may not be, once",
    ),
    "rollout:watch": Promise("issue 8.3", "rollout watch tells each change until no rollout is under way"),
    "rollout:tool": Promise(
        "issue 8.4", "an agent rolls back by a tool once its user has confirmed it, and by no other answer"
    ),
    "rollout:killed": Promise(
        "issue 8", "after kill -9 status tells the truth, and resume or abort ends what was begun"
    ),
    "rollout:one-at-once": Promise("issue 8", "a second rollout is refused while one is under way or interrupted"),
    "rollout:sessions": Promise("issue 8", "a session goes on when its worker is replaced; no call of it fails"),
    "rollout:rounds": Promise(
        "issue 8", "a call that waits for its client's answer is taken up by the worker that asked, and by no other"
    ),
    "rollout:idle": Promise(
        "issue 8", "no idle connection is closed by front or worker while a client may still send on it"
    ),
    "rollout:weights": Promise("issue 8.3", "new sessions follow the weights exactly"),
    "rollout:six-checks": Promise(
        "issue 8.5", "six synthetic checks go through the front door, each with its decision id"
    ),
    "rollout:report": Promise(
        "issue 8.6", "each figure of the report stands beside the id of the stored record it is from"
    ),
    "rollout:no-secrets": Promise(
        "issue 8.3", "a configuration that may hold a secret is refused before it is written"
    ),
    "rollout:loopback": Promise("issue 8.3", "the front answers on loopback only and to no page of another host"),
}
