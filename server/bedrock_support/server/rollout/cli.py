"""`bedrock-support rollout`: rollouts, rollbacks and drills from the command line."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from bedrock_support.server.commands import Commands
from bedrock_support.server.environment import SettingsError

if TYPE_CHECKING:
    from bedrock_support.server.rollout.checks import Check

FAILED, USAGE_ERROR = 1, 2


def add_rollout_parser(commands: Commands) -> None:
    """The command `rollout`. Ends with 0, with 1 when what was asked for isn't so, with 2 when misused."""
    rollout = commands.add_parser("rollout", help="shift traffic behind gates; roll back; drill the levels of rollback")
    actions = rollout.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, words: str, do: Callable[[argparse.Namespace], Awaitable[int]]) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=words)
        parser.add_argument("--state", type=Path, help="the front's state folder", required=name != "drill")
        parser.add_argument("--json", action="store_true", help="the answer as JSON")
        parser.set_defaults(run=partial(_run, do))
        return parser

    begin = action("start", "carry out a rollout: seven phases, behind gates, rolled back by itself", _lazily("start"))
    begin.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="new worker's environment")
    begin.add_argument("--flag", action="append", default=[], metavar="NAME=on|off", help="a flag at the end; else on")
    begin.add_argument("--step", type=int, action="append", default=[], metavar="PERCENT", help="default 5 25 75 100")
    begin.add_argument("--samples", type=int, default=20, help="that each gate needs in each step (20)")
    begin.add_argument("--watch", type=float, default=2.0, metavar="SECONDS", help="to watch traffic in each step (2)")
    begin.add_argument(
        "--limit", action="append", default=[], metavar="NAME=NUMBER", help="another limit for a gate on answers"
    )
    begin.add_argument(
        "--elsewhere", type=Path, metavar="FILE", help="TOML: a load balancer that gets the same weights, step by step"
    )
    action("status", "the newest rollout and the front, as they are", _lazily("status"))
    action("watch", "the same each second until the rollout is over", _lazily("watch"))
    action("resume", "take up a rollout whose process ended", _lazily("resume"))
    action("abort", "roll a running or interrupted rollout back", _lazily("abort"))
    report = action("report", "what happened, from stored evidence alone", _lazily("report"))
    report.add_argument("--run", dest="run_id", metavar="ID", help="a run's id; else the newest rollout")
    report.add_argument("--markdown", type=Path, metavar="FILE", help="write it there")
    report.add_argument("--html", type=Path, metavar="FILE", help="write it there as one page")
    told = actions.add_parser("thresholds", help="every number that rollouts, stops and alerts go by")
    told.set_defaults(run=_thresholds)
    action("drill", "do each level of rollback for real, time it, verify it, take it back", _drill)
    level = action("rollback", "roll back now, at a level, and verify it", _rollback)
    level.add_argument("level", choices=("immediate", "partial", "full"))
    level.add_argument("--dry-run", action="store_true", help="only say what it would do, and to what")


def _thresholds(_: argparse.Namespace) -> int:
    from bedrock_support.server.rollout.thresholds import text

    sys.stdout.write(text())
    return 0


def _lazily(name: str) -> Callable[[argparse.Namespace], Awaitable[int]]:
    """An action of cli_rollout, which is loaded only when it is taken."""

    async def act(arguments: argparse.Namespace) -> int:
        from bedrock_support.server.rollout import cli_rollout

        done: int = await getattr(cli_rollout, name)(arguments)
        return done

    return act


def _run(do: Callable[[argparse.Namespace], Awaitable[int]], arguments: argparse.Namespace) -> int:
    import sqlite3

    from bedrock_support.server.rollout.control import NoFront, Unsettled
    from bedrock_support.server.rollout.desk import Interrupted
    from bedrock_support.server.rollout.files import RolloutFiles
    from bedrock_support.server.rollout.locks import Taken
    from bedrock_support.server.rollout.synthetic import Unreachable

    if arguments.state is not None:
        arguments.state = arguments.state.expanduser().absolute()
        if do is not _drill:  # which may have a front of its own there
            RolloutFiles(folder=arguments.state).expected()
    try:
        return anyio.run(do, arguments)
    except Taken:
        _complain("another rollout, rollback or drill is under way on this state folder; see: rollout status")
    except (Interrupted, NoFront, Unsettled, Unreachable, sqlite3.Error, OSError) as error:
        _complain(str(error))
    return FAILED


async def _drill(arguments: argparse.Namespace) -> int:
    from bedrock_support.server.rollout.desk import office
    from bedrock_support.server.rollout.drill import Drill, sandboxed

    async with AsyncExitStack() as stack:
        folder: Path | None = arguments.state
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bedrock-support-drill-")))
        desk = await stack.enter_async_context(office(folder, kind="drill"))
        if await desk.front_answers():
            _say_aside("drilling on the running front; it is left as it was")
        else:
            _say_aside(
                "no front is running: drilling on one of its own, on loopback, with a SIMULATED Bedrock (sandbox)"
            )
            await stack.enter_async_context(sandboxed(desk.files, desk.clock, desk.entropy))
        done = await Drill(control=desk.control, notes=desk.notes, clock=desk.clock).run()
        await desk.finish("verified" if all(each.verified for each in done) else "failed")
    if arguments.json:
        sys.stdout.write(json.dumps({"drills": [each.as_table() for each in done]}) + "\n")
    for each in done:
        problems = f": {', '.join(each.problems)}" if each.problems else ""
        line = f"{each.level:10} {each.seconds:6.2f} s  {'verified' if each.verified else 'NOT verified'}{problems}\n"
        (sys.stderr if arguments.json else sys.stdout).write(line)
    return 0 if all(each.verified for each in done) else FAILED


async def _would(arguments: argparse.Namespace) -> int:
    """What a rollback would do, and what stands now."""
    from bedrock_support.server.rollout.account import account, in_words
    from bedrock_support.server.rollout.files import RolloutFiles
    from bedrock_support.tools.roll_back import DOES

    told, does = await account(RolloutFiles(folder=arguments.state)), DOES[arguments.level]
    if arguments.json:
        sys.stdout.write(json.dumps({"level": arguments.level, "would": does, "now": told}) + "\n")
    else:
        sys.stdout.write("\n".join([f"{arguments.level}: {does}. Nothing was done. Now:", *in_words(told), ""]))
    return 0


async def _rollback(arguments: argparse.Namespace) -> int:
    if arguments.dry_run:
        return await _would(arguments)
    from bedrock_support.server.notices.assembly import noticing
    from bedrock_support.server.notices.notice import Kind
    from bedrock_support.server.rollout.desk import office
    from bedrock_support.server.rollout.levels import Rollback

    async with (
        office(arguments.state, kind=f"rollback {arguments.level}", overrule=True) as desk,
        noticing(desk.clock, desk.entropy) as notices,
    ):
        began = desk.clock.now()
        await desk.notes.move(arguments.level, "begun")
        with suppress(SettingsError):  # what can't be read is no reason to leave things as they are
            fleet, flags = await desk.control.fleet(), await desk.control.file_flags()
            await desk.notes.fact("before", {"fleet": fleet.as_table(), "flags": flags})
        checks = await Rollback(control=desk.control).to(arguments.level)
        seconds = desk.clock.now() - began
        verified = await desk.notes.all(checks)
        await desk.notes.move(arguments.level, "done" if verified else "failed", f"{seconds:.2f} s")
        await desk.finish("verified" if verified else "failed")
        failed = "; ".join(each.name for each in checks if not each.ok)
        kind = Kind.ROLLED_BACK if verified else Kind.ROLLBACK_UNVERIFIED
        notices.tell(kind, desk.notes.run, f"{arguments.level}, by hand: {failed or 'every check held'}")
    if arguments.json:
        shown = [
            {"name": each.name, "ok": each.ok, "trace": each.trace, **({} if each.ok else {"value": each.value})}
            for each in checks
        ]
        told = {"level": arguments.level, "seconds": round(seconds, 3), "verified": verified, "checks": shown}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        lines = [_in_words(each) for each in checks]
        lines.append(f"{arguments.level}: {'verified' if verified else 'NOT verified'} after {seconds:.2f} s")
        sys.stdout.write("\n".join([*lines, ""]))
    return 0 if verified else FAILED


def _in_words(check: Check) -> str:
    """One line; what doesn't hold with why, for whoever has to mend it now."""
    line = f"{'ok    ' if check.ok else 'FAILED'} {check.name} {check.trace}".rstrip()
    if check.ok:
        return line
    why = check.value.get("problem") or json.dumps(check.value, default=str)
    return f"{line}: {why}"


def _complain(message: str) -> None:
    sys.stderr.write(f"bedrock-support rollout: {message}\n")


def _say_aside(message: str) -> None:
    sys.stderr.write(f"bedrock-support rollout: {message}\n")
    sys.stderr.flush()
