"""Promises about the health of the system, its alarms and its figures."""

from __future__ import annotations

from tests.promises import Promise

PROMISES: dict[str, Promise] = {
    "health:components": Promise(
        "issue 7", "Each of seven components is healthy, degraded, unhealthy or unknown, with evidence and samples."
    ),
    "health:endpoints": Promise(
        "issue 7", "/livez asks no dependency; /readyz and /healthz answer 503 on failure, to loopback names only."
    ),
    "health:gray": Promise(
        "issue 7",
        "A model five times slower, or a route that fails 30 %, is seen against its own past.",
    ),
    "health:gray-whole": Promise(
        "issue 7", "A route that fails over all its classes is seen, though each is asked once."
    ),
    "health:gray-probes": Promise(
        "issue 7", "A failure sets off a bounded number of probes, which find what 20 calls alone can't."
    ),
    "health:burn": Promise(
        "telemetry 5.4", "Burn alerts need both windows; too few events are unknown, and a gate on unknown fails."
    ),
    "health:objectives": Promise("origin 6.1", "Objectives are data: the gates, and each class's own deadline."),
    "health:metrics": Promise(
        "issue 7", "/metrics is Prometheus text, and rendered dashboards and rules name only what it holds."
    ),
    "health:status": Promise("issue 7", "The command status calls unknown whatever it can't observe."),
}
