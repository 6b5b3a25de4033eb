"""Kill -9 at random instants while open questions are kept and taken, and decisions and attempts are written.

Run: python -m benchmarks.lasting_crash [--kills 100] [--seed 20261128]
Two processes at a time work on one file and say what they were told had happened; each is killed after a random part
of a quarter of a second. Afterwards every question that was told kept and was told taken by nobody must be open, none
that was told taken may be taken again, none may have been taken twice, every decision that was told written must be
there, and no file may have been set aside as damaged.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import anyio

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.lasting.decisions import PastDecisions
from bedrock_support.routing.lasting.file import LastingFile
from bedrock_support.routing.lasting.journal import Journal
from bedrock_support.routing.lasting.questions import Claim, KeptQuestion, Questions
from bedrock_support.routing.model import Attempt, OperationClass, RouteName

AT_ONCE = 2
MOST_SECONDS = 0.25
BRIEF = "why did [[HOST_1_0123abcd]] fail? " * 40


@dataclass(slots=True)
class Told:
    """What processes said had happened before they were killed, and what was wrong afterwards."""

    kills: int = 0
    kept: set[str] = field(default_factory=set[str])
    taken: set[str] = field(default_factory=set[str])
    trying: set[str] = field(default_factory=set[str])
    """Questions whose taking was begun: it may or may not have happened."""
    decided: set[str] = field(default_factory=set[str])
    lost: int = 0
    taken_twice: int = 0
    missing_decisions: int = 0
    damaged: int = 0

    @property
    def good(self) -> bool:
        return not (self.lost or self.taken_twice or self.missing_decisions or self.damaged)


async def work(path: Path, tenant: str) -> None:
    """One process's life: it ends by being killed. A tenant of its own, so that no question gives way to others'."""
    clock, entropy = SystemClock(), SystemEntropy()
    file = LastingFile(path)
    questions = Questions(file, clock, tenant)
    journal = Journal(file, clock, tenant=tenant, setup="bench")
    tried = Attempt(route=RouteName.DIRECT, number=1, seconds=1.0, op_class=OperationClass.STANDARD, budget=9.0)
    while True:
        name = f"{tenant}:{entropy.token()}"
        now = clock.wall()
        kept = KeptQuestion(
            op_class=OperationClass.STANDARD,
            brief=BRIEF,
            evidence_ids=("E1",),
            decision_id=name,
            handed_at=now,
            expires_at=now + 3600,
        )
        await questions.keep(name, kept)
        print("kept", name, flush=True)
        journal.attempt("standard", 4000.0, tried)
        journal.decision(name, now, {"id": name, "plan": ["direct"]})
        if await journal.flush():
            print("decided", name, flush=True)
        if entropy.unit() < 0.4:
            print("trying", name, flush=True)
            if await questions.claim(name) is Claim.MINE:
                print("taken", name, flush=True)


def crash(kills: int, seed: int, folder: Path) -> Told:
    """Kill so many processes, then look."""
    chance, told = Random(seed), Told()  # noqa: S311 - instants, no secret
    path = folder / "lasting.db"
    command = [sys.executable, "-m", "benchmarks.lasting_crash", "--file", str(path)]
    while told.kills < kills:
        running = [
            subprocess.Popen([*command, "--tenant", f"t{told.kills + at}"], stdout=subprocess.PIPE, text=True)
            for at in range(AT_ONCE)
        ]
        lines: list[str] = []
        for each in running:
            assert each.stdout is not None
            lines.append(each.stdout.readline())
        for each in running:
            try:
                each.wait(chance.random() * MOST_SECONDS)
            except subprocess.TimeoutExpired:
                each.kill()
            rest, _ = each.communicate()
            lines += rest.splitlines()
            told.kills += 1
        for line in lines:
            what, _, name = line.strip().partition(" ")
            if len(name.rpartition(":")[2]) == 32 and what in ("kept", "taken", "trying", "decided"):
                getattr(told, what).add(name)
    anyio.run(look, told, path)
    return told


async def look(told: Told, path: Path) -> None:
    """Hold what is there against what was told."""
    clock, file = SystemClock(), LastingFile(path)

    def questions(name: str) -> Questions:
        return Questions(file, clock, name.partition(":")[0])

    for name in told.kept - told.trying:
        told.lost += await questions(name).find(name) is None
    for name in told.taken:
        told.taken_twice += await questions(name).claim(name) is Claim.MINE
    for name in told.decided:
        told.missing_decisions += await PastDecisions(file, name.partition(":")[0]).find(name) is None
    told.damaged = file.set_aside + len(list(path.parent.glob("damaged-*")))
    file.close()


def main() -> None:
    """Kill and print; ends with 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tenant", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.file is not None:
        anyio.run(work, given.file, given.tenant)
        return
    with tempfile.TemporaryDirectory() as folder:
        told = crash(given.kills, given.seed, Path(folder))
    print(
        f"{told.kills} kills: {len(told.kept)} questions kept, {told.lost} lost; {len(told.taken)} taken, "
        f"{told.taken_twice} twice; {len(told.decided)} decisions, {told.missing_decisions} missing; "
        f"{told.damaged} files damaged"
    )
    sys.exit(0 if told.good else 1)


if __name__ == "__main__":
    main()
