"""The direct pipeline beside LiteLLM's Router and beside bare boto3, in interleaved rounds of one run.

    python -m benchmarks.against_litellm [--json] [--rounds 7] [--calls 128] [--upstream canned|sandbox]

Four sides, a process each: `ours` (the pipeline as the server runs it), `direct` (its client alone), `bare` (boto3 on
threads) and `litellm` (Router, one deployment, no retries), which lives in an environment of its own under
.cache/litellm, made when first wanted, and never sees an AWS key. All ask the same upstream process, plain HTTP on
loopback with a constant answer; the order turns about each round, the first round only warms up. Processor time is
that of the side's process while its calls last and a moment longer, for what a call leaves to do in the background.
Believe the ratios. Exit code 3: the comparison could not be made.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from benchmarks.figures import Comparison, ratio
from benchmarks.litellm_home import LITELLM, Unavailable, ready
from benchmarks.side_process import Broken, SideProcess, upstream
from benchmarks.wire import environment, python

SIDES = ("ours", "direct", "bare", "litellm")
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that is measured of every side."""

    name: str
    slow: bool
    concurrency: int
    stream: bool
    share: float
    """Calls of a round, as a share of --calls."""
    figure: Callable[[Mapping[str, float], int], float]
    unit: str
    bar: float
    """What ours over LiteLLM's must come to: at most, or at least where more is better."""
    more_is_better: bool = False

    def passes(self, value: float) -> bool:
        return value >= self.bar if self.more_is_better else value <= self.bar


def _cpu_ms(told: Mapping[str, float], calls: int) -> float:
    return 1e3 * told["cpu_s"] / calls


def _per_second(told: Mapping[str, float], calls: int) -> float:
    return calls / told["wall_s"]


PARTS = (
    Part(
        name="CPU per call, 16 in flight, no latency",
        slow=False,
        concurrency=16,
        stream=False,
        share=1.0,
        figure=_cpu_ms,
        unit="ms",
        bar=0.35,
    ),
    Part(
        name="throughput, 64 in flight, 50 ms upstream",
        slow=True,
        concurrency=64,
        stream=False,
        share=2.0,
        figure=_per_second,
        unit="calls/s",
        bar=3.5,
        more_is_better=True,
    ),
    Part(
        name="CPU per stream of 54 frames, 16 in flight",
        slow=False,
        concurrency=16,
        stream=True,
        share=0.5,
        figure=_cpu_ms,
        unit="ms",
        bar=0.2,
    ),
)


def order(number: int) -> tuple[str, ...]:
    """Who asks when: turned about each round, so that nobody always has the warmer machine."""
    return SIDES[::-1] if number % 2 else SIDES


def run(sides: Mapping[str, SideProcess], urls: tuple[str, str], rounds: int, calls: int) -> dict[str, Any]:
    """All rounds of all parts, and each side's memory after them."""
    seen = {part.name: {side: list[float]() for side in SIDES} for part in PARTS}
    for number in range(rounds + 1):
        for part in PARTS:
            wanted = int(calls * part.share)
            for side in order(number):
                told = sides[side].round(urls[part.slow], wanted, part.concurrency, part.stream)
                if number:
                    seen[part.name][side].append(part.figure(told, wanted))
    memory = {side: psutil.Process(each.pid).memory_info().rss / MIB for side, each in sides.items()}
    return {"figures": seen, "rss_mib": memory}


def compared(seen: Mapping[str, list[float]]) -> dict[str, Comparison]:
    """Every ratio worth telling, by the names of its two sides."""
    pairs = (("ours", "litellm"), ("direct", "litellm"), ("ours", "bare"), ("ours", "direct"))
    return {f"{one}/{other}": ratio(seen[one], seen[other]) for one, other in pairs}


def report(measured: Mapping[str, Any], upstream_name: str, hellos: Mapping[str, Any], calls: int) -> dict[str, Any]:
    """Everything that is told, as it stands in --json."""
    parts: dict[str, Any] = {}
    for part in PARTS:
        ratios = compared(measured["figures"][part.name])
        parts[part.name] = {
            "unit": part.unit,
            "calls_per_round": int(calls * part.share),
            "medians": {
                "ours": ratios["ours/litellm"].ours,
                "direct": ratios["direct/litellm"].ours,
                "bare": ratios["ours/bare"].baseline,
                "litellm": ratios["ours/litellm"].baseline,
            },
            "ratios": {name: asdict(each) for name, each in ratios.items()},
            "bar": f"{'>=' if part.more_is_better else '<='} {part.bar} x litellm",
            "passes": part.passes(ratios["ours/litellm"].value),
        }
    return {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "upstream": upstream_name,
        "sides": hellos,
        "parts": parts,
        "rss_mib": measured["rss_mib"],
    }


def tell(found: Mapping[str, Any]) -> None:
    """The report in words."""
    sides = found["sides"]
    print(
        f"Python {found['python']}, {found['processors']} processors; LiteLLM {sides['litellm']['version']}, "
        f"boto3 {sides['ours']['boto3']}; upstream: {found['upstream']}, plain HTTP on loopback, sharing the processors"
    )
    for name, part in found["parts"].items():
        medians = ", ".join(f"{side} {value:.3g}" for side, value in part["medians"].items())
        print(f"\n{name} ({part['calls_per_round']} calls a round)\n  medians in {part['unit']}: {medians}")
        for pair, each in part["ratios"].items():
            line = (
                f"  {pair}: {each['value']:.3f} (95 % {each['low']:.3f} to {each['high']:.3f}, {each['rounds']} rounds)"
            )
            verdict = f"  bar {part['bar']}: {'PASS' if part['passes'] else 'MISSED'}"
            print(line + (verdict if pair == "ours/litellm" else ""))
    print("\nresident memory after, MiB: " + ", ".join(f"{side} {mib:.0f}" for side, mib in found["rss_mib"].items()))


def measure(upstream_name: str, rounds: int, calls: int) -> dict[str, Any]:
    """Start everything, measure, end everything. Raises Unavailable or Broken."""
    interpreter = str(ready())
    clean = environment() | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    commands = {side: python("-m", "benchmarks.ours_side", side) for side in SIDES}
    commands["litellm"] = [interpreter, "-m", "benchmarks.litellm_side"]
    with ExitStack() as stack:
        urls = stack.enter_context(upstream(upstream_name, clean))
        sides = {side: stack.enter_context(SideProcess(side, commands[side], clean)) for side in SIDES}
        hellos = {side: each.hello for side, each in sides.items()}
        if hellos["litellm"]["version"] != LITELLM:
            raise Unavailable(f".cache/litellm holds LiteLLM {hellos['litellm']['version']}, not {LITELLM}: remove it")
        return report(run(sides, urls, rounds, calls), upstream_name, hellos, calls)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=7, choices=range(1, 21), metavar="1..20")
    parser.add_argument("--calls", type=int, default=128, choices=range(32, 513), metavar="32..512")
    parser.add_argument("--upstream", choices=("canned", "sandbox"), default="canned")
    wanted = parser.parse_args()
    try:
        found = measure(wanted.upstream, wanted.rounds, wanted.calls)
    except (Unavailable, Broken) as problem:
        sys.stderr.write(f"against_litellm: NOTHING WAS COMPARED: {problem}\n")
        return 3
    if wanted.json:
        print(json.dumps(found, indent=2))
    else:
        tell(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
