"""Kill processes that write one audit trail, again and again, and check what the trail still knows.

    python -m benchmarks.audit_crash [KILLS] [SEED]

Four processes append groups of records, each noting every index it was given in a journal of its own before it goes on.
SIGKILL hits one of them at a random instant, while the other three write on; the trail is anchored and verified, and
every noted record must be where it was said to be. SIGKILL leaves the system's page cache alone: this is a test of the
process's death, not of a power cut.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bedrock_support.routing.clock import SystemEntropy
from bedrock_support.telemetry.audit import reader
from bedrock_support.telemetry.audit.anchor import Anchoring, FolderPlace
from bedrock_support.telemetry.audit.canonical import canonical
from bedrock_support.telemetry.audit.faults import AuditConflict, AuditUnavailable
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.signer import PublicKey
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.verify import verify

WRITERS = 4
LONGEST = 0.2
"""Seconds between two kills, at most."""
GROUP = 8
BACK = WRITERS * GROUP
"""Records that may have been there at the last check without being acknowledged yet."""


def write(folder: Path, name: str) -> None:
    """One life of a writer."""
    store = AuditStore(AuditFiles(folder=folder / "log"), SystemEntropy())
    journal = os.open(folder / f"journal-{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    chance = random.Random(name)  # noqa: S311 - a repeatable choice of sizes
    store.head()
    print("ready", flush=True)
    number = 0
    while True:
        count = chance.randint(1, GROUP)
        names = [f"{name}-{number + each}" for each in range(count)]
        try:
            first = store.append([canonical({"type": "opened", "operation": each}) for each in names])
        except AuditConflict:
            raise
        except AuditUnavailable:
            continue  # the others held it too long: not acknowledged
        number += count
        os.write(journal, f"{json.dumps([first, names])}\n".encode())
        time.sleep(chance.random() * 0.01)


@dataclass(slots=True)
class Rig:
    """The writers, and what they were told."""

    folder: Path
    started: int = 0
    running: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])
    acknowledged: dict[int, str] = field(default_factory=dict[int, str])
    read: dict[Path, int] = field(default_factory=dict[Path, int])

    @property
    def files(self) -> AuditFiles:
        return AuditFiles(folder=self.folder / "log")

    def start(self) -> None:
        self.started += 1
        command = [sys.executable, "-m", "benchmarks.audit_crash", "child", str(self.folder), str(self.started)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
        self.running.append(child)

    def ready(self) -> None:
        assert self.running[-1].stdout is not None
        assert self.running[-1].stdout.readline() == b"ready\n"

    def kill(self, which: int) -> None:
        child = self.running.pop(which)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert child.stdout is not None
        child.stdout.close()
        assert child.returncode == -signal.SIGKILL, f"a writer ended by itself: {child.returncode}"

    def take(self) -> None:
        """Read on in the journals; a line cut short by a kill was never acknowledged."""
        for journal in self.folder.glob("journal-*"):
            with journal.open("rb") as file:
                file.seek(self.read.get(journal, 0))
                lines = file.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            self.read[journal] = self.read.get(journal, 0) + len(whole)
            for line in whole.splitlines():
                first, names = json.loads(line)
                for offset, name in enumerate(names):
                    assert first + offset not in self.acknowledged, f"{first + offset} was given twice"
                    self.acknowledged[first + offset] = name


def check(rig: Rig, anchoring: Anchoring, place: FolderPlace, first: int = 0) -> int:
    """What must hold after every kill; the number of records. They are read from `first` on: those before were, and
    the proof is of all of them."""
    rig.take()
    anchoring.anchor()
    verdict = verify(rig.files, PublicKey.read(rig.files.public_key), [place])
    assert verdict.good, verdict.problems
    with reader.reading(rig.files.log) as connection:
        held = {row.index: json.loads(row.body or b"{}")["operation"] for row in reader.rows(connection, first)}
    lost = {index for index, name in rig.acknowledged.items() if index >= first and held.get(index) != name}
    assert not lost, f"acknowledged and not there: {sorted(lost)[:5]}"
    return verdict.records


def run(kills: int, seed: int, folder: Path) -> tuple[int, int]:
    """Kill `kills` writers of one trail; records acknowledged, and records there. Raises AssertionError."""
    chance = random.Random(seed)  # noqa: S311 - repeatable instants
    rig = Rig(folder=folder)
    try:
        for _ in range(WRITERS):
            rig.start()
        for _ in rig.running:
            rig.running.append(rig.running.pop(0))
            rig.ready()
        place = FolderPlace(folder / "anchors")
        anchoring = Anchoring(rig.files, PublicKey.read(rig.files.public_key), place)
        records = 0
        for _ in range(kills):
            time.sleep(chance.random() * LONGEST)
            rig.kill(chance.randrange(len(rig.running)))
            records = check(rig, anchoring, place, max(0, records - BACK))
            rig.start()
            if chance.random() < 0.9:  # else it may be killed while it opens the trail
                rig.ready()
        while rig.running:
            rig.kill(0)
        records = check(rig, anchoring, place)
    finally:
        for child in rig.running:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
    return len(rig.acknowledged), records


def main() -> None:
    """Print what was killed and what survived."""
    if sys.argv[1:2] == ["child"]:
        write(Path(sys.argv[2]), sys.argv[3])
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        acknowledged, records = run(kills, seed, Path(folder))
        print(
            f"{kills} kills among {WRITERS} writers in {time.monotonic() - began:.0f} s: {acknowledged} records "
            f"acknowledged, none lost; {records} in the log, verified against its anchors after each kill"
        )


if __name__ == "__main__":
    main()
