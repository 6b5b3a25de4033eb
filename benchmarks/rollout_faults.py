"""Faults injected into real rollouts: each must end in what was before, verified, or in a clean end; never in between.

    python -m benchmarks.rollout_faults [--only WORDS] [--part 1/4]

Every case has a front, a sandbox and a state folder of its own. A case is good when the state that the command tells,
the record and the front's own status agree, one worker serves, and a synthetic call through the front goes well.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.server.rollout.plan import PHASES
from tests.rig import Running, environment, running
from tests.rollout_rig import PATIENCE, PATIENT, Rig, rig, wait_for

PAGE = 4096
DONE, BACK = "done", "rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault and the end that it must come to."""

    name: str
    strike: Callable[[Rig], None]
    end: tuple[str, ...]


def killed_in(phase: str, then: str) -> Case:
    """kill -9 of the rollout in a phase; status must say so; then `resume` or `abort`."""

    def strike(made: Rig) -> None:
        process = made.begin("start", *PATIENT)
        wait_for(process, f"{phase}: begun")
        process.end(signal.SIGKILL)
        told = made.status()["rollout"]
        assert (told["state"], told["phase"]) == ("interrupted", phase), told
        made.run(then)

    return Case(name=f"kill -9 in {phase}, {then}", strike=strike, end=(DONE,) if then == "resume" else (BACK,))


def killed_in_the_way_back(made: Rig) -> None:
    process = made.begin("start", "--set", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:9", *PATIENT)
    wait_for(process, "rolling back")
    process.end(signal.SIGKILL)
    assert made.status()["rollout"]["state"] == "interrupted"
    made.run("resume")


def configured(*settings: str) -> Callable[[Rig], None]:
    """A new configuration that can't do."""

    def strike(made: Rig) -> None:
        done = made.run("start", *(part for each in settings for part in ("--set", each)), *PATIENT)
        assert done.returncode == 1, done.stderr

    return strike


def while_in(phase: str, act: Callable[[Rig, Running], None]) -> Callable[[Rig], None]:
    """Something happens while a phase runs; the rollout then goes on to its own end."""

    def strike(made: Rig) -> None:
        process = made.begin("start", *PATIENT, "--watch", "1")
        wait_for(process, f"{phase}: begun")
        act(made, process)
        process.process.wait(PATIENCE)
        process.end()

    return strike


def samples_are_lost(made: Rig, _: Running) -> None:
    """The table of samples goes: the front can't write, and the gates have no data."""
    with closing(sqlite3.connect(made.folder / "evidence.sqlite", timeout=5)) as db:
        db.execute("DROP TABLE calls")
        db.commit()


def flags_are_broken(made: Rig, _: Running) -> None:
    (made.folder / "flags.json").write_text("{not json", encoding="utf-8")


def fleet_is_broken(made: Rig, _: Running) -> None:
    (made.folder / "fleet.json").write_text("{not json", encoding="utf-8")


def flags_cannot_be_written(made: Rig) -> None:
    """A folder stands where the flags file was: nothing can be written until it is gone."""
    process = made.begin("start", *PATIENT)
    wait_for(process, "slo_gates: begun")
    flags, aside = made.folder / "flags.json", made.folder / "aside.json"
    flags.rename(aside)
    flags.mkdir()
    assert process.process.wait(PATIENCE) == 3, process.said
    process.end()
    assert made.status()["rollout"]["state"] == "rollback_unverified"
    flags.rmdir()
    aside.rename(flags)
    made.run("resume")


def disk_is_full(made: Rig) -> None:
    """No file of the rollout may grow: its record can't be written, small files can. Then there is room again."""
    process = made.begin("start", *PATIENT, "--watch", "1")
    wait_for(process, "slo_gates: begun")
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (PAGE, PAGE))
    assert process.process.wait(PATIENCE) == 3, process.said
    process.end()
    assert made.status()["rollout"]["state"] in {"interrupted", "rollback_unverified"}
    made.run("abort")


def two_at_once(made: Rig) -> None:
    process = made.begin("start", *PATIENT)
    wait_for(process, "components: begun")
    assert "under way" in made.run("start", *PATIENT).stderr
    assert "under way" in made.run("drill").stderr
    process.process.wait(PATIENCE)
    process.end()


def worker_killed(name: str) -> Callable[[Rig, Running], None]:
    def act(made: Rig, _: Running) -> None:
        os.kill(made.workers()[name]["pid"], signal.SIGKILL)

    return act


def told_to_stop(made: Rig, process: Running) -> None:
    process.process.send_signal(signal.SIGTERM)


def aborted(made: Rig, _: Running) -> None:
    made.run("abort")


CASES = [
    *(killed_in(phase, then) for phase in PHASES for then in ("resume", "abort")),
    Case(name="kill -9 in the way back, resume", strike=killed_in_the_way_back, end=(BACK,)),
    Case(name="worker won't start", strike=configured("BEDROCK_SUPPORT_RESIDENCY=mars"), end=(BACK,)),
    Case(name="worker can't find its peers file", strike=configured("BEDROCK_SUPPORT_PEERS=/nowhere"), end=(BACK,)),
    Case(
        name="Bedrock out of its reach",
        strike=configured("AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:9"),
        end=(BACK,),
    ),
    Case(name="audit trail can't be written", strike=configured("BEDROCK_SUPPORT_AUDIT=/dev/null/x"), end=(BACK,)),
    Case(name="audit trail is off", strike=configured("BEDROCK_SUPPORT_AUDIT=off"), end=(BACK,)),
    Case(name="calls end after 10 ms", strike=configured("BEDROCK_SUPPORT_MAX_CALL_SECONDS=0.01"), end=(BACK,)),
    Case(name="gate without data", strike=while_in("slo_gates", samples_are_lost), end=(BACK,)),
    Case(name="flags file broken", strike=while_in("slo_gates", flags_are_broken), end=(BACK,)),
    Case(name="fleet file broken", strike=while_in("slo_gates", fleet_is_broken), end=(BACK,)),
    Case(name="flags can't be written, then can", strike=flags_cannot_be_written, end=(BACK,)),
    Case(name="disk full while the record is written", strike=disk_is_full, end=(BACK,)),
    Case(name="two rollouts at once", strike=two_at_once, end=(DONE,)),
    Case(name="new worker killed", strike=while_in("slo_gates", worker_killed("green")), end=(DONE, BACK)),
    Case(name="old worker killed", strike=while_in("slo_gates", worker_killed("blue")), end=(DONE, BACK)),
    Case(name="SIGTERM", strike=while_in("slo_gates", told_to_stop), end=(BACK,)),
    Case(name="abort from another process", strike=while_in("slo_gates", aborted), end=(BACK,)),
]


def ended_well(made: Rig, case: Case) -> str:
    """What is wrong with the end; empty when nothing is."""
    told = made.status()
    state = told["rollout"]["state"]
    workers = {name: (each["state"], each["weight"]) for name, each in made.workers().items()}
    wanted = {"green" if state == DONE else "blue": ("ready", 100)}
    if state not in case.end:
        return f"ended {state}, not {' or '.join(case.end)}: {told['rollout']['failed']}"
    if told["under_way"] or workers != wanted:
        return f"{state}, but workers are {workers}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds these words")
    parser.add_argument("--part", default="1/1", metavar="N/M", help="each M-th case, from the N-th on")
    arguments = parser.parse_args()
    only = arguments.only
    first, parts = (int(each) for each in arguments.part.split("/"))
    bad = 0
    with running("sandbox", "--port", "0", env=environment()) as (_, sandbox):
        chosen = [each for each in CASES if only in each.name][first - 1 :: parts]
        for case in chosen:
            began = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder, rig(Path(folder), sandbox) as made:
                try:
                    case.strike(made)
                    problem = ended_well(made, case)
                except Exception as error:  # noqa: BLE001 - one case must not end the others
                    problem = f"{type(error).__name__}: {error}"[:600]
            bad += bool(problem)
            took = time.perf_counter() - began
            sys.stdout.write(f"{'BAD ' if problem else 'good'} {took:6.1f} s  {case.name}  {problem}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - bad} of {len(chosen)} ended as they must\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
