"""Promises of what stands before a route: breaker, places, budgets."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "breaker:model": Promise(
        "issue 3", "open lets nothing pass, closed everything, half open a few; no order of ends breaks that"
    ),
    "breaker:opens": Promise("issue 3", "a breaker opens for failures and for slowness, by shares and by a run"),
    "breaker:recovers": Promise("issue 3", "a few good trials close it; a bad one opens it for twice as long"),
    "breaker:no-leak": Promise("issue 3", "a permit that is abandoned gives its place back"),
    "breaker:late": Promise("issue 3", "a call admitted before a change of state decides nothing after it"),
    "breaker:by-hand": Promise("issue 3", "forced open, disabled and shadow do what they say, and can be left again"),
    "breaker:set": Promise(
        "issue 3", "a setting makes the breakers tell only what they would do, or count nothing; health says which"
    ),
    "line:urgency": Promise("issue 3", "places go to the most urgent waiting call; waiting counts for all but them"),
    "line:emergency": Promise("issue 3", "an emergency waits for nothing that is less urgent, limit or share"),
    "line:preempt": Promise(
        "issue 3", "an emergency that finds no place stops the least urgent question; a critical one gives way once"
    ),
    "line:shed": Promise("issue 3", "a full line turns away the least urgent call, and says so"),
    "line:no-leak": Promise("issue 3", "whoever leaves, at whatever moment, leaves no place behind"),
    "limit:adapts": Promise("issue 3", "the limit falls when the other side crawls or refuses and grows back by use"),
    "limit:ours": Promise("issue 3", "time that our own process kept an answer waiting takes no place from a route"),
    "limit:little": Promise(
        "issue 3", "however busy we are, the limit stays above what Little's law asks for at the throughput we reach"
    ),
    "lag:measured": Promise("issue 3", "a busy event loop is noticed, and costs no timer while nobody is asked"),
    "lag:kept-back": Promise("issue 3", "a process that comes late to everything ends its attempts sooner"),
    "breaker:hung-trial": Promise("issue 3", "a hung trial holds nobody back for longer than a few seconds"),
    "guard:meaning": Promise("issue 3", "each kind of failure moves breaker, limit and budget as its meaning says"),
    "guard:retry-after": Promise("issue 3", "Retry-After is kept to, by every call but an emergency"),
    "guard:emergency-passes": Promise("issue 3", "an emergency passes an open breaker, and is never one of its trials"),
    "guard:bounded": Promise("issue 3", "the guards kept are bounded, and one in use is never forgotten"),
    "retry:full-jitter": Promise(
        "issue 3", "waits are drawn from zero to a bound that doubles, and never undercut Retry-After"
    ),
    "retry:budget": Promise("issue 3", "when most calls fail nothing is retried or hedged any more"),
    "retry:again": Promise(
        "issue 3", "a passing failure is tried again while there is time, at most five attempts in all"
    ),
    "hedge:late": Promise("issue 3", "a late first route is joined by the second; the first answer ends the other"),
    "hedge:budget": Promise(
        "issue 3", "without hedge budget the first route is cut off in time for the second instead"
    ),
    "hedge:never-acts": Promise("issue 3", "an act, a class that forbids it and a handoff are never hedged"),
    "hedge:counted": Promise("issue 3", "the loser of a hedge is told of, and its cost counted"),
    "attempt:cut-off": Promise("issue 3", "a call given up from outside leaves no place, permit or ticket behind"),
    "prices:unknown": Promise("issue 3", "a model without a listed price has an unknown cost, never a guessed one"),
    "probe:breaker": Promise("issue 3", "a half-open breaker is closed by probes, which carry nobody's data"),
    "probe:idle": Promise("issue 3", "nothing is probed while nobody calls, nor a route that isn't set up"),
}
