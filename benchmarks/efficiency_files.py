"""Efficiency figures from a file of 1,000,000 spans: seconds and peak memory, in a process of its own.

    python -m benchmarks.efficiency_files [SPANS]

Beside them stands what json.loads of the same lines would take, measured on one in twenty: machines differ.
The file is made first, by six spans a call in batches of 512, as our span file writes them.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bedrock_support.routing import semconv
from bedrock_support.telemetry.efficiency.record import Candidate, Ending, about_candidate, about_ending

BATCH = 512
SEED = 7
CLASSES = ("standard", "background", "implementation", "infrastructure")
READER = """
import json, resource, sys, time
from pathlib import Path
from bedrock_support.telemetry.efficiency.otlp_files import FileReading, figures_of

began = time.perf_counter()
reading = FileReading([Path(sys.argv[1])])
figures = figures_of(reading, None)
took = time.perf_counter() - began
began = time.perf_counter()
with open(sys.argv[1], "rb") as file:
    for number, line in enumerate(file):
        if number % 20 == 0:
            json.loads(line)
plain = (time.perf_counter() - began) * 20
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([took, plain, peak, figures.decisions, reading.limits()]))
"""


def pairs(about: dict[str, str | bool | int | float]) -> list[dict[str, object]]:
    """Attributes as OTLP JSON has them."""

    def value(each: str | bool | int | float) -> dict[str, object]:
        if isinstance(each, bool):
            return {"boolValue": each}
        if isinstance(each, int):
            return {"intValue": str(each)}
        return {"doubleValue": each} if isinstance(each, float) else {"stringValue": each}

    return [{"key": key, "value": value(each)} for key, each in about.items()]


def call(chance: random.Random, number: int) -> list[dict[str, object]]:
    """The six spans of one call."""
    trace, at = f"{chance.getrandbits(128):032x}", 1_800_000_000 + number / 100
    slow = chance.random() < 0.1
    seen = [
        Candidate(
            route=route,
            feasible=True,
            health="degraded" if slow else "healthy",
            breaker="closed",
            p_success=chance.uniform(0.9, 1.0),
            ms=chance.uniform(400, 2000),
            usd=0.004,
            utility=chance.uniform(0.7, 1.0),
            n_eff=50.0,
        )
        for route in ("direct", "mcp")
    ]
    identity = f"d-{number:032x}"
    ending = Ending(ended="answered", met=not slow, attempts=1, hedge=slow, fallback=slow, usd=chance.uniform(0, 0.01))
    op_class = CLASSES[number % len(CLASSES)]
    decide: dict[str, str | bool | int | float] = {
        semconv.OP_CLASS: op_class,
        semconv.DECISION_ID: identity,
        semconv.DECISION_AT: at,
        semconv.ROUTE_CHOSEN: chance.choice(("direct", "mcp")),
        semconv.ROUTE_PLAN: "direct,mcp",
        semconv.ROUTE_ROW: f"row-{op_class}",
        semconv.ROUTE_REASON: "both routes are well; the row leads to the direct route first",
        semconv.ROUTE_POLICY: "support-v1@0123456789ab",
        semconv.ROUTE_PROPENSITY: 1.0,
    }
    start = str(int(at * 1e9))
    events = [
        {"timeUnixNano": start, "name": semconv.EVENT_CANDIDATE, "attributes": pairs(about_candidate(each))}
        for each in seen
    ]
    other: dict[str, str | bool | int | float] = {"mcp.method.name": "tools/call", semconv.OP_CLASS: op_class}
    chat: dict[str, str | bool | int | float] = {
        semconv.REQUEST_MODEL: "eu.anthropic.claude-sonnet-4-6",
        semconv.USAGE_INPUT_TOKENS: 1200,
        semconv.USAGE_OUTPUT_TOKENS: 300,
    }

    def span(name: str, about: dict[str, str | bool | int | float], **more: object) -> dict[str, object]:
        base: dict[str, object] = {
            "traceId": trace,
            "spanId": f"{chance.getrandbits(64):016x}",
            "parentSpanId": f"{chance.getrandbits(64):016x}",
            "flags": 256,
            "name": name,
            "kind": 1,
            "startTimeUnixNano": start,
            "endTimeUnixNano": start,
        }
        nothing: dict[str, object] = {}
        return base | {"attributes": pairs(about), "status": nothing} | more

    return [
        span(semconv.SPAN_DECIDE, decide, events=events),
        span("chat eu.anthropic.claude-sonnet-4-6", chat),
        span(semconv.SPAN_ATTEMPT, {semconv.ROUTE: "direct", semconv.ATTEMPT_NUMBER: 1}),
        span(semconv.SPAN_OUTCOME, about_ending(identity, ending)),
        span("support.tool triage_incident", other),
        span("tools/call triage_incident", other),
    ]


def write(path: Path, spans: int) -> None:
    """So many spans, rounded up to whole calls."""
    chance = random.Random(SEED)  # noqa: S311 - a benchmark
    waiting: list[dict[str, object]] = []
    with path.open("w") as file:
        for number in range(-(-spans // 6)):
            waiting += call(chance, number)
            if len(waiting) >= BATCH or number == -(-spans // 6) - 1:
                text = json.dumps(waiting, separators=(",", ":"))
                file.write(
                    f'{{"resourceSpans":[{{"resource":{{}},"scopeSpans":[{{"scope":{{}},"spans":{text}}}]}}]}}\n'
                )
                waiting = []


def main() -> None:
    spans = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spans.jsonl"
        began = time.perf_counter()
        write(path, spans)
        size = path.stat().st_size / 1e6
        print(f"{spans} spans, {size:.0f} MB, made in {time.perf_counter() - began:.0f} s")
        told = subprocess.run([sys.executable, "-c", READER, str(path)], check=True, capture_output=True, text=True)
    took, plain, peak, decisions, limits = json.loads(told.stdout)
    print(f"json.loads of every line would take {plain:.1f} s here: the figures took {took / plain:.2f} of that")
    print(f"{decisions} decisions read in {took:.2f} s, peak memory {peak:.0f} MB; limits: {limits or 'none'}")


if __name__ == "__main__":
    main()
