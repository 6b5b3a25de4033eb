"""What telemetry costs one call of three spans, in CPU time of the whole process, export included.

Each way in turn, so that a busy machine is busy for each of them: no SDK at all; ours, with tail sampling at the
share given; ours, keeping every trace; and the plain SDK as its own manual sets it up. The receiver is a process of
its own. The bars are in microseconds and machines differ: beside them stand the ratio to the plain SDK and how long a
fixed loop takes, of about a millisecond on a quiet machine. Run: python -m benchmarks.telemetry_cpu
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from bedrock_support.routing import semconv, spans

BARE = "no spans"
WAYS = (BARE, "off", "ours", "ours, all kept", "plain SDK")
BURST = 50
RECEIVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def one_call() -> None:
    """Three spans as a call makes them: tool, decision and attempt, with as many attributes."""
    with spans.span(
        "support.tool triage_incident",
        {semconv.TOOL_NAME: "triage_incident", semconv.OP_CLASS: "standard", semconv.DEADLINE_MS: 8000},
    ) as tool:
        with spans.span(
            semconv.SPAN_DECIDE,
            {semconv.OP_CLASS: "standard", semconv.BRIEF_BYTES: 4000, semconv.DEADLINE_REMAINING_MS: 7000},
        ) as decide:
            decide.set_attributes({semconv.ROUTE_CHOSEN: "mcp", semconv.ROUTE_ROW: "r", semconv.ROUTE_PROPENSITY: 1.0})
        with spans.span(
            semconv.SPAN_ATTEMPT,
            {semconv.ROUTE: "mcp", semconv.ATTEMPT_NUMBER: 1, semconv.ATTEMPT_TIMEOUT_MS: 7000, semconv.HEDGE: False},
        ) as attempt:
            attempt.set_attribute(semconv.WAITED_MS, 0)
        tool.set_attribute(semconv.OUTCOME, "answered")


def no_call() -> None:
    """The same work without spans: nothing."""


def side(way: str, url: str, share: float, calls: int) -> float:
    """CPU microseconds of one call in this process, which is set up one way for good."""
    flush: Callable[[], object] = no_call
    call = no_call if way == BARE else one_call
    if way.startswith("ours"):
        from opentelemetry import trace

        from bedrock_support.telemetry.otel import TelemetrySettings, build_provider, build_sampler

        settings = TelemetrySettings(otlp_endpoint=url, trace_share=1.0 if way == WAYS[3] else share)
        provider = build_provider(settings, role="bench", sampler=build_sampler(settings))
        trace.set_tracer_provider(provider)
        flush = provider.force_flush
    elif way == WAYS[4]:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        plain = TracerProvider(shutdown_on_exit=False)
        plain.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
        trace.set_tracer_provider(plain)
        flush = plain.force_flush
    for _ in range(200):
        call()
    flush()  # the first post imports and connects
    began = time.process_time()
    for number in range(calls):
        call()
        if number % BURST == BURST - 1:
            time.sleep(
                BURST / 1000
            )  # at most a thousand calls a second, or the batch queue overflows and work is saved
    flush()
    took = time.process_time() - began
    return took / calls * 1e6


def main() -> None:
    """Print a table, then one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--side", choices=WAYS)
    parser.add_argument("--url", default="")
    told = parser.parse_args()
    if told.side:
        print(side(told.side, told.url, told.share, told.calls))
        return
    from benchmarks.own_work import fixed  # loads the server: no side may

    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
    assert receiver.stdout is not None
    url = f"http://127.0.0.1:{receiver.stdout.readline().strip()}"
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    speed: list[float] = []
    try:
        for _ in range(told.rounds):
            speed += [fixed() * 1000 for _ in range(20)]
            for way in WAYS:
                command = [sys.executable, "-m", "benchmarks.telemetry_cpu", "--side", way, "--url", url]
                command += ["--calls", str(told.calls), "--share", str(told.share)]
                ran = subprocess.run(command, capture_output=True, text=True, check=True)
                found[way].append(float(ran.stdout))
    finally:
        receiver.kill()
        receiver.wait()
    # What the loop itself and its pauses cost is no telemetry's.
    bare = median(found.pop(BARE))
    print(f"CPU us per call of three spans, median (least to most); the loop's own {bare:.1f} us are taken off")
    plain = median(found[WAYS[4]]) - bare
    for way, each in found.items():
        us = median(each) - bare
        print(
            f"{way:16} {us:7.2f} ({min(each) - bare:.2f} to {max(each) - bare:.2f}), {us / plain:.4f} of the plain SDK"
        )
    print(f"the fixed loop took {median(speed):.2f} ms ({min(speed):.2f} to {max(speed):.2f})")
    figures = {way: round(median(each) - bare, 2) for way, each in found.items()}
    print(json.dumps(figures | {"share": told.share, "fixed_loop_ms": round(median(speed), 2)}))


if __name__ == "__main__":
    main()
