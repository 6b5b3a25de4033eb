"""How soon servers see a flag that is flipped, with calls in flight, and whether any ever sees half of a flip.

`python -m benchmarks.flag_flips [--flips 1000] [--servers 4] [--json]`. Each flip switches all five flags at once; four
servers, each a process of its own with a client that calls triage_incident against the sandbox without a pause, are
asked for their health until they show it. The figure counts from the write's return and includes the asking.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import anyio

from benchmarks.flag_rig import Flipper, Flips, servers
from tests.rig import LOG, environment, running, with_bedrock

LIMIT = 1.0
"""Seconds within which a flip must be seen."""


def measured(flips: int, count: int) -> Flips:
    """The flips, on servers of their own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running("sandbox", "--port", "0", env=environment()) as (_, sandbox),
        servers(count, Path(folder), **with_bedrock(sandbox)) as (file, urls),
    ):
        log = Path(folder) / "app.log"
        log.write_text(LOG)
        return anyio.run(Flipper(file, urls).run, flips, log)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--servers", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measured(arguments.flips, arguments.servers)
    lags = sorted(found.lags)
    late = sum(lag > LIMIT for lag in lags)
    told = {
        "flips": arguments.flips,
        "servers": arguments.servers,
        "seen": len(lags),
        "late": late,
        "p50_seconds": round(statistics.median(lags), 3),
        "p99_seconds": round(lags[int(0.99 * (len(lags) - 1))], 3),
        "max_seconds": round(lags[-1], 3),
        "mixed": found.mixed,
        "calls": found.calls,
        "answered": found.answered,
        "failed_calls": found.failed,
    }
    print(json.dumps(told) if arguments.json else "\n".join(f"{name:14} {value}" for name, value in told.items()))
    return int(late > 0 or found.mixed > 0 or found.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
