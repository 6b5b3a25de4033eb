"""Promises about the status page, dashboards on CloudWatch and figures without data."""

from __future__ import annotations

from tests.promises import Promise

PROMISES: dict[str, Promise] = {
    "page:guarded": Promise("issue 7", "/status is there only when switched on, to loopback names, with a strict CSP."),
    "page:stream": Promise("issue 7", "At most 16 readers; one that is too slow or gone is dropped."),
    "page:live": Promise("issue 7", "The page shows live figures and explains decisions, without console errors."),
    "page:accessible": Promise("issue 7", "axe-core finds no serious fault, light and dark, wide and narrow."),
    "app:negotiated": Promise("issue 7", "The MCP App is offered to clients that say they show apps, and to no other."),
    "app:hosted": Promise("issue 7", "In a sandboxed frame the app shows live figures by postMessage alone."),
    "monitoring:cloudwatch": Promise("issue 7", "monitoring apply is idempotent, diff ends with 1, remove takes ours."),
    "monitoring:emitted": Promise("issue 7", "CloudWatch alarms name only metrics that EMF lines carry."),
    "monitoring:runbooks": Promise("issue 7", "Every alarm links to a section of the runbooks that exists."),
    "page:health-resource": Promise("issue 7", "support://health has seven components and announces changes."),
    "page:unknown": Promise("issue 7", "With no data every figure of a fresh server is unknown."),
}
