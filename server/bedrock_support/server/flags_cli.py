"""`bedrock-support flags`, `stop` and `resume`: see and switch flags, and put emergency stops in force.

Ends with 0 when all is well, 1 when something else than what was asked for holds, 2 when asked wrongly.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_support.routing.model import Scope
from bedrock_support.server.commands import Commands
from bedrock_support.server.environment import PREFIX, SettingsError
from bedrock_support.server.settings import FLAG_NAMES, READS, Settings, load

if TYPE_CHECKING:
    from bedrock_support.server.flag_file import FlagFile, Overrides
    from bedrock_support.server.flags import FlagKeeper, FlagSnapshot
    from bedrock_support.telemetry.audit.trail import AuditTrail

FAILED, USAGE_ERROR = 1, 2
WORDS = {"on": True, "off": False}


def add_flag_parsers(commands: Commands) -> None:
    """The commands `flags`, `stop` and `resume`."""

    def ready(parser: argparse.ArgumentParser, do: Callable[[Settings, argparse.Namespace], int]) -> None:
        parser.add_argument("--file", type=Path, help=f"the flags file, instead of {PREFIX}FLAGS")
        parser.add_argument("--json", action="store_true", help="the answer as JSON")
        parser.set_defaults(run=partial(_run, do))

    flags = commands.add_parser("flags", help="show, set or watch the feature flags")
    actions = flags.add_subparsers(required=True, metavar="ACTION")
    ready(actions.add_parser("show", help="all flags and stops, and where they come from"), _show)
    change = actions.add_parser("set", help="switch flags in the file; running servers see it within a second")
    change.add_argument("changes", nargs="+", type=_change, metavar="NAME=on|off")
    ready(change, _set)
    ready(actions.add_parser("watch", help="print every change until interrupted"), _watch)
    scopes = [scope.value for scope in Scope]
    stop = commands.add_parser("stop", help="emergency stop of one scope, in every server that follows the flags file")
    stop.add_argument("scope", choices=scopes)
    stop.add_argument("--reason", required=True, help="shown to whoever is turned away")
    ready(stop, _stop)
    resume = commands.add_parser("resume", help="lift an emergency stop")
    resume.add_argument("scope", choices=scopes)
    ready(resume, _resume)


def _change(text: str) -> tuple[str, bool]:
    name, _, value = text.partition("=")
    if name not in FLAG_NAMES.values() or value not in WORDS:
        known = ", ".join(FLAG_NAMES.values())
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=on or NAME=off, with a name of {known}")
    return name, WORDS[value]


def _run(do: Callable[[Settings, argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    from bedrock_support.tools.base import InputError

    settings = load()
    if arguments.file is not None:
        settings = settings.model_copy(update={"flags_file": arguments.file})
    try:
        return do(settings, arguments)
    except InputError as error:
        sys.stderr.write(f"bedrock-support: {error}\n")
        return FAILED


def _file(settings: Settings) -> FlagFile:
    from bedrock_support.routing.clock import SystemClock
    from bedrock_support.server.flag_file import FlagFile

    if settings.flags_file is None:
        raise SettingsError(f"no flags file: set {READS['flags_file']} to one, or give --file")
    return FlagFile(settings.flags_file, SystemClock())


def _keeper(settings: Settings) -> FlagKeeper:
    from bedrock_support.routing.clock import SystemClock
    from bedrock_support.server.flags import FlagKeeper

    file = _file(settings) if settings.flags_file else None
    keeper = FlagKeeper(settings.flags, SystemClock(), file=file, provider=settings.flag_provider, domain="command")
    keeper.settle()
    return keeper


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    keeper = _keeper(settings)
    try:
        return _told(keeper, arguments)
    finally:
        keeper.close()


def _set(settings: Settings, arguments: argparse.Namespace) -> int:
    wanted: dict[str, bool] = dict(arguments.changes)
    return _switched(settings, arguments, lambda file: file.write(wanted))


def _stop(settings: Settings, arguments: argparse.Namespace) -> int:
    scope, reason = Scope(arguments.scope), str(arguments.reason)
    if not reason.strip():
        sys.stderr.write("bedrock-support stop: --reason is empty; say why, for whoever is turned away\n")
        return USAGE_ERROR
    return _switched(settings, arguments, lambda file: file.stop(scope, reason))


def _resume(settings: Settings, arguments: argparse.Namespace) -> int:
    return _switched(settings, arguments, lambda file: file.resume(Scope(arguments.scope)))


def _switched(settings: Settings, arguments: argparse.Namespace, change: Callable[[FlagFile], Overrides]) -> int:
    """Change the file, read back what holds now, and write that down."""
    file = _file(settings)
    keeper = _keeper(settings)
    try:
        before = keeper()
        written = change(file)
        now = keeper.refresh()
        code = _told(keeper, arguments)
    finally:
        keeper.close()
    values = now.named()
    overruled = [name for name, on in written.flags.items() if values[name] != on]
    if overruled:
        sys.stderr.write(f"bedrock-support: the provider says otherwise, and comes first: {', '.join(overruled)}\n")
        code = FAILED
    return code if _audited(settings, before, now) else FAILED


def _audited(settings: Settings, before: FlagSnapshot, now: FlagSnapshot) -> bool:
    """Write the change into the trail, if there is one. What was switched stays so, with or without an entry."""
    changes = now.changes(before)
    if settings.audit is None or not changes:
        return True
    import anyio

    from bedrock_support.server.trail_once import entered

    async def told(trail: AuditTrail) -> None:
        await trail.switched(changes, now.revision, "set")

    if problem := anyio.run(entered, settings, told):
        sys.stderr.write(f"bedrock-support: switched, but the audit trail has no entry of it: {problem}\n")
        return False
    return True


def _told(keeper: FlagKeeper, arguments: argparse.Namespace) -> int:
    now, report = keeper(), keeper.report()
    stops = {scope.value: why for scope, why in now.stops.items()}
    if arguments.json:
        _say(json.dumps({"flags": now.named(), "stops": stops, **report}, ensure_ascii=False))
    else:
        for name, on in now.named().items():
            _say(f"{name:<34} {'on' if on else 'off'}")
        for scope, why in stops.items():
            _say(f"STOPPED {scope}: {why}")
    for what, why in keeper.trouble.items():
        sys.stderr.write(f"bedrock-support: {what}: {why}\n")
    return FAILED if keeper.trouble else 0


def _watch(settings: Settings, arguments: argparse.Namespace) -> int:
    import anyio

    keeper = _keeper(settings)

    def changed(before: FlagSnapshot, now: FlagSnapshot) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        for name, value in now.changes(before).items():
            line = {"at": at, "name": name, "value": value, "revision": now.revision}
            _say(json.dumps(line, ensure_ascii=False) if arguments.json else f"{at} {name}: {value}")

    _told(keeper, arguments)
    try:
        anyio.run(keeper.run, changed)
    except KeyboardInterrupt:
        pass
    finally:
        keeper.close()
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
