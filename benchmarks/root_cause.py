"""How often find_root_cause names the service that was hurt: 60 incidents in three real programs, and PetShop.

    python -m benchmarks.root_cause [--keep DIR] [--replay DIR] [--petshop DIR] [--detectors]

Three programs of HTTP services (a chain, a fan-out, a shared store; each service its own process) run under load. One
service at a time is hurt: latency, errors, processor, memory, or it is killed (dependency loss). Each incident has 2 s
of calm and 1.2 s of trouble; its spans and its processes' metrics go to files of their own, which are read as a user
would give them: once told nothing, once told when the trouble began. --keep leaves the files, --replay scores kept
ones, --detectors scores every detector. --petshop DIR (or PETSHOP) scores the `dataset` folder of
amazon-science/petshop-root-cause-analysis, which isn't part of this project (data: CC BY 4.0).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rca_petshop import score_petshop
from benchmarks.rca_rig import PROGRAMS, Program, running, write_metrics
from benchmarks.rca_score import score_suite

CALM, TROUBLE, REST = 2.0, 1.2, 0.4
INCIDENTS = 60
FAULTS = ("latency", "errors", "cpu", "memory", "loss")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="empty or new folder for the recorded incidents")
    parser.add_argument("--replay", type=Path, help="folder with recorded incidents: score them, run nothing")
    parser.add_argument("--petshop", type=Path, default=os.environ.get("PETSHOP"), help="PetShop's dataset folder")
    parser.add_argument("--incidents", type=int, default=INCIDENTS)
    parser.add_argument("--detectors", action="store_true", help="score every detector, not the default alone")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    reached = True
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.replay or given.keep or Path(scratch)
        if given.replay is None:
            folder.mkdir(parents=True, exist_ok=True)
            record(folder, given.incidents, random.Random(given.seed))  # noqa: S311 - chance, not secrecy
        reached = score_suite(folder, given.detectors)
    if given.petshop is None:
        print("PetShop: not scored, its data isn't here (--petshop DIR)")
    else:
        reached = score_petshop(Path(given.petshop), given.detectors) and reached
    sys.exit(0 if reached else 1)


def plan(count: int, chance: random.Random) -> dict[str, list[tuple[str, str]]]:
    """Service and fault of each incident, by program. Killing the front would leave nobody to feel it."""
    all_of = [
        (program, service, fault)
        for program, services in PROGRAMS.items()
        for place, service in enumerate(services)
        for fault in FAULTS
        if fault != "loss" or place
    ]
    chance.shuffle(all_of)
    chosen = (all_of * (count // len(all_of) + 1))[:count]
    return {each: [(service, fault) for name, service, fault in chosen if name == each] for each in PROGRAMS}


def record(folder: Path, count: int, chance: random.Random) -> None:
    began, done = time.monotonic(), 0
    for name, incidents in plan(count, chance).items():
        with tempfile.TemporaryDirectory() as scratch, running(name, Path(scratch)) as program:
            time.sleep(0.5)
            for service, fault in incidents:
                incident(program, service, fault, folder / f"{done:03d}-{name}-{service}-{fault}")
                done += 1
    print(f"{done} incidents recorded in {time.monotonic() - began:.0f} s")


def incident(program: Program, service: str, fault: str, folder: Path) -> None:
    """One incident: calm, trouble, and its files."""
    folder.mkdir()
    at = program.spans.stat().st_size
    begun = time.time()
    time.sleep(CALM)
    hurt = time.time()
    if fault == "loss":
        program.kill(service)
    else:
        program.tell(service, fault)
    time.sleep(TROUBLE)
    ended = time.time()
    if fault == "loss":
        program.start(service)
    else:
        program.tell(service, "none")
    with program.spans.open("rb") as file:
        file.seek(at)
        kept = [line for line in file.read().splitlines(keepends=True) if begun <= _start(line) <= ended]
    (folder / "spans.jsonl").write_bytes(b"".join(kept))
    write_metrics(program, begun, ended, folder / "metrics.csv")
    truth = {"service": service, "fault": fault, "start": hurt, "end": ended}
    (folder / "truth.txt").write_text(json.dumps(truth), encoding="utf-8")
    time.sleep(REST)


def _start(line: bytes) -> float:
    spans = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    return int(spans[0]["startTimeUnixNano"]) / 1e9


if __name__ == "__main__":
    main()
