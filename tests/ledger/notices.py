"""Promises of notices to people."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "notices:signed": Promise("issue 8.7", "a webhook's body is signed with its time; a retry carries the same id"),
    "notices:ssrf": Promise(
        "issue 8.7", "a webhook reaches no address that isn't public, follows no redirect, and looks its host up once"
    ),
    "notices:retried": Promise("issue 8.7", "what may pass is tried four times, what is refused for good once"),
    "notices:once": Promise("issue 8.7", "the same about the same is told once in ten minutes, and counted"),
    "notices:never-blocking": Promise("issue 8.7", "a target that hangs holds up neither the server nor other targets"),
    "notices:mail": Promise("issue 8.7", "mail goes out by SMTP, with nothing in its head that a text could forge"),
    "notices:sns": Promise("issue 8.7", "a topic gets the same notice, and none outside the EU while residency is eu"),
    "notices:told": Promise("issue 8.7", "stops, switches, alerts and the end of a rollout are told"),
    "notices:config": Promise("issue 8.7", "a wrong entry is told with its mend; secrets stand in the environment"),
}
