"""Promises of the telemetry room."""

from __future__ import annotations

from tests.promises import Promise

PROMISES: dict[str, Promise] = {
    "telemetry:per-channel": Promise(
        "issue 3", "health is kept for each client apart: one's failing model turns no other away"
    ),
    "telemetry:nothing-unasked": Promise(
        "design 7", "Without an endpoint, a file or a sink the OpenTelemetry SDK is neither imported nor installed."
    ),
    "telemetry:lean": Promise("telemetry 8", "A lean span that is exported is what the SDK's own would have been."),
    "telemetry:receiver": Promise(
        "issue 7", "Spans come back complete and correctly parented from a real receiver, rotel."
    ),
    "telemetry:otlp": Promise("telemetry 1.4", "Spans arrive at an OTLP/HTTP receiver as protobuf on /v1/traces."),
    "telemetry:resource": Promise("telemetry 1.4", "Every span names its process, version, environment and region."),
    "telemetry:bounded-end": Promise(
        "design 7", "A dead or silent collector holds up the end of the process by two seconds at most."
    ),
    "telemetry:metrics": Promise(
        "issue 7.1", "Attempts, decisions and outcomes are metrics with the names and buckets of the conventions."
    ),
    "telemetry:metrics-sent": Promise(
        "issue 7.1", "Metrics are posted by OTLP/HTTP to a set endpoint; without one, or told not to, none are made."
    ),
    "telemetry:tail-sampling": Promise(
        "issue 7.5", "Of traces that failed, were slow, fell over or were emergencies all leave; of others a share."
    ),
    "telemetry:sampling-bounded": Promise(
        "issue 7.5", "What is held until traces end is bounded, and what is dropped or lost is counted and shown."
    ),
    "telemetry:joined": Promise(
        "issue 7", "Spans of client, server, queue and upstream arrive whole and rightly parented, in both eras."
    ),
    "telemetry:queue-link": Promise("issue 7.8", "Work from the queue links to the span that sent it."),
    "telemetry:peer-name": Promise(
        "issue 7.8", "Spans of requests to an upstream server name it in peer.service and service.peer.name."
    ),
    "telemetry:baggage": Promise(
        "telemetry 2", "Of a caller's baggage listed members with fitting values are taken in, and nothing else."
    ),
    "telemetry:quiet": Promise(
        "mcp 2", "A failing collector puts nothing on stdout and one short line a minute on stderr."
    ),
    "telemetry:one-provider": Promise("telemetry 1", "A tracer provider that is installed already stays in charge."),
    "telemetry:no-content": Promise("design 7", "No span leaves with prompts, answers, arguments or exception texts."),
    "telemetry:mcp-names": Promise(
        "telemetry 3.1", "The MCP SDK's client spans are named and attributed by convention."
    ),
    "telemetry:span-file": Promise(
        "telemetry 4", "A span file holds OTLP-JSON lines with hexadecimal ids, and processes can share it."
    ),
    "telemetry:tree": Promise("design 6", "Traces print as trees, joined across processes and ordered by start."),
    "telemetry:tree-robust": Promise(
        "design 7", "A cut, foreign or hostile span file neither fails nor fools a terminal."
    ),
    "telemetry:never-guessed": Promise("design 6", "Without attempts in the window a route is unknown, never healthy."),
    "telemetry:states": Promise(
        "telemetry 5.3", "Consecutive or frequent failures make a route unhealthy, fewer degraded."
    ),
    "telemetry:hysteresis": Promise("telemetry 5.3", "The way back to healthy asks for more than the way down."),
    "telemetry:recovers": Promise(
        "telemetry 5.1", "An unhealthy route is due for a trial after 5 seconds, doubling to 60 while trials fail."
    ),
    "telemetry:innocent": Promise(
        "telemetry 5.2", "Attempts that were cancelled, declined or the caller's fault say nothing of a route."
    ),
    "telemetry:reading": Promise("design 6", "Asking for a route's health changes nothing about it."),
    "telemetry:bounded": Promise("design 7", "However many attempts are recorded, 50 a route are kept at most."),
    "telemetry:figures": Promise("design 6", "The report's figures come from attempts in the window, or are None."),
}
