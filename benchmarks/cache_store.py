"""What a write costs its caller while two processes write into one store, beside plain diskcache in the same run.

Run: python -m benchmarks.cache_store [--writes 1500] [--rate 200] [--rounds 3]
Two processes write answers of 3 kB into one folder at the same time, each `--rate` a second, first through the
product's bounded writer, then through plain diskcache as it comes (`diskcache.Cache(folder)`, values as bytes), round
by round in turn. What is timed is `set` alone, as its caller waits for it. Afterwards every value that was taken in
must be in the store. A second row writes as fast as it can: then the writer
refuses what it has no room for, and says so.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diskcache  # pyright: ignore[reportMissingTypeStubs]

from bedrock_support.routing.optimizing.store import Store
from bedrock_support.routing.optimizing.writer import BoundedWriter

BAR_MS = 1.0
PROCESSES = 2
VALUE = b"x" * 3000
LIMIT = 170.0
"""Seconds that a process may take."""


@dataclass(slots=True)
class Seen:
    """Waits in milliseconds of one way, of all processes and rounds."""

    waits: list[float] = field(default_factory=list[float])
    refused: int = 0
    missing: int = 0

    def at(self, share: float) -> float:
        ranked = sorted(self.waits)
        return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def timed(keep: Callable[[str], bool], name: str, writes: int, rate: float) -> tuple[list[float], list[str]]:
    """Waits in milliseconds, and the keys that were taken in."""
    waits: list[float] = []
    taken: list[str] = []
    begun = time.perf_counter()
    for number in range(writes):
        if rate:
            time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        key = f"{name}-{number}"
        began = time.perf_counter()
        kept = keep(key)
        waits.append((time.perf_counter() - began) * 1e3)
        if kept:
            taken.append(key)
    return waits, taken


def one_process(way: str, folder: Path, name: str, writes: int, rate: float) -> None:
    """Write at the same moment as the other process, and tell what it took."""
    if way == "ours":
        ours = BoundedWriter(Store(folder))
        ours.set(f"{name}-first", VALUE, 3600.0)
        ours.flush()
        print("ready", flush=True)
        sys.stdin.readline()
        waits, taken = timed(lambda key: ours.set(key, VALUE, 3600.0), name, writes, rate)
        refused = ours.refused
        ours.close()
    else:
        plain: Any = diskcache.Cache(str(folder))
        plain.set(f"{name}-first", VALUE, expire=3600.0)
        print("ready", flush=True)
        sys.stdin.readline()
        waits, taken = timed(lambda key: bool(plain.set(key, VALUE, expire=3600.0, retry=True)), name, writes, rate)
        refused = 0
        plain.close()
    print(json.dumps({"waits": waits, "taken": taken, "refused": refused}), flush=True)


def together(way: str, writes: int, rate: float, seen: Seen) -> None:
    """One round: both processes, and then whether the store has what they took in."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.cache_store", "--way", way, "--folder", folder]
        running = [
            subprocess.Popen(
                [*command, "--name", f"p{number}", "--writes", str(writes), "--rate", str(rate)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]
        try:
            for each in running:
                assert each.stdout is not None
                if each.stdout.readline().strip() != "ready":
                    raise RuntimeError("a process did not start")
            for each in running:
                assert each.stdin is not None
                each.stdin.write("\n")
                each.stdin.flush()
            found = [json.loads(each.communicate(timeout=LIMIT)[0]) for each in running]
        finally:
            for each in running:
                each.kill()
                each.wait()
        taken = [key for each in found for key in each["taken"]]
        for each in found:
            seen.waits += each["waits"]
            seen.refused += each["refused"]
        if way == "ours":
            store = Store(Path(folder))
            seen.missing += sum(store.get(key) is None for key in taken)
            store.close()
        else:
            plain: Any = diskcache.Cache(folder)
            seen.missing += sum(plain.get(key) is None for key in taken)
            plain.close()


def main() -> None:
    """Measure and print; ends with 1 when the bar is missed or a value is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writes", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=200.0, help="writes a second and process")
    parser.add_argument("--rounds", type=int, default=3)
    for hidden in ("--way", "--folder", "--name"):
        parser.add_argument(hidden, default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        one_process(given.way, Path(given.folder), given.name, given.writes, given.rate)
        return
    good = True
    for rate in (given.rate, 0.0):
        seen = {"ours": Seen(), "diskcache": Seen()}
        for _ in range(given.rounds):
            for way, each in seen.items():
                together(way, given.writes, rate, each)
        print(f"two processes, {given.writes} writes each, {f'{rate:g} a second' if rate else 'as fast as they can'}:")
        for way, each in seen.items():
            print(
                f"  {way}: set p50 {each.at(0.5):.4f} ms, p99 {each.at(0.99):.4f} ms, max {each.at(1.0):.2f} ms; "
                f"{each.refused} refused, {each.missing} missing"
            )
        good = good and not seen["ours"].missing and (not rate or seen["ours"].at(0.99) <= BAR_MS)
    print(f"bar {BAR_MS:g} ms at p99: {'PASS' if good else 'MISSED'}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
