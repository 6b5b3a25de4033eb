"""What an agent pays for the server before it does anything: start, memory, idle processor time.

`python -m benchmarks.cold_start [--json]`. Every figure stands beside that of a bare SDK server which was
measured in turn with it, so that a slow machine slows both; absolute times mean little elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from typing import Any

import psutil

from benchmarks.figures import Comparison, difference, ratio
from benchmarks.wire import DISCOVER, INITIALIZE, Refused, StdioServer, environment, listening, python

PRODUCT = python("-m", "bedrock_support.server", "serve")
BARE = python(
    "-c",
    """
from mcp.server import MCPServer

mcp = MCPServer("bare")

@mcp.tool()
def echo(text: str) -> str:
    return text

mcp.run("stdio")
""",
)
BARE_WITH_BOTO3 = python(
    "-c",
    """
import boto3
from mcp.server import MCPServer

mcp = MCPServer("bare")

@mcp.tool()
def ask(text: str) -> str:
    client = boto3.client("bedrock-runtime")
    answer = client.converse(
        modelId="eu.anthropic.claude-haiku-5-5",
        messages=[{"role": "user", "content": [{"text": text}]}],
        inferenceConfig={"maxTokens": 512},
    )
    return answer["output"]["message"]["content"][0]["text"]

mcp.run("stdio")
""",
)
LOG = """2026-11-25T10:00:00Z INFO api started
2026-11-25T10:00:01Z ERROR api could not reach database orders-db: connection refused
2026-11-25T10:00:02Z ERROR api could not reach database orders-db: connection refused
"""
PRODUCT_CALL = {"name": "triage_incident", "arguments": {"text": LOG, "operation_class": "infrastructure"}}
BARE_CALL = {"name": "ask", "arguments": {"text": LOG}}
SETTLE = 1.0
"""Seconds after a call before memory is read, so that threads and buffers of the call are gone."""
MIB = 1 << 20


def first_answer(command: list[str], request: tuple[str, dict[str, Any]]) -> float:
    """Seconds from spawn until the first request is answered."""
    with StdioServer(command, environment()) as server:
        server.ask(*request)
        return time.perf_counter() - server.started


def cold_start(request: tuple[str, dict[str, Any]], rounds: int) -> Comparison:
    """Start both servers in turn; who goes first changes each round."""
    for command in (PRODUCT, BARE):
        first_answer(command, request)
    ours: list[float] = []
    bare: list[float] = []
    for each in range(rounds):
        pair = [(PRODUCT, ours), (BARE, bare)]
        for command, times in pair if each % 2 else reversed(pair):
            times.append(first_answer(command, request))
    return ratio(ours, bare)


def call_bedrock(server: StdioServer, call: dict[str, Any]) -> None:
    """One tool call that has to end at the simulated Bedrock."""
    server.shake_hands()
    result = server.ask("tools/call", call)
    structured = result.get("structuredContent", {})
    asked = structured.get("model", {}).get("used", call is BARE_CALL)
    if result.get("isError") or not asked:
        raise Refused(f"{call['name']} asked no model: {json.dumps(result)[:1500]}")


def memory(endpoint: str, rounds: int) -> dict[str, Comparison]:
    """MiB after the first Bedrock call, as resident set and as proportional share of it."""
    seen: dict[str, list[float]] = {name: [] for name in ("ours rss", "bare rss", "ours pss", "bare pss")}
    for _ in range(rounds):
        for name, command, call in (("ours", PRODUCT, PRODUCT_CALL), ("bare", BARE_WITH_BOTO3, BARE_CALL)):
            with StdioServer(command, environment(endpoint)) as server:
                call_bedrock(server, call)
                time.sleep(SETTLE)
                used = psutil.Process(server.process.pid).memory_full_info()
                seen[f"{name} rss"].append(used.rss / MIB)
                seen[f"{name} pss"].append(getattr(used, "pss", used.rss) / MIB)
    return {kind: difference(seen[f"ours {kind}"], seen[f"bare {kind}"]) for kind in ("rss", "pss")}


def idle(endpoint: str, seconds: float) -> dict[str, float]:
    """Percent of one processor that each server uses while nobody asks, after its first Bedrock call."""
    with (
        StdioServer(PRODUCT, environment(endpoint)) as ours,
        StdioServer(BARE_WITH_BOTO3, environment(endpoint)) as bare,
    ):
        call_bedrock(ours, PRODUCT_CALL)
        call_bedrock(bare, BARE_CALL)
        time.sleep(SETTLE)
        processes = {name: psutil.Process(each.process.pid) for name, each in (("ours", ours), ("bare", bare))}
        before = {name: sum(each.cpu_times()[:2]) for name, each in processes.items()}
        time.sleep(seconds)
        return {name: 100 * (sum(each.cpu_times()[:2]) - before[name]) / seconds for name, each in processes.items()}


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for."""
    report: dict[str, Any] = {"python": platform.python_version(), "processors": os.cpu_count()}
    if "cold" in arguments.parts:
        report["initialize_s"] = asdict(cold_start(INITIALIZE, arguments.rounds))
        report["discover_s"] = asdict(cold_start(DISCOVER, arguments.rounds))
    if {"memory", "idle"} & set(arguments.parts):
        with listening("sandbox", "--port", "0", env=environment()) as (endpoint, _):
            if "memory" in arguments.parts:
                found = memory(endpoint, arguments.memory_rounds)
                report |= {f"memory_{kind}_mib": asdict(each) for kind, each in found.items()}
            if "idle" in arguments.parts:
                report["idle_percent"] = idle(endpoint, arguments.idle_seconds)
    return report


def tell(report: dict[str, Any]) -> None:
    """The report in words."""
    print(f"Python {report['python']}, {report['processors']} processors")
    for name, relation in (
        ("initialize_s", "x"),
        ("discover_s", "x"),
        ("memory_rss_mib", "+"),
        ("memory_pss_mib", "+"),
    ):
        if each := report.get(name):
            interval = f"{relation} {each['value']:.2f} (95 % {each['low']:.2f} to {each['high']:.2f})"
            print(f"{name}: ours {each['ours']:.3f}, bare {each['baseline']:.3f}, {interval}, {each['rounds']} rounds")
    if used := report.get("idle_percent"):
        print(f"idle_percent: ours {used['ours']:.2f}, bare {used['bare']:.2f}")


def bounded(low: int, high: int) -> Any:
    """An argument type: a whole number within limits."""

    def check(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not from {low} to {high}")
        return value

    return check


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=bounded(1, 200), default=20, help="starts of each server")
    parser.add_argument("--memory-rounds", type=bounded(1, 50), default=5)
    parser.add_argument("--idle-seconds", type=bounded(1, 300), default=20)
    parser.add_argument("--parts", nargs="+", choices=("cold", "memory", "idle"), default=["cold", "memory", "idle"])
    arguments = parser.parse_args()
    try:
        report = measure(arguments)
    except Refused as refused:
        sys.stderr.write(f"cold_start: {refused}\n")
        return 1
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        tell(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
