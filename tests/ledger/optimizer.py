"""Promises of the optimizer."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "cache:varying": Promise(
        "issue 4", "timestamps, request ids, marks and the order of evidence make no other question"
    ),
    "cache:no-false-hit": Promise("issue 4", "one digit, one host, one severity makes another question"),
    "cache:private": Promise(
        "issue 4", "a placeholder counts by a digest of its value, and the tenant is always part of the key"
    ),
    "cache:gated": Promise(
        "issue 4",
        "a remembered answer is redacted and recorded as any other, or isn't given; it has its caller's values",
    ),
    "cache:memo": Promise(
        "issue 4", "what is remembered of a text is what it comes down to, is bounded, and is no text"
    ),
    "cache:own-words": Promise(
        "issue 4", "an answer given again holds the new question's ids and times, or isn't given"
    ),
    "cache:no-pickle": Promise("issue 4", "a pickle in the store's folder is never loaded"),
    "cache:set-aside": Promise("issue 4", "a damaged store is set aside and the server goes on"),
    "cache:single-flight": Promise("issue 4", "of all who ask the same at once, in all processes, one asks a model"),
    "cache:ttl": Promise("issue 4", "an answer lives as long as its class allows; a stale one is marked"),
    "cache:negative": Promise("issue 4", "failures, cut answers and answers of the wrong form are not kept"),
    "budget:no-overshoot": Promise("issue 4", "no race of processes spends more than a budget"),
    "budget:steps": Promise(
        "issue 4", "at 75, 90 and 95 % a budget makes plans cheaper, then refuses; emergencies keep a reserve"
    ),
    "budget:unknown": Promise("issue 4", "an unknown cost is counted as the most it can be, never as nothing"),
    "spending:sums": Promise("issue 4", "every attempt is in the sums, failed ones and hedges too; unknown is not 0"),
    "cost:unknown": Promise("issue 4", "without data every figure of the cost report is unknown"),
    "cost:sums": Promise("issue 4", "the cost report adds up every attempt by class, route and model"),
    "cost:advice": Promise("issue 4", "the cost report says what would save most next, with the sums behind it"),
    "cost:forecast": Promise("issue 4", "a forecast is made from three days on"),
    "cost:handoff": Promise(
        "issue 4", "the cost report says what Bedrock would have cost for questions that agents took over"
    ),
    "cost:stale": Promise("issue 4", "the cost report counts answers that were past their time"),
    "cache:renewed": Promise(
        "issue 4",
        "past its time an answer is given at once, marked as stale, where Bedrock can be asked anew meanwhile",
    ),
    "cache:gathered": Promise("issue 4", "whoever keeps an answer waits for no disk, within bounds and in order"),
    "cache:traces": Promise(
        "issue 4", "hit rate, age, money and bytes of the cache are told by class from spans and files as from memory"
    ),
    "cost:blocks": Promise("issue 4", "a usage block costs what it comes to by hand; an unlisted model costs unknown"),
}
