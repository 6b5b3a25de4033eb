"""What `rollout status` says: the record, the lock and the front itself, none of them taken for another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.server.access.listed import shown_token
from bedrock_support.server.environment import SettingsError, process_environment
from bedrock_support.server.rollout.control import Control, NoFront
from bedrock_support.server.rollout.files import RolloutFiles
from bedrock_support.server.rollout.locks import is_held
from bedrock_support.server.rollout.plan import KIND, OPEN, PHASES, RUNNING, UNVERIFIED, Plan, outline
from bedrock_support.server.rollout.store import Desk, EvidenceStore, Run, Transition

INTERRUPTED = "interrupted"


async def account(files: RolloutFiles) -> dict[str, Any]:
    """The state of the newest rollout and of the front. Raises OSError, sqlite3.Error, SettingsError."""
    told = await recorded(files)
    try:
        desk = Desk()
        token = await desk(partial(shown_token, process_environment()))
        control = Control(files=files, desk=desk, clock=SystemClock(), entropy=SystemEntropy(), token=token)
        told["flags"] = await control.file_flags()
        told["front"] = await control.status()
    except (NoFront, SettingsError) as error:
        told["front"] = None
        told["front_problem"] = str(error)
    return told


async def recorded(files: RolloutFiles) -> dict[str, Any]:
    """The newest rollout as its record says, and whether its process lives. Raises OSError, sqlite3.Error."""
    desk = Desk()
    await desk(files.prepare)
    store = await desk(partial(EvidenceStore, files.evidence, SystemClock()))
    try:
        run = await desk(partial(store.newest, KIND))
        held = await desk(partial(is_held, files.lock))
        told: dict[str, Any] = {"rollout": None, "under_way": held}
        if run is not None:
            past = await desk(partial(store.transitions, run.id))
            seen = await desk(partial(store.evidence, run.id))
            phases = dict.fromkeys(PHASES, "not begun")
            phases |= {each.phase: each.state for each in past if "/" not in each.phase}
            steps = steps_of(run, past)
            state = run.state
            if state in OPEN and not held and state != UNVERIFIED:
                state = INTERRUPTED
            told["rollout"] = {
                "id": run.id,
                "state": state,
                "phase": run.phase,
                "pid": run.pid,
                "started": stamp(run.started),
                "ended": None if run.ended is None else stamp(run.ended),
                "abort_asked": run.abort,
                "way": "forward" if run.state in {RUNNING, "done"} else "back",
                "phases": phases,
                "steps": steps,
                "progress": progress_of(steps),
                "checks": len([each for each in seen if each.ok is not None]),
                "failed": [{"evidence": each.id, "name": each.name} for each in seen if each.ok is False],
            }
    finally:
        await desk(store.close)
    return told


def steps_of(run: Run, past: Sequence[Transition]) -> dict[str, str]:
    """Every step of a rollout as `phase/step`, with its last state; of a phase that began again, since then."""
    if "generation" not in run.detail:
        return {}
    plan = Plan.of(run.detail)
    found = {f"{phase}/{step}": "not begun" for phase, names in outline(plan).items() for step in names}
    for each in past:
        if each.state == "begun" and "/" not in each.phase:
            found |= {name: "not begun" for name in found if name.startswith(f"{each.phase}/")}
        elif each.phase in found:
            found[each.phase] = each.state
    return found


def progress_of(steps: Mapping[str, str]) -> dict[str, int]:
    """Steps that are done, of all."""
    return {"done": sum(state == "done" for state in steps.values()), "total": len(steps)}


def stamp(seconds: float) -> str:
    """A moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_words(told: dict[str, Any]) -> list[str]:
    """The same for people, a line each."""
    run, front = told["rollout"], told["front"]
    lines = ["no rollout yet"]
    if run is not None:
        ended = f", ended {run['ended']}" if run["ended"] else ""
        lines = [f"rollout {run['id']}: {run['state']} in {run['phase']}, begun {run['started']}{ended}"]
        lines.append(f"  {run['progress']['done']} of {run['progress']['total']} steps done")
        lines += [f"  {phase}: {state}" for phase, state in run["phases"].items()]
        lines += [f"    now: {step}" for step, state in run["steps"].items() if state == "begun"]
        lines += [f"  failed: {each['name']} (evidence {each['evidence']})" for each in run["failed"]]
        if run["state"] == INTERRUPTED:
            lines.append(f"  its process ({run['pid']}) is gone: rollout resume goes on, rollout abort rolls back")
        elif run["state"] == UNVERIFIED:
            lines.append("  the way back could not be verified: rollout resume tries again")
    if front is None:
        return [*lines, f"front: {told['front_problem']}"]
    lines.append(f"front: process {front['pid']}, revision {front['revision']}, {front['lost_samples']} samples lost")
    for each in front["workers"]:
        about = f"{each['weight']} %, process {each['pid']}, {each['sessions']} sessions, {each['inflight']} calls"
        lines.append(f"  {each['name']} ({each['generation']}): {each['state']}, {about}")
    return lines
