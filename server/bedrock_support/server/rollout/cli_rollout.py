"""The longer actions of `bedrock-support rollout`: start, status, resume, abort, report. Imported when asked for."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from math import inf

import anyio
from anyio import to_thread

from bedrock_support.routing.clock import SystemClock
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.notices.assembly import noticing
from bedrock_support.server.notices.desk import NoticeDesk
from bedrock_support.server.notices.notice import Kind
from bedrock_support.server.rollout.account import account, in_words
from bedrock_support.server.rollout.control import NoFront
from bedrock_support.server.rollout.desk import Office, office
from bedrock_support.server.rollout.files import RolloutFiles, checked_env
from bedrock_support.server.rollout.flag_writer import NAMES
from bedrock_support.server.rollout.locks import is_held
from bedrock_support.server.rollout.machine import Machine
from bedrock_support.server.rollout.paper import markdown, page
from bedrock_support.server.rollout.places import read_elsewhere
from bedrock_support.server.rollout.plan import DONE, KIND, OPEN, ROLLED_BACK, STEPS, UNVERIFIED, Plan
from bedrock_support.server.rollout.quality import Limits
from bedrock_support.server.rollout.report import report_of
from bedrock_support.server.rollout.store import Desk, EvidenceStore, Run

LOOK_EVERY = 1.0
FAILED, IN_BETWEEN = 1, 3
"""Exit codes: rolled back and verified; the way back not verified."""


def plan_of(arguments: argparse.Namespace) -> Plan:
    """What was asked for on the command line. Raises SettingsError."""
    env = checked_env(dict(_pair(each, "--set") for each in arguments.set))
    flags = dict.fromkeys(NAMES, True)
    for each in arguments.flag:
        name, value = _pair(each, "--flag")
        if name not in NAMES or value not in {"on", "off"}:
            raise SettingsError(f"--flag {each}: give one of {', '.join(NAMES)} as NAME=on or NAME=off")
        flags[name] = value == "on"
    steps = tuple(arguments.step) or STEPS
    if list(steps) != sorted(set(steps)) or steps[-1] != STEPS[-1] or steps[0] < 1:
        raise SettingsError(f"--step {steps}: give rising percentages of which the last is 100")
    if arguments.samples < 1 or not 0 <= arguments.watch < inf:
        raise SettingsError(f"--samples {arguments.samples}, --watch {arguments.watch}: give at least 1 and 0")
    limits = dict(_limit(each) for each in arguments.limit)
    try:
        Limits.of(limits)
    except ValueError as error:
        raise SettingsError(f"--limit: {error}") from None
    return Plan(
        env=env,
        flags=flags,
        steps=steps,
        least=arguments.samples,
        watch=arguments.watch,
        limits=limits,
        elsewhere=read_elsewhere(arguments.elsewhere) if arguments.elsewhere else {},
    )


def _limit(text: str) -> tuple[str, float]:
    name, value = _pair(text, "--limit")
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise SettingsError(f"--limit {text}: give a number above 0")
    return name, number


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SettingsError(f"{option} {text}: give NAME=VALUE")
    return name, value


async def start(arguments: argparse.Namespace) -> int:
    """A new rollout, to its end."""
    plan = await to_thread.run_sync(plan_of, arguments)  # it reads files
    async with office(arguments.state, kind=KIND) as desk:
        try:
            await desk.control.status()
        except NoFront:
            await desk.finish(ROLLED_BACK)  # nothing was changed
            raise
        return await _carried(desk, arguments, lambda machine: machine.begin(plan))


async def resume(arguments: argparse.Namespace) -> int:
    """Take an interrupted rollout up."""
    return await _taken_up(arguments, back=False)


async def abort(arguments: argparse.Namespace) -> int:
    """Have a running rollout roll back, or roll an interrupted one back here."""
    files = RolloutFiles(folder=arguments.state)
    if await Desk()(partial(is_held, files.lock)):
        run = await _newest(files, ask_abort=True)
        if run is not None and run.state in OPEN:
            sys.stdout.write(f"asked {run.id} (process {run.pid}) to roll back; see: rollout status\n")
            return 0
    return await _taken_up(arguments, back=True)


async def status(arguments: argparse.Namespace) -> int:
    """The truth as far as it can be seen."""
    told = await account(RolloutFiles(folder=arguments.state))
    sys.stdout.write(f"{json.dumps(told, indent=2)}\n" if arguments.json else "\n".join([*in_words(told), ""]))
    return 0


async def watch(arguments: argparse.Namespace) -> int:
    """What changes, as it changes, until no rollout is under way."""
    files, before = RolloutFiles(folder=arguments.state), ""
    while True:
        told = await account(files)
        shown = json.dumps(told) if arguments.json else "\n".join(in_words(told))
        if shown != before:
            sys.stdout.write(f"{shown}\n" if arguments.json else f"{shown}\n\n")
            sys.stdout.flush()
            before = shown
        if not told["under_way"]:
            return 0
        await anyio.sleep(LOOK_EVERY)


async def _taken_up(arguments: argparse.Namespace, *, back: bool) -> int:
    run = await _newest(RolloutFiles(folder=arguments.state))
    if run is None or run.state not in OPEN:
        sys.stderr.write("bedrock-support rollout: no rollout is open here; see: rollout status\n")
        return FAILED
    async with office(arguments.state, kind=KIND, run=run.id) as desk:
        return await _carried(desk, arguments, lambda machine: machine.resume(back=back))


async def _newest(files: RolloutFiles, *, ask_abort: bool = False) -> Run | None:
    desk = Desk()
    await desk(files.prepare)
    store = await desk(partial(EvidenceStore, files.evidence, SystemClock()))
    try:
        run = await desk(partial(store.newest, KIND))
        if run is not None and ask_abort:
            await desk(partial(store.ask_abort, run.id))
        return run
    finally:
        await desk(store.close)


async def _carried(desk: Office, arguments: argparse.Namespace, do: Callable[[Machine], Awaitable[str]]) -> int:
    stop: list[int] = []

    async def listen() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for each in signals:
                stop.append(each)
                _tell("told to stop: rolling back")

    state = UNVERIFIED
    async with noticing(desk.clock, desk.entropy) as notices, anyio.create_task_group() as group:
        group.start_soon(listen)
        state = await do(Machine(office=desk, stopped=lambda: bool(stop), tell=_tell))
        await _announced(desk, notices, state)
        group.cancel_scope.cancel()
    told = {"rollout": desk.notes.run, "state": state}
    sys.stdout.write(f"{json.dumps(told)}\n" if arguments.json else f"rollout {desk.notes.run}: {state}\n")
    return {DONE: 0, UNVERIFIED: IN_BETWEEN}.get(state, FAILED)


async def _announced(desk: Office, notices: NoticeDesk, state: str) -> None:
    """Tell people how it ended."""
    run = desk.notes.run
    seen = await desk.notes.desk(partial(desk.notes.store.evidence, run))
    failed = [f"{each.name} (evidence {each.id})" for each in seen if each.ok is False]
    if any(each.startswith("gate: ") for each in failed):
        notices.tell(Kind.GATE_FAILED, run, "; ".join(each for each in failed if each.startswith("gate: ")))
    kind = {DONE: Kind.ROLLED_OUT, UNVERIFIED: Kind.ROLLBACK_UNVERIFIED}.get(state, Kind.ROLLED_BACK)
    notices.tell(kind, run, "; ".join(failed) or "every check held")


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def report(arguments: argparse.Namespace) -> int:
    """The report of a run, from its record."""
    files, desk = RolloutFiles(folder=arguments.state), Desk()
    await desk(files.prepare)
    store = await desk(partial(EvidenceStore, files.evidence, SystemClock()))
    try:
        wanted = partial(store.run, arguments.run_id) if arguments.run_id else partial(store.newest, KIND)
        run = await desk(wanted)
        if run is None:
            sys.stderr.write("bedrock-support rollout: no such run here; see: rollout status\n")
            return FAILED
        past, seen = await desk(partial(store.transitions, run.id)), await desk(partial(store.evidence, run.id))
    finally:
        await desk(store.close)
    made = report_of(run, past, seen)
    for path, write in ((arguments.markdown, markdown), (arguments.html, page)):
        if path is not None:
            await desk(partial(path.write_text, write(made), encoding="utf-8"))
    if arguments.json:
        sys.stdout.write(f"{json.dumps(asdict(made))}\n")
    elif arguments.markdown is None and arguments.html is None:
        sys.stdout.write(markdown(made))
    return 0
