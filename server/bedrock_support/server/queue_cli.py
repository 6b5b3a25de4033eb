"""`bedrock-support queue`: the durable queue from the command line: look at it, mend its dead letters."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedrock_support.server.commands import Commands
from bedrock_support.server.environment import SettingsError

if TYPE_CHECKING:
    from bedrock_support.routing.queue.model import Stored
    from bedrock_support.routing.queue.store import QueueStore

FAILED, USAGE_ERROR = 1, 2
SHOWN = 200
"""Characters of a payload in a list."""


def queue_file() -> Path:
    """The server's own. Raises SettingsError where it has none."""
    from bedrock_support.server.settings import load

    if (file := load().queue_file) is None:
        raise SettingsError("no queue: set BEDROCK_SUPPORT_QUEUE to its file, or give --file")
    return file


def add_queue_parser(commands: Commands, path: Callable[[], Path] = queue_file) -> None:
    """The command `queue`; `path` tells the file where --file doesn't. Ends with 0, 1 when refused, 2 when misused."""
    queue = commands.add_parser("queue", help="the durable message queue: numbers, dead letters, mending")
    actions = queue.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, words: str, do: Callable[[QueueStore, argparse.Namespace], int]) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=words)
        parser.add_argument("--file", type=Path, help="the queue's file; without it, the server's own")
        parser.add_argument("--json", action="store_true", help="the whole answer as JSON")
        parser.set_defaults(run=partial(_run, do, path))
        return parser

    action("stats", "how much waits, is leased, done and dead", _stats)
    dead = action("dead", "list dead letters, the oldest first", _dead)
    dead.add_argument("--limit", type=int, default=20, help="1 to 100")
    dead.add_argument("--after", type=int, default=0, metavar="NUMBER", help="number of the last one seen")
    action("inspect", "everything about one message", _inspect).add_argument("id", metavar="ID")
    for name, words, do in (
        ("requeue", "let dead letters wait again with fresh tries", _requeue),
        ("discard", "throw dead letters away", _discard),
    ):
        mend = action(name, words, do)
        mend.add_argument("ids", nargs="*", metavar="ID")
        mend.add_argument("--all", action="store_true", help="every dead letter, at most a thousand in one go")
        if name == "requeue":
            mend.add_argument("--live", type=float, metavar="SECONDS", help="until a new deadline; else the old one")


def _run(
    do: Callable[[QueueStore, argparse.Namespace], int], path: Callable[[], Path], arguments: argparse.Namespace
) -> int:
    from bedrock_support.routing.clock import SystemClock, SystemEntropy
    from bedrock_support.routing.queue.model import QueueError
    from bedrock_support.routing.queue.store import QueueStore

    if hasattr(arguments, "ids") and bool(arguments.ids) == arguments.all:
        _complain("give either ids or --all; list them with: queue dead")
        return USAGE_ERROR
    file: Path = arguments.file or path()
    if not file.is_file():
        _complain(f"{file}: no queue there. It is made when the first message is taken in")
        return FAILED
    store = QueueStore(file, SystemClock(), SystemEntropy())
    try:
        return do(store, arguments)
    except QueueError as error:
        _complain(str(error))
        return FAILED
    finally:
        store.close()


def _stats(store: QueueStore, arguments: argparse.Namespace) -> int:
    told = store.stats()
    lines = [
        f"{told.live} of {told.capacity} messages waiting or leased, {told.size} of {told.most_size} bytes held",
        "states: " + ", ".join(f"{state} {count}" for state, count in told.states.items()),
        "waiting: " + ", ".join(f"{priority} {count}" for priority, count in told.waiting.items()),
        f"{told.delayed} of the waiting back off; {told.dropped} dead letters gave way to new messages",
        f"oldest waits for {told.oldest_wait:.0f} s" if sum(told.waiting.values()) else "nothing waits",
        *(f"topic {topic!r}: {count}" for topic, count in told.topics.items()),
    ]
    _show(lines, asdict(told), arguments)
    return 0


def _dead(store: QueueStore, arguments: argparse.Namespace) -> int:
    page = store.dead_letters.page(arguments.limit, arguments.after)
    lines = [f"{each.number} {_line(each)}" for each in page] or ["no dead letters"]
    if len(page) == arguments.limit:
        lines.append(f"there may be more: --after {page[-1].number}")
    _show(lines, [asdict(each) for each in page], arguments)
    return 0


def _inspect(store: QueueStore, arguments: argparse.Namespace) -> int:
    whole = asdict(store.inspect(arguments.id))
    times = {"enqueued_at", "available_at", "deadline", "lease_until", "ended_at"}
    lines = [
        f"{name}: {_stamp(value) if name in times else repr(value) if isinstance(value, str) else value}"
        for name, value in whole.items()
        if value not in (None, "")
    ]
    _show(lines, whole, arguments)
    return 0


def _requeue(store: QueueStore, arguments: argparse.Namespace) -> int:
    from bedrock_support.routing.clock import SystemClock

    deadline = None if arguments.live is None else SystemClock().wall() + arguments.live
    changed = store.dead_letters.requeue(None if arguments.all else arguments.ids, deadline)
    _show([f"{changed} dead letters wait again"], {"changed": changed}, arguments)
    return 0


def _discard(store: QueueStore, arguments: argparse.Namespace) -> int:
    changed = store.dead_letters.discard(None if arguments.all else arguments.ids)
    _show([f"{changed} dead letters thrown away"], {"changed": changed}, arguments)
    return 0


def _line(each: Stored) -> str:
    why = f"{each.dead_reason} after {each.attempts} tries at {_stamp(each.ended_at or 0.0)}: {each.error!r}"
    return f"{each.id} {each.topic!r} {each.priority} {why} {each.payload[:SHOWN]!r}"


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _show(lines: list[str], whole: dict[str, Any] | list[dict[str, Any]], arguments: argparse.Namespace) -> None:
    # Payloads are somebody's text: repr and JSON keep their control characters from the terminal.
    sys.stdout.write(f"{json.dumps(whole, indent=2)}\n" if arguments.json else "\n".join([*lines, ""]))


def _complain(message: str) -> None:
    sys.stderr.write(f"bedrock-support queue: {message}\n")
